"""What is left out under Wine is there: a name that was changed would leave out nothing."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from Testing.repository import REPOSITORY
from Testing.Windows.left_out import LEFT_OUT, pytest_collection_modifyitems


def test_each_file_and_function_that_is_left_out_is_there_once():
    files = [*(REPOSITORY / "Testing" / "Lib").rglob("test_*.py")]
    files += [*(REPOSITORY / "Testing" / "MRML").rglob("test_*.py")]
    names = Counter(
        node.name
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    )
    names.update(file.relative_to(REPOSITORY).as_posix() for file in files)
    assert {name: names[name] for name in LEFT_OUT} == dict.fromkeys(LEFT_OUT, 1)


@pytest.mark.parametrize(
    ("node", "is_left_out"),
    [
        ("Testing/Lib/a.py::test_it_needs_nothing_but_numpy", True),
        ("Testing/Lib/a.py::test_it_needs_nothing_but_numpy[a::b]", True),
        ("Testing/Lib/cli/test_dask.py::test_any", True),
        ("Testing/Lib/cli/test_other.py::test_any", False),
    ],
)
def test_what_is_left_out_is_skipped_with_its_reason(node: str, is_left_out: bool):
    markers = []

    class Item:
        nodeid = node
        add_marker = markers.append

    pytest_collection_modifyitems([Item()])
    reasons = [marker.kwargs["reason"] for marker in markers]
    assert [each.startswith("left out under Wine: ") for each in reasons] == [True] * is_left_out
