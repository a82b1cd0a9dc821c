"""Which folder is a volume and which holds cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from CompactSegLib import InputError
from CompactSegLib.cli import inputs
from CompactSegLib.cli.inputs import Case


def find_cases(path: Path, **options: object) -> tuple[list[Case], bool]:
    found = inputs.find_cases(path, **options)
    return found.cases, found.is_batch


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0" * 128 + b"DICM" if path.suffix in ("", ".dcm") else b"x")
    return folder


def test_a_file_is_one_volume(tmp_path: Path):
    touch(tmp_path, "brain.nii.gz")
    assert find_cases(tmp_path / "brain.nii.gz") == ([Case(tmp_path / "brain.nii.gz")], False)


@pytest.mark.parametrize("names", [["1.dcm", "2.dcm"], ["IM0001", "IM0002"], ["1.dcm", "a.nii"]])
def test_a_folder_with_dicom_images_in_it_is_one_volume(tmp_path: Path, names: list[str]):
    assert find_cases(touch(tmp_path, *names)) == ([Case(tmp_path)], False)


def test_a_named_series_makes_any_folder_one_volume(tmp_path: Path):
    touch(tmp_path, "study/series/1.dcm")
    assert find_cases(tmp_path, series="3") == ([Case(tmp_path)], False)


def test_other_folders_hold_cases(tmp_path: Path):
    touch(
        tmp_path,
        "b.nii.gz",
        "a.nrrd",
        "c.MHA",
        "d/study/1.dcm",
        "e/readme.txt",
        "a_level-1.nii.gz",
        "b_level-12.seg.nrrd",
        "d_level-1.dcm",
        "out/d_level-1.dcm",
        "manual.seg.nrrd",
        "c.raw",
        "a_report.json",
        ".hidden.nii",
        ".partial-1/1.dcm",
    )
    assert find_cases(tmp_path) == (
        [
            Case(tmp_path / "a.nrrd", "a"),
            Case(tmp_path / "b.nii.gz", "b"),
            Case(tmp_path / "c.MHA", "c"),
            Case(tmp_path / "d", "d"),
        ],
        True,
    )


def test_two_cases_of_one_name_are_refused(tmp_path: Path):
    touch(tmp_path, "a.nii.gz", "a.nrrd", "b.nrrd")
    with pytest.raises(InputError, match=r"a\.nii\.gz and a\.nrrd would write the same files"):
        find_cases(tmp_path)
