"""Which folder is a volume and which holds cases, and how results come to their place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from CompactSegLib import InputError, OutputError
from CompactSegLib.cli import cases
from CompactSegLib.cli.inputs import Case
from CompactSegLib.output.staging import staged_files
from Testing.conftest import REPOSITORY


def find_cases(path: Path, **options: object) -> tuple[list[Case], bool]:
    found = cases.find_cases(path, **options)
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


def test_files_move_together_at_the_end_and_replace_what_was_there(tmp_path: Path):
    (tmp_path / "a").write_text("old")
    with staged_files(tmp_path, last="z") as folder:
        for name in "zab":
            (folder / name).write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        "abz", "new"
    )


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_a_failure_nothing_is_left(tmp_path: Path, error: type[BaseException]):
    def write_and_fail() -> None:
        with staged_files(tmp_path / "x" / "y", last="a") as folder:
            (folder / "a").write_text("new")
            raise error

    with pytest.raises(error):
        write_and_fail()
    assert not list(tmp_path.iterdir())


def test_folders_that_were_there_before_stay(tmp_path: Path):
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match="no"), staged_files(tmp_path / "x", last="a"):
        raise ValueError("no")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_report_of_an_earlier_run_goes_before_the_first_file_moves(tmp_path: Path, monkeypatch):
    """A kill between two files would otherwise leave a new level 1 beside old others, and all would look done."""
    (tmp_path / "a").write_text("old")
    (tmp_path / "report").write_text("old")
    seen = []
    replace = os.replace

    def look_and_replace(source, target):
        seen.append((tmp_path / "report").exists())
        replace(source, target)

    monkeypatch.setattr("os.replace", look_and_replace)
    with staged_files(tmp_path, last="report") as folder:
        for name in ("a", "b", "report"):
            (folder / name).write_text("new")
    assert seen == [False, False, False]
    assert (tmp_path / "report").read_text() == "new"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from CompactSegLib.output.staging import staged_files\n"
        "with staged_files(Path(sys.argv[1]), last='z') as folder:\n"
        "    (folder / 'half').write_text('x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY)
    (left,) = tmp_path.iterdir()
    assert (left / "half").read_text() == "x"
    (tmp_path / left.name.replace(left.name.split("-")[1], "0" * 8)).mkdir()  # of another host
    with staged_files(tmp_path, last="z") as mine, staged_files(tmp_path, last="y"):
        assert not left.exists()
        assert mine.exists(), "that of a living run stays"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_while_moving_takes_back_what_was_moved(tmp_path: Path, monkeypatch):
    replace = os.replace

    def fail_for_b(source, target):
        if Path(target).name == "b":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("os.replace", fail_for_b)

    def write_three() -> None:
        with staged_files(tmp_path / "out", last="a") as folder:
            for name in "abc":
                (folder / name).write_text("new")

    with pytest.raises(OutputError, match="No space left on device"):
        write_three()
    assert not list(tmp_path.iterdir())
