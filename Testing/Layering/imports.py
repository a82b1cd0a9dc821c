"""The rooms of the library in their order, and what files import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from Testing.repository import REPOSITORY

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
SHARED = {"errors", "files", "json_data", "labels", "lazy", "paths", "resources", "words"}


def imports_of(file: Path, repository: Path = REPOSITORY) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import in a file, those inside functions included.

    ``from a.b import c`` gives both ``a.b`` and ``a.b.c``, since c may be a module.
    """
    package = file.relative_to(repository).parent.parts
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


def room_imports() -> dict[str, set[str]]:
    """Per room the rooms and shared files that its files import."""
    library = REPOSITORY / "CompactSegLib"
    found: dict[str, set[str]] = {}
    for room in [*sorted(SHARED), *ROOMS]:
        files = python_files(library / room) if room in ROOMS else [library / f"{room}.py"]
        names = {
            name.split(".")[1]
            for f in files
            if f.name != "__main__.py"  # a way into the command
            for _, name in imports_of(f)
            if name.startswith("CompactSegLib.")
        }
        found[room] = names & {*ROOMS, *SHARED} - {room}
    return found
