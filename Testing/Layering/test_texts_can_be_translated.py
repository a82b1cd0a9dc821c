"""What a user reads is found by Slicer's update_translations.py, under the name by which slicer.i18n looks it up.

That script knows a text by ``_("...")``, up to the next quote before a bracket. What stands in a ``tr("...")`` lupdate
puts under no name at all, and it is never found again.
"""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "CompactSeg"
FILES = sorted(MODULE.rglob("*.py"))
NOT_FOR_READERS = ("nodeTypes", "SlicerParameterName")
"""Properties of widgets that are names of Slicer's."""


def imported(tree: ast.Module) -> Iterator[ast.alias]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in (
            "slicer.i18n",
            "CompactSegMRML.Signal",
        ):
            yield from (each for each in node.names if each.name == "tr")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_texts_are_written_so_that_slicers_script_finds_them(file):
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    if file.name != "Signal.py":  # which hands Slicer's function on
        assert all(each.asname == "_" for each in imported(tree))
    formatted = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_"):
            continue
        where = f"{file.name}:{node.lineno}"
        assert id(node) not in formatted, f"{where}: within another text, where it is not seen"
        assert len(node.args) == 1, where
        text = node.args[0]
        assert isinstance(text, ast.Constant), f"{where}: no literal text"
        written = ast.get_source_segment(source, text) or ""
        assert written[0] == written[-1] == '"', f"{where}: double quotes at both ends"
        assert not re.search(r'"\s*\)', written[:-1]), f"{where}: would seem to end in the middle"


def test_names_in_the_form_are_not_translated():
    form = ElementTree.parse(REPOSITORY / "Resources" / "UI" / "CompactSeg.ui").getroot()
    found = [each for each in form.iter("property") if each.get("name") in NOT_FOR_READERS]
    assert len(found) > len(NOT_FOR_READERS)
    for each in found:
        (value,) = each
        assert value.get("notr") == "true", ElementTree.tostring(each, encoding="unicode")
