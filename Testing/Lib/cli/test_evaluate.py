"""``compactseg evaluate``, with the tiny model, which was trained on nothing, on six small balls."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import SimpleITK

from CompactSegLib import Segmenter, cli, read_volume
from CompactSegLib.judge.summary import COLUMNS
from Testing.Lib.cli.conftest import refusal_of
from Testing.Lib.cli.held_open import held_open
from Testing.Lib.dataset_files import write_dataset

CASES = [f"ball_{number:03d}" for number in range(6)]
STRUCTURES = ["Anterior hippocampus", "Posterior hippocampus", "all labels as one"]


@pytest.fixture
def evaluate(compactseg, a_dataset_folder: Path):
    def run(*options: object, model: object = "tiny"):
        return compactseg(
            "evaluate", "--model", model, "--data", a_dataset_folder, "--device", "cpu", *options
        )

    return run


@pytest.fixture
def a_trained_model(write_tiny_model, tmp_path: Path) -> Path:
    """One whose provenance names four of the balls as training cases."""
    provenance = {
        "dataset": {"name": "Balls", "cases": 6},
        "split": {"training_case_names": CASES[:4], "validation_cases": CASES[4:]},
    }
    return write_tiny_model(tmp_path / "trained", provenance=provenance).folder


def rows_of(folder: Path, name: str = "tiny") -> list[dict[str, str]]:
    with (folder / f"{name}_evaluation.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_per_case_level_and_structure(evaluate, tmp_path: Path):
    result = evaluate("--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    rows = rows_of(tmp_path / "out")
    assert tuple(rows[0]) == COLUMNS
    assert [(row["case"], row["level"], row["label"]) for row in rows] == [
        (case, level, label) for case in CASES for level in "123" for label in STRUCTURES
    ]
    assert {row["trained_on"] for row in rows} == {"unknown"}
    assert {row["label_value"] for row in rows} == {"1", "2", ""}
    assert all((row["improvement"] == "") == (row["level"] == "1") for row in rows)
    assert "does not say whether it was trained on 6" in result.stderr


def test_the_figures_are_those_of_the_labels_that_the_engine_gives(
    evaluate, the_tiny_model, a_dataset_folder: Path, tmp_path: Path
):
    assert evaluate("--fold", CASES[1], "--output", tmp_path / "out").exit_code == 0
    rows = {(row["level"], row["label_value"]): row for row in rows_of(tmp_path / "out")}
    volume = read_volume(a_dataset_folder / "imagesTr" / f"{CASES[1]}.nii.gz")
    labels_file = a_dataset_folder / "labelsTr" / f"{CASES[1]}.nii.gz"
    truth = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(labels_file)))
    segmenter = Segmenter(the_tiny_model, device="cpu", precision="fp32")
    for level in segmenter.start(volume).levels(all_levels=True):
        for value in (1, 2):
            a, b = level.labels == value, truth == value
            row = rows[str(level.number), str(value)]
            dice = 2 * (a & b).sum() / (a.sum() + b.sum())
            assert float(row["dice"]) == pytest.approx(dice, abs=1e-6)
            assert float(row["volume_error_ml"]) == pytest.approx(
                (int(a.sum()) - int(b.sum())) / 1000, abs=1e-6
            )
        merged = 2 * ((level.labels > 0) & (truth > 0)).sum()
        merged /= (level.labels > 0).sum() + (truth > 0).sum()
        assert float(rows[str(level.number), ""]["dice"]) == pytest.approx(merged, abs=1e-6)
        if level.improvement is not None:
            assert float(rows[str(level.number), ""]["improvement"]) == pytest.approx(
                level.improvement, abs=1e-6
            )


def test_what_is_printed_as_json_is_so_in_every_encoding_of_a_terminal(compactseg, tmp_path: Path):
    """A pipe of Windows has one that knows a few letters."""
    folder = write_dataset(tmp_path / "Task99", cases=1)
    description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    (folder / "dataset.json").write_text(
        json.dumps(description | {"name": "脳 ä"}), encoding="utf-8"
    )
    options = ("--model", "tiny", "--data", folder, "--device", "cpu", "--json")
    printed = compactseg("evaluate", *options).stdout
    assert printed.isascii()
    assert json.loads(printed)["dataset"] == "脳 ä"


def test_the_summary_is_the_mean_of_the_table(evaluate, the_tiny_model, tmp_path: Path):
    printed = json.loads(evaluate("--json", "--output", tmp_path / "out").stdout)
    written = json.loads((tmp_path / "out" / "tiny_evaluation.json").read_text())
    assert printed == written
    rows = rows_of(tmp_path / "out")
    assert [level["level"] for level in printed["levels"]] == [1, 2, 3]
    for level in printed["levels"]:
        here = [row for row in rows if row["level"] == str(level["level"])]
        for name in STRUCTURES:
            dice = [float(row["dice"]) for row in here if row["label"] == name]
            stated = level["structures"][name]["dice"]
            assert stated["mean"] == pytest.approx(np.mean(dice), abs=1e-5)
            assert stated["sd"] == pytest.approx(np.std(dice, ddof=1), abs=1e-5)
            assert stated["cases"] == 6
        dice = [float(row["dice"]) for row in here if row["label_value"]]
        assert level["mean_over_labels"]["dice"]["mean"] == pytest.approx(np.mean(dice), abs=1e-5)
        info = the_tiny_model.levels[level["level"] - 1]
        assert level["macs_per_voxel_all_levels"] == info.macs_per_voxel_all_levels
    assert printed["precision"] == "fp32"


def test_the_tables_and_the_picture(evaluate, drawn_pictures, tmp_path: Path):
    result = evaluate("--fold", "0", "--output", tmp_path / "out", "--level", "2")
    assert "A tiny model (tiny) on Balls: 2 cases, cpu, fp32" in result.stdout
    for word in ("mean over labels", *STRUCTURES, "NSD at 1 mm", "MAC/voxel"):
        assert word in result.stdout
    assert {row["level"] for row in rows_of(tmp_path / "out")} == {"1", "2"}
    picture = matplotlib.image.imread(tmp_path / "out" / "tiny_evaluation.png")
    assert picture.shape[1] > picture.shape[0] > 100
    assert picture[..., :3].std() > 0.02


def test_without_an_output_folder_nothing_is_written(evaluate, tmp_path: Path, monkeypatch):
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    assert evaluate("--fold", CASES[0]).exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_a_comparison_is_in_pairs(evaluate, tmp_path: Path):
    evaluate("--output", tmp_path / "out")
    ours = {
        (r["case"], r["label_value"]): r for r in rows_of(tmp_path / "out") if r["level"] == "3"
    }
    lines = ["case,dice_front,dice_back"]
    for number, case in enumerate(CASES[:4]):
        higher = [float(ours[case, value]["dice"]) + 0.01 * (number % 2) for value in "12"]
        lines.append(",".join([case, *map(str, higher)]))
    (tmp_path / "them.csv").write_text("\n".join(lines))
    options = ("--compare", tmp_path / "them.csv")
    comparison = json.loads(evaluate("--json", *options).stdout)["comparison"]
    assert comparison["cases"] == 4
    difference = comparison["levels"][2]["mean_over_labels"]
    # Differences of 0, -1, 0, -1 points: SD 1/sqrt(3), standard error half of it, t = 3.182446.
    half = 3.182446 / math.sqrt(12)
    assert difference["points"] == pytest.approx(-0.5, abs=1e-3)
    assert (difference["low"], difference["high"]) == pytest.approx(
        (-0.5 - half, -0.5 + half), abs=1e-3
    )
    assert "in points, paired over 4 of 6 cases" in evaluate(*options, "--level", "1").stdout
    itself = evaluate(
        "--json", "--fold", "0", "--compare", tmp_path / "out" / "tiny_evaluation.csv"
    )
    last = json.loads(itself.stdout)["comparison"]["levels"][2]
    assert last["mean_over_labels"]["points"] == pytest.approx(0, abs=1e-3)


def test_a_model_is_judged_by_what_it_was_not_trained_on(
    evaluate, a_trained_model: Path, tmp_path: Path
):
    result = evaluate("--json", model=a_trained_model)
    assert json.loads(result.stdout)["cases"] == CASES[4:]
    assert "trained on" not in result.stderr
    refused = evaluate("--fold", "all", "--output", tmp_path / "out", model=a_trained_model)
    assert "got 4 of 6 that it was" in refusal_of(refused, tmp_path)
    marked = evaluate(
        "--fold",
        "all",
        "--with-training-cases",
        "--output",
        tmp_path / "out",
        model=a_trained_model,
    )
    assert "was trained on 4 of these cases, so its figures are too good" in marked.stderr
    answers = {row["case"]: row["trained_on"] for row in rows_of(tmp_path / "out", "trained")}
    assert list(answers.values()) == ["yes"] * 4 + ["no"] * 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--level", "4"], "level: expected 1 to 3"),
        (["--fold", "7"], "fold: expected 0 to 4"),
        (["--fold", "9" * 5000], "--fold: expected 0 to 4, 'all' or names of cases"),
        (["--fold", "cube"], "--fold: expected 0 to 4, 'all' or names of cases"),
        (["--compare", "nothing.csv"], "nothing.csv: expected a CSV file with Dice per case"),
        (["--device", "tpu"], "device: expected one of"),
        (["--precision", "fp8"], "precision: expected one of"),
        (["--model", "tyni"], "did you mean tiny?"),
        (
            ["--data", "nowhere"],
            "nowhere: expected a Decathlon folder, or one of nnU-Net, but there is nothing",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_makes_no_sense(evaluate, tmp_path: Path, options, words: str):
    assert words in refusal_of(evaluate("--output", tmp_path / "out", *options), tmp_path)


def test_a_dataset_with_other_labels(evaluate, a_dataset_folder: Path):
    path = a_dataset_folder / "dataset.json"
    labels = {"0": "background", "1": "Front", "2": "Back", "3": "Top"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": labels}))
    sentence = evaluate().stderr
    assert "expected the 2 labels of model tiny" in sentence
    assert "got 3 (Front, Back, Top)" in sentence


def name_labels(folder: Path, front: str, back: str) -> None:
    path = folder / "dataset.json"
    labels = {"0": "background", "1": front, "2": back}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": labels}))


def test_labels_whose_names_are_mixed_up_are_refused(
    evaluate, a_dataset_folder: Path, tmp_path: Path
):
    name_labels(a_dataset_folder, "Posterior", "anterior_Hippocampus")
    refusal = refusal_of(evaluate("--output", tmp_path / "out"), tmp_path)
    assert "1 is Posterior (there 2), 2 is anterior_Hippocampus (there 1)" in refusal


def test_labels_of_other_names_are_told_and_taken(evaluate, a_dataset_folder: Path):
    result = evaluate("--fold", CASES[0], "--level", "1")
    assert result.exit_code == 0, result.stderr
    assert "1 is Front here, Anterior hippocampus there; 2 is Back here, " in result.stderr
    name_labels(a_dataset_folder, "ANTERIOR-hippocampus", "posterior")
    assert "matched by their values" not in evaluate("--fold", CASES[0], "--level", "1").stderr


def test_the_help_speaks_of_cases_and_of_no_plan(compactseg, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = " ".join(compactseg("evaluate", "--help").stdout.replace("│", " ").split())
    assert "The label values must be the model's" in text
    assert "synthesis" not in text


def test_every_case_that_cannot_be_read_is_named_before_anything_runs(
    evaluate, a_dataset_folder: Path, monkeypatch
):
    monkeypatch.setattr("CompactSegLib.inference.segmenter.Segmenter.start", None)
    for name in CASES[1:3]:
        (a_dataset_folder / "imagesTr" / f"{name}.nii.gz").write_bytes(b"no image")
    result = evaluate()
    assert result.exit_code == 2
    assert "2 problems" in result.stderr
    assert all(name in result.stderr for name in CASES[1:3])
    assert result.stderr.startswith(
        f"Reading 6 cases of {a_dataset_folder}, then segmenting each.\n"
    )


def test_an_output_folder_that_cannot_be_one_is_told_before_a_case_is_read(
    evaluate, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("CompactSegLib.datasets.cases.check_cases", None)
    (tmp_path / "file").touch()
    told = refusal_of(evaluate("--output", tmp_path / "file"), tmp_path)
    assert told.startswith(f"{tmp_path / 'file'}: expected a folder to write to")


def test_a_table_that_is_open_in_another_program_is_told_before_a_case_is_read(
    evaluate, tmp_path: Path, monkeypatch
):
    """Windows replaces no open file, and what was computed would be lost."""
    monkeypatch.setattr("CompactSegLib.datasets.cases.check_cases", None)
    (tmp_path / "tables").mkdir()
    table = tmp_path / "tables" / "tiny_evaluation.csv"
    table.write_text("old", encoding="utf-8")
    with held_open(table, monkeypatch):
        refused = evaluate("--output", tmp_path / "tables")
    assert "tiny_evaluation.csv may be open in another program" in refusal_of(refused, tmp_path)
    assert [path.read_text(encoding="utf-8") for path in table.parent.iterdir()] == ["old"]


def test_without_the_training_packages_a_sentence_names_them(evaluate, monkeypatch):
    monkeypatch.setitem(cli._NEEDED, "training", ("monai", "no_such_package"))
    result = evaluate()
    assert result.exit_code == 2
    assert "no_such_package is not installed; install them with pip install" in result.stderr
