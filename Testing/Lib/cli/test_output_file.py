"""``compactseg segment`` where its output is the image, open elsewhere, in no folder, or has too long a path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from Testing.Lib.cli.conftest import refusal_of
from Testing.Lib.cli.held_open import held_open
from Testing.Lib.cli.short_paths import take_no_longer_paths_than


@pytest.mark.parametrize(
    "name",
    [
        "brain.nii.gz",
        pytest.param(
            "link.nii.gz",
            marks=pytest.mark.skipif(os.name == "nt", reason="on Windows not all may make links"),
        ),
    ],
)
def test_the_image_itself_is_never_replaced(segment, a_volume_file: Path, name: str):
    before, file = a_volume_file.read_bytes(), a_volume_file.with_name(name)
    is_link = file != a_volume_file
    if is_link:
        file.symlink_to(a_volume_file)
    result = segment("--level", 1, "--output", file, "--overwrite")
    assert result.exit_code == 2
    assert f"{name}: expected a new file for the labels, but this belongs to" in result.stderr
    assert a_volume_file.read_bytes() == before
    assert file.is_symlink() == is_link


def test_a_file_that_is_open_in_another_program_is_told_before_anything_is_computed(
    segment, tmp_path: Path, monkeypatch
):
    file = tmp_path / "labels.nii.gz"
    file.write_bytes(b"old")
    with held_open(file, monkeypatch):
        result = segment("--level", 1, "--output", file, "--overwrite")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "labels.nii.gz may be open in another program, close it there" in result.stderr
    assert file.read_bytes() == b"old"


def test_a_folder_that_is_not_written_to_is_told_before_anything_is_computed(
    segment, a_folder_of_cases: Path, tmp_path: Path
):
    (tmp_path / "file").touch()
    for volume, output in (
        (a_folder_of_cases / "a.nii.gz", "file/labels.nii.gz"),
        (a_folder_of_cases, "file/out"),
    ):
        result = segment("--level", 1, "--output", tmp_path / output, volume=volume)
        assert result.exit_code == 2
        assert result.stdout == ""
        (error,) = [line for line in result.stderr.splitlines() if not line.startswith("Note: ")]
        assert "expected a folder to write to, but it could not be written to" in error


def test_a_summary_that_is_open_in_another_program_is_told_before_any_case_is_read(
    segment, a_folder_of_cases: Path, tmp_path: Path, monkeypatch
):
    file = tmp_path / "out" / "summary.csv"
    file.parent.mkdir()
    file.write_bytes(b"old")
    with held_open(file, monkeypatch):
        result = segment("--level", 1, volume=a_folder_of_cases)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "summary.csv may be open in another program, close it there" in result.stderr
    assert [path.name for path in file.parent.iterdir()] == ["summary.csv"]


def test_a_name_that_no_file_can_have_is_told_before_anything_is_computed(
    segment, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("sys.platform", "win32")
    for name in ("aux.nii.gz", "LPT1.seg.nrrd"):
        result = segment("--level", 1, "--output", tmp_path / name)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "expected the name of a file to write to, but no file can have it" in result.stderr


@pytest.mark.parametrize(
    ("output", "longest"),
    [("labels.nii.gz", "labels.nii.gz"), ("out", "out/brain_level-3.seg.nrrd")],
)
def test_a_path_that_is_too_long_is_told_before_anything_is_computed(
    segment, tmp_path: Path, monkeypatch, output: str, longest: str
):
    take_no_longer_paths_than(tmp_path / longest, monkeypatch)
    result = segment("--output", tmp_path / output)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "(File name too long); " in result.stderr
    assert "choose a shorter name, or a folder nearer to the root." in result.stderr
    assert not (tmp_path / output).exists()


def test_an_old_result_that_is_open_elsewhere_is_told_before_anything_is_computed(
    segment, tmp_path: Path, monkeypatch
):
    assert segment("--all-levels").exit_code == 0
    file = tmp_path / "out" / "brain_level-3.seg.nrrd"
    with held_open(file, monkeypatch):
        result = segment("--level", 1)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{file.name} may be open in another program" in result.stderr
    assert file.exists()


@pytest.mark.skipif(os.name == "nt", reason="on Windows it is the path that is too long")
def test_a_model_whose_name_makes_too_long_ones_is_told_before_a_case_is_read(
    compactseg, write_tiny_model, a_dataset_folder: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("CompactSegLib.datasets.cases.check_cases", None)
    model = write_tiny_model(tmp_path / "model", name="x" * 240)
    given = ["--model", model.folder, "--data", a_dataset_folder, "--output", tmp_path / "out"]
    told = refusal_of(compactseg("evaluate", *given, "--device", "cpu"), tmp_path)
    assert told.endswith(
        "(File name too long); nothing was left behind, choose a shorter name, or a folder nearer to the root."
    )
