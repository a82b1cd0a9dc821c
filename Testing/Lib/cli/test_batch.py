"""``compactseg segment`` on a folder of cases."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import SimpleITK
from matplotlib.image import imread

from CompactSegLib.cli.batch import ProcessedCase, write_summary
from CompactSegLib.cli.inputs import Case


def test_a_bad_case_does_not_stop_the_others(segment, a_folder_of_cases: Path, tmp_path: Path):
    result = segment("--level", 1, volume=a_folder_of_cases)
    assert result.exit_code == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{case}_{what}"
        for case in "ac"
        for what in ("level-1.seg.nrrd", "levels.png", "report.json")
    } | {"summary.csv", "summary.png"}
    assert f"[2/3] b: failed. {a_folder_of_cases / 'b.nii.gz'}: expected" in result.stderr
    assert result.stdout.splitlines()[-1] == "2 done, 0 skipped, 1 failed"


def test_one_file_is_no_place_for_the_results_of_many_cases(
    segment, a_folder_of_cases: Path, tmp_path: Path
):
    one_file = segment("--output", tmp_path / "all.nii.gz", volume=a_folder_of_cases)
    assert one_file.exit_code == 2
    assert "expected a folder for the results of several cases" in one_file.stderr


def test_what_is_done_is_skipped(segment, a_folder_of_cases: Path, tmp_path: Path):
    (a_folder_of_cases / "b.nii.gz").unlink()
    assert segment("--level", 1, volume=a_folder_of_cases).exit_code == 0
    table = (tmp_path / "out" / "summary.csv").read_text()
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*_*")}
    again = segment("--level", 1, volume=a_folder_of_cases)
    assert again.exit_code == 0
    assert again.stdout.splitlines()[-1] == "0 done, 2 skipped, 0 failed"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*_*")} == times
    assert (tmp_path / "out" / "summary.csv").read_text() == table.replace(",done,", ",skipped,")


@pytest.mark.parametrize(
    "change",
    [
        "another level",
        "another format",
        "another model",
        "a file gone",
        "a report spoilt",
        "another image",
        "another image of an older date",
        "a result emptied",
        "a result changed",
        "asked",
    ],
)
def test_what_is_not_done_as_asked_is_done_again(
    segment, a_folder_of_cases: Path, tmp_path: Path, change: str, write_tiny_model, a_tiny_net
):
    for name in "bc":
        (a_folder_of_cases / f"{name}.nii.gz").unlink()
    assert segment("--level", 1, volume=a_folder_of_cases).exit_code == 0
    options: list[object] = ["--level", 1]
    if change == "another level":
        options = ["--level", 2]
    elif change == "another format":
        options += ["--format", "nii.gz"]
    elif change == "another model":
        a_tiny_net.heads[0].classifier.weight.data += 1
        options += ["--model", write_tiny_model(tmp_path / "other", net=a_tiny_net).folder]
    elif change == "a file gone":
        (tmp_path / "out" / "a_level-1.seg.nrrd").unlink()
    elif change == "a report spoilt":
        (tmp_path / "out" / "a_report.json").write_text("{")
    elif change.startswith("another image"):
        image = SimpleITK.ReadImage(a_folder_of_cases / "a.nii.gz")
        image[3, 4, 5] += 1
        SimpleITK.WriteImage(image, a_folder_of_cases / "a.nii.gz")
        if change.endswith("date"):
            os.utime(a_folder_of_cases / "a.nii.gz", (0, 0))
    elif change == "a result emptied":
        (tmp_path / "out" / "a_level-1.seg.nrrd").write_bytes(b"")
    elif change == "a result changed":
        data = bytearray((tmp_path / "out" / "a_level-1.seg.nrrd").read_bytes())
        data[-1] ^= 1
        (tmp_path / "out" / "a_level-1.seg.nrrd").write_bytes(data)
    else:
        options += ["--overwrite"]
    assert segment(*options, volume=a_folder_of_cases).stdout.splitlines()[-1].startswith("1 done")


def test_a_copy_of_the_same_image_elsewhere_is_done(segment, a_folder_of_cases: Path, tmp_path):
    (a_folder_of_cases / "b.nii.gz").unlink()
    assert segment("--level", 1, volume=a_folder_of_cases).exit_code == 0
    shutil.copytree(a_folder_of_cases, tmp_path / "moved")
    for file in (tmp_path / "moved").iterdir():
        os.utime(file)
    again = segment("--level", 1, volume=tmp_path / "moved")
    assert again.stdout.splitlines()[-1] == "0 done, 2 skipped, 0 failed"


def test_the_report_keeps_size_and_hash_of_input_and_outputs(
    segment, a_volume_file: Path, tmp_path
):
    assert segment("--level", 1).exit_code == 0
    report = json.loads((tmp_path / "out" / "brain_report.json").read_text())
    assert report["input"]["bytes"] == a_volume_file.stat().st_size
    for name in ("brain_level-1.seg.nrrd", "brain_levels.png"):
        data = (tmp_path / "out" / name).read_bytes()
        stated = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert report["files"][name] == stated


def test_a_run_whose_output_folder_is_removed_in_the_middle_fails(
    segment, tmp_path: Path, monkeypatch
):
    from CompactSegLib.output.level import Level

    save = Level.save

    def save_and_lose(*args, **kwargs):
        save(*args, **kwargs)
        shutil.rmtree(tmp_path / "out")

    monkeypatch.setattr(Level, "save", save_and_lose)
    result = segment("--all-levels")
    assert result.exit_code == 2
    assert "left alone during a run, but files of it were removed" in result.stderr
    assert not list(tmp_path.rglob("brain_*"))


def test_results_of_another_input_are_neither_taken_as_done_nor_replaced(
    segment, a_volume_file: Path, tmp_path: Path, monkeypatch
):
    for name in ("baseline", "followup"):
        (tmp_path / name).mkdir()
        image = SimpleITK.ReadImage(a_volume_file)
        image[3, 4, 5] += ord(name[0])
        SimpleITK.WriteImage(image, tmp_path / name / "case1.nii.gz")
    monkeypatch.chdir(tmp_path / "baseline")
    assert segment("--level", 1, volume=Path()).exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").glob("case1_*")}
    # Of the same path as typed.
    monkeypatch.chdir(tmp_path / "followup")
    told = (
        f"{tmp_path / 'out' / 'case1_report.json'}: these are the results of "
        f"{tmp_path / 'baseline' / 'case1.nii.gz'} and would be lost; choose another output folder, or pass "
        "--overwrite to replace them."
    )
    result = segment("--level", 1, volume=Path())
    assert result.exit_code == 1
    assert f"case1: failed. {told}" in result.stderr
    single = segment("--level", 1, volume=Path("case1.nii.gz"))
    assert (single.exit_code, single.stderr) == (2, f"Error: {told}\n")
    assert {path: path.read_bytes() for path in (tmp_path / "out").glob("case1_*")} == before
    result = segment("--level", 1, "--overwrite", volume=Path())
    assert result.stdout.splitlines()[-1].startswith("1 done")
    result = segment("--level", 1, volume=tmp_path / "followup")
    assert result.stdout.splitlines()[-1].startswith("0 done, 1 skipped")


def test_results_beside_the_cases_are_no_cases(segment, compactseg, a_folder_of_cases: Path):
    (a_folder_of_cases / "b.nii.gz").unlink()
    arguments = ["segment", a_folder_of_cases, "--model", "tiny", "--output", a_folder_of_cases]
    for wanted in ("2 done, 0 skipped", "0 done, 2 skipped"):
        result = compactseg(*arguments, "--level", 1, "--format", "nii.gz")
        assert result.stdout.splitlines()[-1].startswith(wanted)


def test_json_lists_the_cases(segment, a_folder_of_cases: Path):
    result = segment("--level", 1, "--json", volume=a_folder_of_cases)
    assert result.exit_code == 1
    cases = json.loads(result.stdout)["cases"]
    assert [(case["case"], case["status"]) for case in cases] == [
        ("a", "done"),
        ("b", "failed"),
        ("c", "done"),
    ]
    assert cases[0]["report"]["stopped_at"] == 1
    assert "b.nii.gz: expected" in cases[1]["error"]


def test_a_fault_in_one_case_does_not_cost_the_others(
    segment, a_folder_of_cases: Path, monkeypatch
):
    from CompactSegLib.output import picture

    draw = picture.draw_levels

    def fail_for_a(volume, *args, **kwargs):
        if volume.name == "a":
            raise ZeroDivisionError("oh")
        draw(volume, *args, **kwargs)

    monkeypatch.setattr(picture, "draw_levels", fail_for_a)
    result = segment("--level", 1, volume=a_folder_of_cases)
    assert "a: failed. Error: ZeroDivisionError" in result.stderr
    assert result.stdout.splitlines()[-1] == "1 done, 0 skipped, 2 failed"


def test_a_wrong_model_is_told_once_and_no_case_is_tried(segment, a_folder_of_cases: Path):
    result = segment("--model", "nothing", volume=a_folder_of_cases)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_summary_has_a_row_for_each_structure_of_each_case(
    segment, a_folder_of_cases: Path, drawn_pictures, tmp_path: Path
):
    segment("--level", 1, volume=a_folder_of_cases)
    segment("--level", 1, volume=a_folder_of_cases)
    rows = rows_of(tmp_path / "out")
    assert [(row["case"], row["status"], row["structure"]) for row in rows] == [
        ("a", "skipped", "Anterior hippocampus"),
        ("a", "skipped", "Posterior hippocampus"),
        ("b", "failed", ""),
        ("c", "skipped", "Anterior hippocampus"),
        ("c", "skipped", "Posterior hippocampus"),
    ]
    report = json.loads((tmp_path / "out" / "a_report.json").read_text())
    stated = report["levels"][0]["millilitres"]["Anterior hippocampus"]
    assert (rows[0]["level"], float(rows[0]["millilitres"])) == ("1", stated)
    assert float(rows[0]["seconds"]) == report["seconds"]
    assert "b.nii.gz: expected" in rows[2]["warnings"]
    assert imread(tmp_path / "out" / "summary.png").std() > 0.05


def test_a_name_that_a_spreadsheet_would_compute_is_written_as_text(tmp_path: Path):
    case = ProcessedCase(Case(tmp_path, "=1+1"), "failed", error="a\nb")
    write_summary(tmp_path, [case])
    (row,) = rows_of(tmp_path)
    assert (row["case"], row["warnings"]) == ("'=1+1", "a b")


def test_sub_folders_are_told_and_with_recursive_taken(
    segment, a_folder_of_cases: Path, tmp_path: Path
):
    (a_folder_of_cases / "b.nii.gz").unlink()
    (a_folder_of_cases / "more" / "deep").mkdir(parents=True)
    shutil.move(a_folder_of_cases / "c.nii.gz", a_folder_of_cases / "more" / "deep" / "a.nii.gz")
    result = segment("--level", 1, volume=a_folder_of_cases)
    told = "Note: Left out, since not read as images: more/ (holds image files; --recursive takes them), notes.txt."
    assert told in result.stderr.splitlines()
    assert result.stdout.splitlines()[-1] == "1 done, 0 skipped, 0 failed"
    result = segment("--level", 1, "--recursive", volume=a_folder_of_cases)
    assert result.stdout.splitlines()[-1] == "1 done, 1 skipped, 0 failed"
    assert (tmp_path / "out" / "more_deep_a_level-1.seg.nrrd").is_file()


def test_a_table_lists_the_cases(segment, a_folder_of_cases: Path, tmp_path: Path):
    table = tmp_path / "cases.csv"
    table.write_text("path,case\ncases/a.nii.gz,first\ncases/c.nii.gz,\n", encoding="utf-8")
    result = segment("--level", 1, volume=table)
    assert result.stdout.splitlines()[-1] == "2 done, 0 skipped, 0 failed"
    assert [row["case"] for row in rows_of(tmp_path / "out")][::2] == ["first", "c"]
    for text, told in (
        ("file\na.nii.gz\n", 'expected a table with a column "path"'),
        ("path\ncases/a.nii.gz\nnothing.nii\n", "row 3: expected the path of a volume"),
        ("path;case\na.nii.gz;a\n", "got path;case"),
        ("path;case\na.nii.gz;a\n", "with commas between"),
        ("", 'expected a table with a column "path"'),
    ):
        table.write_text(text, encoding="utf-8")
        result = segment(volume=table)
        assert result.exit_code == 2
        assert told in result.stderr
