"""What ``compactseg train`` says before its first step, and how the model that it wrote can be used."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from CompactSegLib import load_model
from CompactSegLib.train.trainer import Trainer
from Testing.Lib.cli.conftest import refusal_of
from Testing.Lib.cli.held_open import held_open
from Testing.Lib.cli.short_paths import take_no_longer_paths_than
from Testing.Lib.cli.test_train import NET, PLAN


@pytest.fixture
def options(a_dataset_folder: Path, tmp_path: Path) -> list[object]:
    for name, content in {"net.json": NET, "plan.json": PLAN}.items():
        (tmp_path / name).write_text(json.dumps(content))
    files = ["--config", tmp_path / "net.json", "--plan", tmp_path / "plan.json"]
    return [*files, "--data", a_dataset_folder, "--output", tmp_path / "out", "--device", "cpu"]


def test_a_file_in_the_place_of_the_output_folder_is_told_before_cases_are_read(
    compactseg, options, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("CompactSegLib.train.training.load_cases", None)
    (tmp_path / "file").touch()
    told = refusal_of(compactseg("train", *options, "--output", tmp_path / "file"), tmp_path)
    assert told == (
        f"{tmp_path / 'file'}: expected a folder for the run, but this is a file; choose another."
    )


@pytest.mark.parametrize(
    "name", ["plan.json", "net.json", "log.csv", "curves.png", "model/model.json"]
)
def test_a_file_that_is_open_in_another_program_is_told_before_cases_are_read(
    compactseg, options, tmp_path: Path, monkeypatch, name: str
):
    monkeypatch.setattr("CompactSegLib.train.training.load_cases", None)
    file = tmp_path / "run" / name
    file.parent.mkdir(parents=True)
    file.write_text("old", encoding="utf-8")
    with held_open(file, monkeypatch):
        refused = compactseg("train", *options, "--output", tmp_path / "run")
    assert f"{file.name} may be open in another program" in refusal_of(refused, tmp_path)
    assert file.read_text(encoding="utf-8") == "old"


def test_a_model_that_cannot_be_written_in_the_end_is_told_before_cases_are_read(
    compactseg, options, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("CompactSegLib.train.training.load_cases", None)
    foreign = tmp_path / "run" / "model" / "Thumbs.db"
    foreign.parent.mkdir(parents=True)
    foreign.touch()
    refused = compactseg("train", *options, "--output", tmp_path / "run")
    assert "it also holds 'Thumbs.db'" in refusal_of(refused, tmp_path)
    take_no_longer_paths_than(tmp_path / "out" / ("x" * 50), monkeypatch)
    told = refusal_of(compactseg("train", *options), tmp_path)
    assert "weights.safetensors: could not be written (File name too long)" in told


def test_what_takes_long_before_the_first_step_is_told_when_it_begins(
    compactseg, options, a_dataset_folder: Path, monkeypatch
):
    monkeypatch.setattr(Trainer, "steps_in", lambda *_: sys.exit(7))
    result = compactseg("train", *options, "--fold", "all", "--minutes", "3")
    assert result.exit_code == 7
    reading, timing = result.stdout.splitlines()
    assert reading == f"reading 6 cases of {a_dataset_folder}"
    assert timing == "timing a few steps, to choose how many take 3 minutes"

    def read(*_):
        sys.exit(8)

    monkeypatch.setattr("CompactSegLib.train.training.load_cases", read)
    result = compactseg("train", *options, "--fold", "all")
    assert result.exit_code == 8
    assert result.stdout.splitlines() == [reading]


def test_labels_of_the_plan_that_the_data_do_not_have_are_told(compactseg, options, tmp_path: Path):
    labels = {"2": {"name": "Rear"}, "3": {"name": "Top"}, "7": {"color": [1, 2, 3]}}
    (tmp_path / "plan.json").write_text(json.dumps(PLAN | {"labels": labels}))
    result = compactseg("train", *options)
    assert result.exit_code == 0, result.stderr
    told = "Note: the plan names labels that the data do not have: 3 (Top), 7\n"
    assert told in result.stdout
    model = load_model(tmp_path / "out" / "model")
    assert [label.name for label in model.labels] == ["Front", "Rear"]


@pytest.mark.parametrize("name", ["balls", "tiny", "model"])
def test_the_command_on_the_card_of_a_run_works_in_its_folder(
    compactseg, options, a_volume_file: Path, tmp_path: Path, monkeypatch, name: str
):
    """Whatever the model is called: as its folder, or as another that a name finds."""
    (tmp_path / "plan.json").write_text(json.dumps(PLAN | {"name": name}))
    assert compactseg("train", *options).exit_code == 0
    folder = tmp_path / "out" / "model"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert 'load_model(".")' in card
    (command,) = (line for line in card.splitlines() if line.startswith("compactseg "))
    shutil.copy(a_volume_file, folder / "volume.nii.gz")
    monkeypatch.chdir(folder)
    result = compactseg(*command.split()[1:], "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    report = json.loads((folder / "results" / "volume_report.json").read_text(encoding="utf-8"))
    assert report["model_sha256"] == load_model(folder).weights_sha256
