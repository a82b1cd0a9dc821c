"""What is installed is what git keeps: no file forgotten, none too many."""

from __future__ import annotations

import filecmp
from pathlib import Path

from Testing.repository import REPOSITORY, repository_files

# Where files of the repository lie once installed; what begins with none of these stays out.
PLACES = {
    "CompactSeg/": "",
    "CompactSegLib/": "CompactSegLib/",
    "Resources/": "Resources/",
    "LICENSE.txt": "LICENSE.txt",
}
# Types are for people who write Python, and Slicer checks none.
TYPES = ("CompactSegLib/py.typed", "CompactSegLib/__init__.pyi")
STAY_OUT = ("CompactSeg/CMakeLists.txt", "Resources/Training/", *TYPES)


def expected() -> dict[str, Path]:
    """Path once installed, and the file, of each."""
    files = {file.relative_to(REPOSITORY).as_posix(): file for file in repository_files()}
    return {
        place + name.removeprefix(folder): file
        for name, file in files.items()
        for folder, place in PLACES.items()
        if name.startswith(folder) and not name.startswith(STAY_OUT)
    }


def test_every_file_is_installed_and_no_other(the_installed_extension):
    place = the_installed_extension.modules
    found = {
        file.relative_to(place).as_posix()
        for file in place.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert found == set(expected())


def test_what_is_installed_is_what_was_written(the_installed_extension):
    for name, file in expected().items():
        assert filecmp.cmp(the_installed_extension.modules / name, file, shallow=False), name


def test_what_slicer_looks_for_is_among_it(the_installed_extension):
    for name in (
        "CompactSeg.py",
        "Resources/Icons/CompactSeg.png",
        "Resources/UI/CompactSeg.ui",
        "Resources/requirements.txt",
        "Resources/Models/order.json",
        "Resources/Models/brain-mr/weights.safetensors",
        "Resources/Models/hippocampus-mr/weights.safetensors",
    ):
        assert (the_installed_extension.modules / name).is_file()
