"""What is installed is what git keeps: no file forgotten, none too many."""

from __future__ import annotations

import filecmp
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# Where files of the repository lie once installed; what begins with none of these stays out.
PLACES = {
    "CompactSeg/": "",
    "CompactSegLib/": "CompactSegLib/",
    "Resources/": "Resources/",
    "LICENSE.txt": "LICENSE.txt",
}
STAY_OUT = ("CompactSeg/CMakeLists.txt", "Resources/Training/")


def names() -> list[str]:
    """All files, as git lists them, those not added yet included; as they lie there where git is not."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        return listing.stdout.split("\0")
    return [
        file.relative_to(REPOSITORY).as_posix()
        for file in REPOSITORY.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]


def expected() -> dict[str, Path]:
    """Path once installed, and the file, of each."""
    return {
        place + name.removeprefix(folder): REPOSITORY / name
        for name in names()
        for folder, place in PLACES.items()
        if name.startswith(folder)
        and not name.startswith(STAY_OUT)
        and (REPOSITORY / name).exists()
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
        "Resources/Models/hippocampus-mr/weights.safetensors",
    ):
        assert (the_installed_extension.modules / name).is_file()
