"""``compactseg segment`` on one volume."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from matplotlib.image import imread

import CompactSegLib
from CompactSegLib import load_model, read_volume


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_each_level_the_report_and_the_picture_are_written(segment, drawn_pictures, tmp_path: Path):
    result = segment("--all-levels")
    assert result.exit_code == 0, result.stderr
    assert names_in(tmp_path / "out") == {
        "brain_level-1.seg.nrrd",
        "brain_level-2.seg.nrrd",
        "brain_level-3.seg.nrrd",
        "brain_report.json",
        "brain_levels.png",
    }
    assert imread(tmp_path / "out" / "brain_levels.png").std() > 0.05


def test_the_files_hold_what_the_library_computes(segment, a_volume_file: Path, tmp_path: Path):
    segment("--all-levels", "--format", "nii.gz")
    levels = CompactSegLib.segment(
        read_volume(a_volume_file), load_model("tiny"), all_levels=True, device="cpu"
    )
    report = json.loads((tmp_path / "out" / "brain_report.json").read_text())
    for level, told in zip(levels, report["levels"], strict=True):
        image = SimpleITK.ReadImage(str(tmp_path / "out" / told["file"]))
        assert np.array_equal(SimpleITK.GetArrayFromImage(image), level.labels)
        assert told["improvement"] == (
            level.improvement and pytest.approx(level.improvement, abs=1e-6)
        )
        assert told["millilitres"] == pytest.approx(level.millilitres, abs=1e-6)


def test_the_rows_say_what_the_report_says(segment, tmp_path: Path):
    lines = segment("--all-levels").stdout.splitlines()
    report = json.loads((tmp_path / "out" / "brain_report.json").read_text())
    assert lines[0].startswith("brain: 22 × 19 × 17 voxels of 0.9 × 1.1 × 1.7 mm")
    assert lines[1].split("  ")[0:1] == ["Level"]
    for line, level in zip(lines[2:5], report["levels"], strict=True):
        number, improvement, _, *volumes = line.replace(" ml", "").split()
        assert int(number) == level["level"]
        assert improvement == ("–" if level["level"] == 1 else f"{level['improvement']:.4f}")
        assert volumes == [f"{ml:.2f}" for ml in level["millilitres"].values()]
    assert lines[5] == "Finished: all 3 levels computed."
    assert [Path(line.strip()) for line in lines[6:]] == [
        *(tmp_path / "out" / f"brain_level-{n}.seg.nrrd" for n in (1, 2, 3)),
        tmp_path / "out" / "brain_levels.png",
        tmp_path / "out" / "brain_report.json",
    ]


def test_json_is_the_report_and_nothing_else(segment, tmp_path: Path):
    result = segment("--json", "--level", 2)
    assert json.loads(result.stdout) == json.loads(
        (tmp_path / "out" / "brain_report.json").read_text()
    )
    assert json.loads(result.stdout)["stop"] == "levels-requested"


def test_the_threshold_stops_the_run(segment):
    report = json.loads(segment("--json", "--threshold", "1").stdout)
    assert report["threshold"] == 1
    assert report["stop"] == "threshold"
    assert report["stopped_at"] == 2


def test_the_models_own_threshold_is_the_default(segment):
    report = json.loads(segment("--json").stdout)
    assert report["threshold"] == 0.01


def test_levels_of_an_earlier_run_do_not_stay(segment, tmp_path: Path):
    segment("--all-levels")
    segment("--all-levels", "--format", "nii.gz")
    (tmp_path / "out" / "brain_level-9.nii.gz").write_text("somebody else's")
    segment("--level", 1, "--format", "nii.gz")
    assert names_in(tmp_path / "out") == {
        *(f"brain_level-{n}.seg.nrrd" for n in (1, 2, 3)),
        "brain_level-1.nii.gz",
        "brain_level-9.nii.gz",
        "brain_report.json",
        "brain_levels.png",
    }


def test_voxels_that_are_not_finite_are_told(segment, an_oblique_volume, tmp_path: Path):
    an_oblique_volume.array[0, 0, 0, 0] = np.nan
    image = SimpleITK.GetImageFromArray(an_oblique_volume.array[0])
    SimpleITK.WriteImage(image, str(tmp_path / "holes.nrrd"))
    result = segment("--json", volume=tmp_path / "holes.nrrd")
    assert "1 voxels" in result.stderr
    assert "1 voxels" in json.loads(result.stdout)["messages"][0]


def test_of_a_constant_volume_the_report_says_that_nothing_was_found(segment, tmp_path: Path):
    flat = SimpleITK.GetImageFromArray(np.full((9, 10, 11), 7, np.int16))
    SimpleITK.WriteImage(flat, str(tmp_path / "flat.nrrd"))
    result = segment("--all-levels", volume=tmp_path / "flat.nrrd")
    assert result.exit_code == 0, result.stderr
    report = json.loads((tmp_path / "out" / "flat_report.json").read_text())
    why, finding = report["messages"]
    assert "all voxels have the value 7" in why
    assert finding.startswith("Nothing was found: all voxels of flat are alike")
    assert f"Note: {finding}" in result.stderr.replace("\n", " ")
    assert [level["level"] for level in report["levels"]] == [1, 2, 3]
    assert {sum(level["millilitres"].values()) for level in report["levels"]} == {0}
    for number in (1, 2, 3):
        labels = SimpleITK.ReadImage(str(tmp_path / "out" / f"flat_level-{number}.seg.nrrd"))
        assert not SimpleITK.GetArrayFromImage(labels).any()


def test_a_failure_in_the_middle_leaves_nothing_of_the_case(segment, tmp_path: Path, monkeypatch):
    from CompactSegLib.output import picture

    def fail(*_, **__):
        raise RuntimeError("no ink")

    monkeypatch.setattr(picture, "draw_levels", fail)
    result = segment()
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: RuntimeError: no ink. This is a fault of CompactSeg")
    assert not (tmp_path / "out").exists()


def test_a_failure_in_the_middle_leaves_earlier_results_alone(segment, tmp_path, monkeypatch):
    segment("--level", 1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    from CompactSegLib.output import level as writing

    def fail(*_, path: Path, **__):
        path.write_bytes(b"half a fi")
        raise CompactSegLib.OutputError(f"{path}: could not be written (disk full).")

    monkeypatch.setattr(writing, "write_labels", fail)
    result = segment("--level", 2)
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {tmp_path / 'out' / 'brain_level-1.seg.nrrd'}: could not be written (disk full).\n"
    )
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_an_interrupt_leaves_nothing_and_ends_with_130(segment, tmp_path: Path, monkeypatch):
    from CompactSegLib.output import level as writing

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "write_labels", interrupt)
    result = segment()
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_precision_asked_for_is_used_and_reported(segment, tmp_path: Path, precision: str):
    result = segment("--level", "1", "--precision", precision)
    assert result.exit_code == 0, result.stderr
    report = json.loads((tmp_path / "out" / "brain_report.json").read_text())
    assert report["precision"] == precision
    assert report["request"]["precision"] == precision


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nii.gz"])
def test_an_output_that_names_a_file_gets_the_last_level_alone(
    segment, a_volume_file: Path, tmp_path: Path, suffix: str
):
    wanted = segment("--format", suffix.removeprefix("."), "--all-levels")
    assert wanted.exit_code == 0
    file = tmp_path / "new" / f"brain{suffix}"
    result = segment("--all-levels", "--output", file)
    assert result.exit_code == 0
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    last = tmp_path / "out" / f"brain_level-3{suffix}"
    for image in (file, last):
        assert image.is_file()
    np.testing.assert_array_equal(*(array_of(path) for path in (file, last)))
    assert str(file) in result.stdout
    again = segment("--all-levels", "--output", file)
    assert again.exit_code == 2
    assert "this file exists; choose another name" in again.stderr
    assert segment("--all-levels", "--output", file, "--overwrite", "--json").exit_code == 0


@pytest.mark.parametrize("name", ["labels.mha", "labels.nrrd", "labels.nii", "labels.MGZ"])
def test_a_file_of_another_format_is_no_folder(segment, tmp_path: Path, name: str):
    result = segment("--level", 1, "--output", tmp_path / name)
    assert result.exit_code == 2
    assert f"{name}: expected a folder, or a file that ends in .seg.nrrd, .nii.gz" in result.stderr
    assert not (tmp_path / name).exists()
    (tmp_path / name).mkdir()
    assert segment("--level", 1, "--output", tmp_path / name).exit_code == 0


def test_a_tilde_that_the_shell_left_is_the_home_folder(segment, tmp_path: Path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert segment("--level", 1, "--output=~/results").exit_code == 0
    assert "brain_report.json" in names_in(tmp_path / "results")
    assert not Path("~").exists()


def array_of(path: Path) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def test_short_names_and_the_first_model_by_default(
    compactseg, a_volume_file: Path, tmp_path: Path
):
    result = compactseg("segment", "-i", a_volume_file, "-o", tmp_path / "out", "--level", 1)
    assert result.exit_code == 0
    assert "with A tiny model (tiny)" in result.stdout
    neither = compactseg("segment", "-o", tmp_path / "out")
    both = compactseg("segment", a_volume_file, "-i", a_volume_file, "-o", tmp_path / "out")
    for refused, got in ((neither, "none"), (both, "both")):
        assert refused.exit_code == 2
        assert refused.stderr == (
            f"Error: INPUT: expected a path, as an argument or with --input, got {got}.\n"
        )


def test_without_any_model_it_says_what_to_do(
    compactseg, a_volume_file: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    result = compactseg("segment", a_volume_file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "no model is installed" in result.stderr
