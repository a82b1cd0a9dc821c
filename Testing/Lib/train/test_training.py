import csv
import dataclasses
import io
import math
import os
import sys

import numpy as np
import pytest
import torch

from CompactSegLib.errors import CompactSegError, ConfigurationError, DeviceError, OutputError
from CompactSegLib.model.folder import check_model
from CompactSegLib.model.registry import load_model
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.checkpoint import read_checkpoint
from CompactSegLib.train.optimisation import Update
from CompactSegLib.train.runlog import RunLog
from CompactSegLib.train.stages import stages_of
from CompactSegLib.train.trainer import Trainer
from CompactSegLib.train.training import train
from CompactSegLib.train.training_plan import TrainingPlan
from Testing import forked
from Testing.Lib.full_disk import FullDisk
from Testing.Lib.train.runs import a_trainer, goes_on, rows_of


def test_two_cases_are_learnt_by_heart_at_every_level(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    plan = dataclasses.replace(
        a_short_plan, steps=80, average_decay=0.9, learning_rate=0.02, validate_every=80
    )
    trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / "run")
    trainer.held_out = trainer.cases
    scores = trainer.run()
    dice = np.mean([score.dice for score in scores], axis=(0, 2))
    assert dice.shape == (3,)
    assert dice.min() > 0.9


LEVEL_BY_LEVEL = {"method": "level-by-level", "level_steps": (1, 2, 1), "warmup": 1}


@pytest.mark.parametrize(
    ("changes", "killed_after", "from_step"),
    [
        ({}, 4, 4),
        ({}, 7, 4),
        ({"optimizer": "muon"}, 6, 4),
        # In any level, and between two.
        *(
            (LEVEL_BY_LEVEL | {"checkpoint_every": 2, "earlier_rate": rate}, step, step)
            for step, rate in ((2, 0.0), (3, 0.0), (6, 0.0), (6, 0.1), (10, 0.0))
        ),
    ],
)
def test_a_run_that_was_killed_goes_on_with_the_same_curve(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path, changes, killed_after, from_step
):
    plan = dataclasses.replace(a_short_plan, **changes)

    def make(name):
        return a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / name, held_out=1)

    goes_on(make, killed_after=killed_after, from_step=from_step)


def test_a_disk_that_runs_full_ends_the_run_in_a_sentence_and_it_can_go_on(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path, monkeypatch
):
    whole = a_trainer(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path / "whole")
    whole.run()
    plan = dataclasses.replace(a_short_plan, steps=12)
    first = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / "full")
    write = RunLog.write

    def write_until_full(log: RunLog, step, values):
        if step == 7:
            log.file.write("7,0.")  # half a row
            log.file.close()
            log.file = io.TextIOWrapper(io.BufferedWriter(FullDisk()), line_buffering=True)
            log.writer = csv.DictWriter(log.file, log.columns)
        write(log, step, values)

    monkeypatch.setattr(RunLog, "write", write_until_full)
    with pytest.raises(
        OutputError, match=r"log\.csv: could not be written \(No space left"
    ) as caught:
        first.run()
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    second = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / "full")
    second.resume()
    assert second.step == 4
    second.run()
    assert rows_of(tmp_path / "full") == rows_of(tmp_path / "whole")


def test_half_a_row_of_an_earlier_step_is_dropped(tmp_path):
    (tmp_path / "log.csv").write_text("step,loss\n1,0.5\n2\nx,1\n12,0.3\n")
    with RunLog(tmp_path, ["loss"], start=5, steps=9):
        pass
    assert (tmp_path / "log.csv").read_text().split() == ["step,loss", "1,0.5"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of files")
def test_a_disk_too_full_for_a_checkpoint_leaves_the_one_before(tmp_path):
    """The limit on a file's size fails a write in the way that a full disk does."""
    code = """
import resource, sys
from pathlib import Path
import torch
from CompactSegLib.errors import OutputError
from CompactSegLib.train.checkpoint import read_checkpoint, save_checkpoint

folder, net = Path(sys.argv[1]), torch.nn.Linear(300, 300)
save_checkpoint(folder, {"step": 1, "net": net.state_dict()})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_checkpoint(folder, {"step": 2, "net": net.state_dict()})
except OutputError as error:
    print(error)
print(read_checkpoint(folder, device=torch.device("cpu"))["step"], [path.name for path in folder.iterdir()])
"""
    result = forked.run([sys.executable, "-c", code, tmp_path])
    sentence, rest = result.stdout.splitlines()
    assert "checkpoint.pt: could not be written (File too large)" in sentence
    assert rest == "1 ['checkpoint.pt']"


def test_processes_that_prepare_batches_change_nothing(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    for workers in (0, 1):
        plan = dataclasses.replace(a_short_plan, workers=workers, steps=3)
        a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / str(workers)).run()
    assert rows_of(tmp_path / "0") == rows_of(tmp_path / "1")


def test_a_damaged_checkpoint_is_named(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"half of something")
    with pytest.raises(CompactSegError, match=r"checkpoint\.pt.*damaged"):
        a_trainer(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path).resume()


def test_a_run_ends_with_a_model_folder(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    folder = train(
        dataclasses.replace(a_short_plan, steps=4),
        a_tiny_net,
        data=a_dataset_folder,
        output=tmp_path / "run",
        fold=1,
        device="cpu",
        command="the command",
    )
    model = check_model(folder)
    assert model.name == "balls"
    assert [label.name for label in model.labels] == ["Front", "Back"]
    assert model.licence == "CC0"
    assert [level.validation["cases"] for level in model.levels] == [1, 1, 1]
    assert set(model.levels[0].validation["dice_by_label"]) == {"Front", "Back"}
    assert all(0 < each.least < each.most for each in model.expected_millilitres.values())
    assert set(model.expected_millilitres) == {"Front", "Back"}
    split = model.provenance["split"]
    assert split["fold"] == 1
    assert len(split["training_case_names"]) == split["training_cases"] == 5
    assert not {*split["training_case_names"]} & {*split["validation_cases"]}
    assert model.provenance["command"] == "the command"
    assert model.provenance["steps"] == 4


def test_minutes_are_turned_into_steps(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    trainer = a_trainer(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path)
    before = {name: tensor.clone() for name, tensor in trainer.net.state_dict().items()}
    assert trainer.steps_in(1.0) > 10
    assert trainer.step == 0
    after = trainer.net.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    few = a_trainer(
        a_dataset_folder, a_tiny_net, dataclasses.replace(a_short_plan, steps=1), tmp_path
    )
    assert few.steps_in(1.0) > 10


def test_a_plan_survives_json(a_short_plan):
    assert TrainingPlan.from_dict(a_short_plan.to_dict()) == a_short_plan


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"step": 3}, '"step"'),
        ({"steps": 0}, "steps"),
        ({"patch": [32, 32]}, "patch"),
        ({"precision": "fp8"}, "precision"),
        ({"name": "my model"}, "name"),
        ({"augmentation": {"mirrors": [0]}}, 'augmentation: expected only .*"mirrors"'),
        ({"augmentation": 3}, "augmentation"),
        ({"steps": "many"}, "steps"),
        ({"fixed_statistics": 1.5}, "fixed_statistics: expected a number from 0 to 1"),
        ({"optimizer": "sgd"}, "optimizer: expected one of adamw, muon"),
    ],
)
def test_an_impossible_plan_is_refused(data, word):
    with pytest.raises(ConfigurationError, match=word):
        TrainingPlan.from_dict(data)


def test_a_net_for_other_data_is_refused(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    wrong = dataclasses.replace(a_tiny_net, classes=4)
    with pytest.raises(ConfigurationError, match="3 classes"):
        train(a_short_plan, wrong, data=a_dataset_folder, output=tmp_path, device="cpu")


def test_a_patch_that_the_pooling_cuts_is_refused(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    odd = dataclasses.replace(a_short_plan, patch=(12, 13, 12))
    with pytest.raises(ConfigurationError, match="stride 2"):
        train(odd, a_tiny_net, data=a_dataset_folder, output=tmp_path, device="cpu")


def test_a_loss_that_is_no_number_ends_the_run(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path, monkeypatch
):
    trainer = a_trainer(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path)
    broken = torch.tensor(math.nan), torch.full((3,), math.nan)
    monkeypatch.setattr(trainer, "_train_step", lambda _: broken)
    with pytest.raises(CompactSegError, match="learning_rate"):
        trainer.run()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_run_in_fp16_scales_its_loss(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    plan = dataclasses.replace(a_short_plan, precision="fp16")
    folder = train(plan, a_tiny_net, data=a_dataset_folder, output=tmp_path / "run", fold=None)
    assert load_model(folder).provenance["hardware"]["precision"] == "fp16"
    state = read_checkpoint(tmp_path / "run", device=torch.device("cpu"))
    assert state["update"]["scaler"]["scale"] > 1


def test_a_step_that_overflows_is_left_out_and_the_scale_is_halved(a_tiny_net, a_short_plan):
    net = MultiLevelNet(a_tiny_net)
    (stage,) = stages_of(a_short_plan, levels=3)
    update = Update(net, a_short_plan, stage, device=torch.device("cpu"), precision="fp16")
    before = [p.clone() for p in net.parameters()]
    overflow = sum(p.sum() for p in net.parameters()) * 1e38
    update(overflow, 0.01)
    assert all(torch.equal(p, q) for p, q in zip(before, net.parameters(), strict=True))
    assert update.state_dict()["scaler"]["scale"] == 2**15
    update(sum((p**2).sum() for p in net.parameters()), 0.01)
    assert not any(torch.equal(p, q) for p, q in zip(before[:1], net.parameters(), strict=False))


def test_memory_that_runs_out_is_told_in_a_sentence_and_the_run_can_go_on(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path, monkeypatch
):
    step_of = Trainer._train_step

    def step_without_memory(trainer, batch):
        if trainer.step == 6:
            torch.empty(2**60)
        return step_of(trainer, batch)

    run = {"data": a_dataset_folder, "output": tmp_path, "fold": None}
    monkeypatch.setattr(Trainer, "_train_step", step_without_memory)
    with pytest.raises(
        DeviceError, match="2 patches of 12 x 12 x 12 voxels, but it ran out at step 6"
    ):
        train(a_short_plan, a_tiny_net, **run)
    monkeypatch.undo()
    assert load_model(train(a_short_plan, a_tiny_net, **run)).provenance["steps"] == 12
