"""``compactseg train``, and the same as processes that ``torchrun`` starts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from CompactSegLib import load_model
from CompactSegLib.cli.options import TrainOptions
from CompactSegLib.cli.train import shareable_command
from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.augmentation import RandomPatches
from CompactSegLib.train.optimisation import learning_rate
from CompactSegLib.train.trainer import Trainer
from CompactSegLib.train.training_plan import TrainingPlan
from Testing import forked
from Testing.Lib.cli.conftest import refusal_of
from Testing.Lib.cli.signalled import told_in_a_finalizer, with_signals

LAYERS = {"layers": [{"channels": 3}]}
NET = {
    "in_channels": 1,
    "classes": 3,
    "blocks": [{"branches": [LAYERS]}] * 3,
    "heads": [LAYERS] * 2,
}
PLAN = {
    "name": "balls",
    "steps": 2,
    "batch": 2,
    "patch": [12, 12, 12],
    "precision": "fp32",
    "workers": 0,
}


@pytest.fixture
def options(a_dataset_folder: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "net.json").write_text(json.dumps(NET))
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    given = {"data": a_dataset_folder, "config": tmp_path / "net.json"}
    given |= {"plan": tmp_path / "plan.json", "output": tmp_path / "out", "device": "cpu"}
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def test_a_dataset_becomes_a_model_that_can_be_evaluated(
    compactseg, options, a_dataset_folder: Path, tmp_path: Path
):
    result = compactseg("train", *options, "--fold", "1")
    assert result.exit_code == 0, result.stderr
    assert "5 training and 1 validation cases" in result.stdout
    model = load_model(tmp_path / "out" / "model")
    assert model.provenance["command"] == (
        "compactseg train --data Task99_Balls --config net.json --output out --plan plan.json "
        "--fold 1 --device cpu"
    )
    evaluated = compactseg(
        "evaluate", "--model", model.folder, "--data", a_dataset_folder, "--json", "--device", "cpu"
    )
    summary = json.loads(evaluated.stdout)
    assert summary["cases"] == model.provenance["split"]["validation_cases"]
    assert summary["trained_on"] == {"no": 1, "yes": 0, "unknown": 0}
    stated = model.levels[1].validation["dice"]
    # Training validates with batch norm unfolded.
    assert summary["levels"][1]["mean_over_labels"]["dice"]["mean"] == pytest.approx(
        stated, abs=0.01
    )


def test_a_finished_model_grows_by_a_level(
    compactseg, options, a_dataset_folder: Path, tmp_path: Path
):
    compactseg("train", *options, "--fold", "1")
    given = ["--data", a_dataset_folder, "--output", tmp_path / "grown", "--device", "cpu"]
    result = compactseg("train", *given, "--grow", tmp_path / "out" / "model", "--fold", "1")
    assert result.exit_code == 0, result.stderr
    grown = load_model(tmp_path / "grown" / "model")
    assert len(grown.levels) == 3
    assert "--grow model" in grown.provenance["command"]
    again = compactseg("train", *given, "--grow", "nothing")
    assert again.exit_code == 2
    assert again.stderr.startswith("Error: nothing: expected the name of a model")


def test_a_net_or_a_model_to_grow_is_needed(compactseg, tmp_path: Path):
    result = compactseg("train", "--data", tmp_path, "--output", tmp_path / "out")
    assert refusal_of(result, tmp_path).startswith("--config: expected a net configuration")


def test_the_command_in_a_model_names_no_folder_of_its_maker():
    words = [
        "compactseg train",
        "--data",
        "/home/me/my data",
        "--fold",
        "0",
        "--config",
        "a/n.json",
    ]
    shared = "compactseg train --data 'my data' --fold 0 --config n.json"
    assert shareable_command(words) == shared
    options = TrainOptions(
        data=Path("d"), config=Path("c"), output=Path("o"), fold="all", threads=2
    )
    assert shareable_command(options.words()) == (
        "compactseg train --data d --config c --output o --fold all --threads 2"
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--fold", "five"], "--fold: expected 0 to 4 or 'all', got 'five'"),
        (["--fold", "5"], "fold: expected 0 to 4"),
        (["--minutes", "0"], "--minutes: expected a time above 0"),
        (["--fold", "9" * 5000], "--fold: expected 0 to 4 or 'all', got '999"),
        (["--fold", "٣"], "--fold: expected 0 to 4 or 'all', got '٣'"),
        (["--minutes", "1e300"], "--minutes: expected a time above 0, at most"),
        (["--threads", "0"], "--threads: expected 1 to 4096"),
        (["--threads", "9" * 400], "--threads: expected 1 to 4096"),
        (["--start-from", "a", "--grow", "b"], "--start-from: cannot be combined with --grow"),
        (["--config", "nothing.json"], "nothing.json: could not be read"),
        (["--plan", "nothing.json"], "nothing.json: could not be read"),
        (
            ["--data", "nowhere"],
            "nowhere: expected a Decathlon folder, or one of nnU-Net, but there is nothing",
        ),
        (["--device", "tpu"], "device: expected one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_makes_no_sense(compactseg, options, tmp_path: Path, changed, words: str):
    assert words in refusal_of(compactseg("train", *options, *changed), tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("plan", {"steps": "4"}, " (training plan), steps: expected a whole number"),
        ("plan", {"stepz": 4}, 'got "stepz" (did you mean steps?).'),
        (
            "plan",
            {"based_on": "plan.json", "steps": 0},
            " (training plan), steps: expected a whole",
        ),
        ("config", NET | {"classes": 0}, " (net), classes: expected a whole number from 2"),
        (
            "config",
            PLAN,
            ' (net): expected only in_channels, classes, blocks, heads, upsampling, got "name"',
        ),
    ],
)
def test_a_slip_in_a_plan_or_a_net_is_told_with_its_file(
    compactseg, options, tmp_path: Path, file: str, content: dict, words: str
):
    path = tmp_path / "slip.json"
    path.write_text(json.dumps(content))
    told = refusal_of(compactseg("train", *options, f"--{file}", path), tmp_path)
    assert told.startswith(f"{path} (")
    assert words in told


@pytest.mark.parametrize("more", [[], ["--minutes", "1"]], ids=["as it is", "with minutes"])
def test_where_no_run_has_been_there_is_none_to_finish(
    compactseg, options, tmp_path: Path, monkeypatch, more: list[str]
):
    timed: list[float] = []
    monkeypatch.setattr(Trainer, "steps_in", lambda _, minutes: timed.append(minutes) or 1)
    assert refusal_of(compactseg("train", *options, "--finish", *more), tmp_path) == (
        f"{tmp_path / 'out'}: expected the checkpoint of a run to finish, but there is none; train without --finish."
    )
    assert not timed


def test_an_interrupted_run_says_how_to_go_on(compactseg, options, monkeypatch):
    def interrupt(*_arguments, **_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("CompactSegLib.train.training.train", interrupt)
    result = compactseg("train", *options)
    assert result.exit_code == 130
    assert result.stderr == "Interrupted. Rerun the command to resume from the last checkpoint.\n"


@with_signals
def test_a_signal_that_python_drops_ends_training_at_its_next_step(options, tmp_path: Path):
    resume = "CompactSegLib.train.trainer Trainer resume"
    told = told_in_a_finalizer(signal.SIGTERM, resume, "train", *options, imported=forked.TRAINING)
    assert told == 128 + signal.SIGTERM
    assert not (tmp_path / "out" / "model").exists()


def test_a_process_that_is_not_the_first_lets_the_first_one_speak(compactseg, options, monkeypatch):
    """It waits to be ended; what it alone has met it says itself."""
    waited = []
    monkeypatch.setattr("CompactSegLib.cli.train.time.sleep", waited.append)
    monkeypatch.setenv("RANK", "1")
    assert compactseg("train", *options, "--fold", "five").stderr.count("Error: ") == 1
    assert waited == [15.0]
    monkeypatch.setenv("RANK", "0")
    compactseg("train", *options, "--fold", "five")
    assert waited == [15.0]


def test_two_processes_say_an_error_once(options):
    torchrun = "torch.distributed.run --nproc-per-node 2 --master-port 0"
    words = ["-m", *torchrun.split(), "-m", "CompactSegLib.train", *options, "--fold", "five"]
    result = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert result.returncode != 0
    assert result.stderr.count("Error: --fold: expected 0 to 4 or 'all', got 'five'") == 1


def test_two_plain_folders_are_trained_on_and_evaluated(
    compactseg, options, a_dataset_folder: Path, tmp_path: Path
):
    given = ["--data", a_dataset_folder / "imagesTr", "--labels", a_dataset_folder / "labelsTr"]
    trained = compactseg("train", *options[2:], *given, "--fold", "1")
    assert trained.exit_code == 0, trained.stderr
    model = load_model(tmp_path / "out" / "model")
    assert [label.name for label in model.labels] == ["Label 1", "Label 2"]
    assert model.licence == "unknown"
    evaluated = compactseg("evaluate", "--model", model.folder, *given, "--json", "--device", "cpu")
    assert evaluated.exit_code == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["trained_on"] == {"no": 1, "yes": 0, "unknown": 0}


def test_two_processes_take_the_steps_that_one_takes_on_their_mean_gradient(
    options, a_dataset_folder: Path, tmp_path: Path
):
    """Together they see the patches that one sees; only batch norm has its statistics from half of them each.

    They are told of each other as ``torchrun`` tells its processes.
    """
    settings = PLAN | {"steps": 3, "warmup": 1, "average_decay": 0.0, "batch": 4}
    (tmp_path / "plan.json").write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
        shared |= {"MASTER_PORT": str(free.getsockname()[1])}
    command = [sys.executable, "-m", "CompactSegLib.train", *options, "--fold", "all"]
    started = [
        forked.start(
            command, imported=forked.TRAINING, env=os.environ | shared | {"RANK": str(rank)}
        )
        for rank in (0, 1)
    ]
    for process in started:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    model = load_model(tmp_path / "out" / "model")
    assert model.provenance["hardware"]["processes"] == 2

    plan, config = TrainingPlan.from_dict(settings), NetConfig.from_dict(NET)
    cases = load_cases(read_dataset(a_dataset_folder), plan)
    trainer = Trainer(
        plan, config, cases=cases, held_out=(), folder=tmp_path, device=torch.device("cpu")
    )
    shares = [RandomPatches(cases, plan, classes=3, rank=r, processes=2) for r in (0, 1)]
    for step in range(plan.steps):
        halves = [share[step] for share in shares]
        total = sum(trainer.loss(trainer.net(image), labels)[0] for image, labels in halves)
        trainer.update(total / 2, learning_rate(step, plan))
    ours = dict(trainer.net.named_parameters())
    for name, theirs in model.trainable_net().named_parameters():
        assert torch.allclose(theirs, ours[name], atol=1e-4), name
