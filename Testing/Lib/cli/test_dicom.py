"""``compactseg segment`` on DICOM series, and to DICOM SEG."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from Testing.Lib.volume.dicom_files import write_series


@pytest.fixture
def a_series(tmp_path: Path) -> Path:
    write_series(tmp_path / "scan", number=3)
    return tmp_path / "scan"


def test_a_series_becomes_dicom_seg_objects_that_refer_to_it(segment, a_series, tmp_path: Path):
    result = segment("--level", 2, "--format", "dicom-seg", volume=a_series)
    assert result.exit_code == 0, result.stderr
    source = dcmread(next(a_series.iterdir()))
    for level in (1, 2):
        written = dcmread(tmp_path / "out" / f"scan_level-{level}.dcm")
        assert written.Modality == "SEG"
        assert written.StudyInstanceUID == source.StudyInstanceUID
        assert f"level {level}" in written.SeriesDescription.lower()


def test_a_file_of_the_series_stands_for_it(segment, a_series, tmp_path: Path):
    segment("--level", 1, "--format", "nii.gz", volume=a_series)
    whole = SimpleITK.ReadImage(str(tmp_path / "out" / "scan_level-1.nii.gz"))
    segment("--level", 1, "--format", "nii.gz", volume=next(a_series.iterdir()))
    again = SimpleITK.ReadImage(str(tmp_path / "out" / "scan_level-1.nii.gz"))
    assert np.array_equal(SimpleITK.GetArrayFromImage(whole), SimpleITK.GetArrayFromImage(again))


def test_of_several_series_one_has_to_be_chosen(segment, a_series, tmp_path: Path):
    write_series(a_series / "more", number=7, description="T2")
    result = segment("--level", 1, volume=a_series)
    assert result.exit_code == 2
    assert "expected one DICOM series, found 2" in result.stderr
    assert "series 7: T2" in result.stderr
    assert not (tmp_path / "out").exists()
    result = segment("--level", 1, "--json", "--series", 7, volume=a_series)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["input"]["images"] == 6


def test_a_folder_of_dicom_folders_is_a_folder_of_cases(segment, tmp_path: Path):
    for name in ("first", "second"):
        write_series(tmp_path / "cases" / name / "study")
    result = segment("--level", 1, volume=tmp_path / "cases")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in (tmp_path / "out").glob("*.nrrd")} == {
        "first_level-1.seg.nrrd",
        "second_level-1.seg.nrrd",
    }


def test_results_beside_dicom_folders_are_neither_a_case_nor_slices(
    compactseg, a_series: Path, tmp_path: Path
):
    """Of a folder of cases, and of the series' own folder."""
    arguments = ["--model", "tiny", "--level", 1, "--format", "dicom-seg", "--device", "cpu"]
    write = ["segment", tmp_path, "--output", tmp_path, *arguments]
    for wanted in ("1 done, 0 skipped", "0 done, 1 skipped"):
        result = compactseg(*write)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.splitlines()[-1].startswith(wanted)
    for _ in range(2):
        result = compactseg("segment", a_series, "--output", a_series, *arguments, "--json")
        assert json.loads(result.stdout)["input"]["images"] == 6
