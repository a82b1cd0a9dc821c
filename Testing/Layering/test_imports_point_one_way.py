"""Which room may import which: Qt -> MRML -> Lib, and inside the library one way too."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.Layering.imports import REPOSITORY, ROOMS, SHARED, imports_of, python_files

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
    allowed = {*ROOMS[: ROOMS.index(room) + 1], *SHARED}
    assert not [offence for file in files for offence in beyond(file, allowed)]


def test_shared_files_use_no_room():
    for name in sorted(SHARED):
        assert not beyond(REPOSITORY / "CompactSegLib" / f"{name}.py", SHARED)


def test_every_room_of_the_library_has_its_place_in_the_order():
    folder = REPOSITORY / "CompactSegLib"
    assert {file.relative_to(folder).parts[0] for file in folder.glob("*/*.py")} == set(ROOMS)


def test_relative_imports_and_imports_in_functions_are_seen(tmp_path: Path):
    file = tmp_path / "CompactSegLib" / "volume" / "reading.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "def f():\n    import vtk\n    from ..inference import engine\n    from . import geometry\n"
    )
    assert [name for _, name in imports_of(file, tmp_path)] == [
        "vtk",
        "CompactSegLib.inference",
        "CompactSegLib.inference.engine",
        "CompactSegLib.volume",
        "CompactSegLib.volume.geometry",
    ]


def circles(imports: dict[str, set[str]]) -> list[tuple[str, ...]]:
    """The sets of modules of which each leads to each other by imports."""
    reached = {
        module: set(_reached(module, imports))
        for module in imports  # a module may lead to itself
    }
    found = {
        tuple(sorted(other for other in reached[module] if module in reached.get(other, ())))
        for module in imports
        if module in reached[module]
    }
    return sorted(found)


def _reached(module: str, imports: dict[str, set[str]]) -> Iterator[str]:
    seen, waiting = set(), [*imports.get(module, ())]
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            yield name
            waiting += imports.get(name, ())


def test_no_two_files_of_the_library_import_each_other():
    """Not by a detour either, nor inside of functions, nor for types alone."""
    files = python_files(REPOSITORY / "CompactSegLib")
    modules = {".".join(file.relative_to(REPOSITORY).with_suffix("").parts): file for file in files}
    imports = {
        module: {name for _, name in imports_of(file) if name in modules}
        for module, file in modules.items()
    }
    assert not circles(imports)


def test_a_circle_is_found_whatever_its_length():
    chain = {"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": set()}
    assert not circles(chain)
    assert circles(chain | {"d": {"a"}}) == [("a", "b", "d")]
    assert circles({"a": {"a"}}) == [("a",)]


def test_the_drawing_of_the_imports_is_that_of_the_code():
    """After a change: python -m docs.draw_imports."""
    drawn = runpy.run_path(str(REPOSITORY / "docs/draw_imports.py"))
    assert drawn["TARGET"].read_text(encoding="utf-8") == drawn["drawing"]()
