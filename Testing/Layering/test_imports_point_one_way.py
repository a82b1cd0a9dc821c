"""Which room may import which: Qt -> MRML -> Lib, and inside the library one way too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

SLICER = {"slicer", "slicer_core", "vtk", "vtkmodules", "mrml"}
QT = {"qt", "ctk", "PythonQt", "PySide6", "PyQt5", "PyQt6"}
# Slicer stays alive and quick because the net runs in another process: the worker.
HEAVY = {"torch", "monai"}

FORBIDDEN = {
    "CompactSegLib": SLICER | QT | {"CompactSegMRML", "CompactSegQt", "CompactSeg", "nilearn"},
    "CompactSeg/CompactSegMRML": QT | HEAVY | {"CompactSegQt", "CompactSeg"},
    "CompactSeg/CompactSegQt": HEAVY | {"CompactSeg"},
    "CompactSeg": HEAVY,
}

# The rooms in the order of the data's way: each may use itself, those before it, and the shared files at the top.
ROOMS = [
    "network",
    "volume",
    "model",
    "output",
    "inference",
    "serve",
    "datasets",
    "synthesis",
    "train",
    "judge",
    "cli",
]
SHARED = {"errors", "files", "labels", "lazy"}
# What still points the other way.
CIRCLES = {
    "datasets": {"train.plan"},
    "synthesis": {"train.plan", "train.patches"},
}


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import in a file, those inside functions included.

    ``from a.b import c`` gives both ``a.b`` and ``a.b.c``, since c may be a module.
    """
    package = file.relative_to(REPOSITORY).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield node.lineno, module
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_imports_nothing_from_above_it(layer: str):
    assert python_files(REPOSITORY / layer)
    offences = [
        f"{file.relative_to(REPOSITORY)}:{line} imports {name}"
        for file in python_files(REPOSITORY / layer)
        for line, name in imports_of(file)
        if name.partition(".")[0] in FORBIDDEN[layer]
    ]
    assert not offences


def beyond(file: Path, allowed: set[str]) -> list[str]:
    """What a file of the library imports from the library beyond the rooms and modules that it may."""
    return [
        f"{file.relative_to(REPOSITORY)}:{line} imports {name}"
        for line, name in imports_of(file)
        if name.startswith("CompactSegLib.")
        and not any(f"{name}.".startswith(f"CompactSegLib.{part}.") for part in allowed)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_library_uses_only_the_rooms_before_it(room: str):
    files = python_files(REPOSITORY / "CompactSegLib" / room)
    # ``python -m`` on a room is a way into the command.
    files = [file for file in files if file.name != "__main__.py"]
    assert files
    allowed = {*ROOMS[: ROOMS.index(room) + 1], *SHARED, *CIRCLES.get(room, ())}
    assert not [offence for file in files for offence in beyond(file, allowed)]


def test_shared_files_use_no_room():
    for name in sorted(SHARED):
        assert not beyond(REPOSITORY / "CompactSegLib" / f"{name}.py", SHARED)


def test_every_room_of_the_library_has_its_place_in_the_order():
    folder = REPOSITORY / "CompactSegLib"
    assert {file.relative_to(folder).parts[0] for file in folder.glob("*/*.py")} == set(ROOMS)


def test_relative_imports_and_imports_in_functions_are_seen(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.REPOSITORY", tmp_path)
    file = tmp_path / "CompactSegLib" / "volume" / "reading.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "def f():\n    import vtk\n    from ..inference import engine\n    from . import geometry\n"
    )
    assert [name for _, name in imports_of(file)] == [
        "vtk",
        "CompactSegLib.inference",
        "CompactSegLib.inference.engine",
        "CompactSegLib.volume",
        "CompactSegLib.volume.geometry",
    ]
