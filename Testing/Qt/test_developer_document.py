"""docs/developer.md names functions; each of them exists, and the way of a click has ten steps."""

from __future__ import annotations

import ast
import re

import pytest

from Testing.repository import REPOSITORY

TEXT = (REPOSITORY / "docs" / "developer.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def the_defined_names() -> set[str]:
    """``function``, ``Class`` and ``Class.method`` of the module and of what it uses of the library."""
    names = set()
    for folder in ("CompactSeg", "CompactSegLib/serve"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            names.add(path.stem)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    names.add(node.name)
                if isinstance(node, ast.ClassDef):
                    methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
                    names |= {f"{node.name}.{method.name}" for method in methods}
    return names


NAMES = sorted(
    {
        name
        for name in re.findall(r"`([^`]+)`", TEXT)
        if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", name)
        and name not in {"tr", "_"}
        and not name.endswith((".md", ".py", ".toml", ".cff", ".json"))
        and name not in {"CompactSegQt", "CompactSegMRML", "CompactSegLib"}
    }
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_document_exists(name, the_defined_names):
    assert name in the_defined_names


def test_the_way_of_a_click_has_ten_steps_and_names_what_is_called():
    way = TEXT.partition("## The way of a click")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d+\. .*(?:\n   .*)*", way, re.MULTILINE)
    assert len(steps) == 10
    assert all("`" in step for step in steps)
    assert len(NAMES) > 30
