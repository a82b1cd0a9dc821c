import dataclasses

import pytest
import torch

from CompactSegLib import read_volume, segment
from CompactSegLib.errors import InputError
from CompactSegLib.model.registry import load_model
from CompactSegLib.network.config import BranchConfig
from CompactSegLib.train.trainer import Trainer
from CompactSegLib.train.training import train
from Testing.Lib.nets import layer, net_config, parallel, serial
from Testing.Lib.synthesis.heads import NOTHING_RANDOM, a_plan, head_array, write_head
from Testing.Lib.train.runs import rows_of

BESIDE = parallel(BranchConfig((layer(6),)), BranchConfig((layer(6),), pool=2))
NET = net_config(serial(layer(6)), BESIDE, BESIDE, classes=4)


@pytest.fixture
def heads(tmp_path):
    folder = tmp_path / "heads"
    folder.mkdir()
    for number in range(5):
        write_head(folder / f"head_{number}.nii.gz", array=head_array((40 + number, 44, 42)))
    return folder


def the_plan(**changed):
    plan = a_plan(held_out_images=2, source={"name": "Heads", "licence": "CC0-1.0"})
    return dataclasses.replace(
        plan,
        **{
            "name": "heads",
            "steps": 6,
            "workers": 0,
            "warmup": 1,
            "checkpoint_every": 2,
            "validate_every": 6,
            "log_every": 1,
            "precision": "fp32",
            **changed,
        },
    )


def die_at(monkeypatch, step):
    """Let runs die when so many steps are done."""
    step_of = Trainer._train_step

    def step_or_die(trainer, batch):
        if trainer.step == step:
            raise KeyboardInterrupt
        return step_of(trainer, batch)

    monkeypatch.setattr(Trainer, "_train_step", step_or_die)


def test_a_run_on_label_maps_ends_with_a_model_that_segments_images(heads, tmp_path):
    model = load_model(train(the_plan(), NET, data=heads, output=tmp_path / "run", device="cpu"))
    assert model.licence == "CC0-1.0"
    assert model.field_mm is None
    assert model.provenance["split"]["training_cases"] == 4
    assert model.levels[1].validation["cases"] == 2
    labels = head_array()
    millilitres = (labels == 2).sum() + (labels == 41).sum()
    expected = model.expected_millilitres[model.labels[0].name]
    assert expected.mean == pytest.approx(millilitres / 1000, rel=0.1)
    found = list(segment(read_volume(heads / "head_0.nii.gz"), model, all_levels=True))
    assert found[-1].labels.shape == (40, 44, 42)


def test_what_a_contrast_shows_is_learnt(heads, tmp_path):
    """Where all images look alike, a few steps are enough to tell the tissues apart."""
    plan = the_plan(steps=60, validate_every=60, learning_rate=0.02, average_decay=0.9)
    plan = dataclasses.replace(
        plan,
        synthesis=dataclasses.replace(
            plan.synthesis, **NOTHING_RANDOM, tissue_contrast_probability=1.0, noise=0.0, bias=0.0
        ),
    )
    train(plan, NET, data=heads, output=tmp_path / "run", device="cpu")
    last = rows_of(tmp_path / "run")[-1]
    assert float(last["dice_level_2_label_1"]) > 0.6


def test_the_model_of_a_stopped_run_is_written_as_its_checkpoint_is(heads, tmp_path, monkeypatch):
    output = tmp_path / "run"
    with pytest.raises(InputError, match="expected the checkpoint of a run to finish"):
        train(the_plan(), NET, data=heads, output=output, device="cpu", finish=True)
    die_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        train(the_plan(), NET, data=heads, output=output, device="cpu")
    model = load_model(train(the_plan(), NET, data=heads, output=output, device="cpu", finish=True))
    assert model.provenance["steps"] == 4
    assert model.levels[0].validation["cases"] == 2
    saved = torch.load(output / "checkpoint.pt", weights_only=True)["average"]
    net = model.trainable_net().state_dict()
    assert all(torch.equal(net[name], saved[f"module.{name}"]) for name in net)
