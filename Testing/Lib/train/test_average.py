"""The mean of models' weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from CompactSegLib.errors import InputError
from CompactSegLib.labels import Label
from CompactSegLib.train.average import average, mean_net
from Testing.Lib.conftest import make_tiny_net
from Testing.Lib.nets import layer, net_config, random_net, serial
from Testing.Lib.synthesis.heads import a_plan, write_head


@pytest.fixture
def models(tmp_path, write_tiny_model):
    return [write_tiny_model(tmp_path / str(seed), net=make_tiny_net(seed=seed)) for seed in (0, 1)]


def test_the_mean_of_weights_is_that_of_each_layers_and_of_its_statistics(models):
    nets = [each.trainable_net().state_dict() for each in models]
    for name, tensor in mean_net(models, (1.5, -0.5)).state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, 1.5 * nets[0][name] - 0.5 * nets[1][name])
        else:
            assert torch.equal(tensor, nets[0][name])


def test_models_of_other_nets_or_labels_and_shares_that_are_none_are_refused(
    tmp_path, models, write_tiny_model
):
    net = random_net(net_config(*[serial(layer(3))] * 4))
    other = write_tiny_model(tmp_path / "net", net=net)
    named = replace(models[1], labels=models[1].labels[:1])
    for unlike in (other, named):
        with pytest.raises(InputError, match="expected the net and labels of"):
            mean_net([models[0], unlike], (0.5, 0.5))
    with pytest.raises(InputError, match=r"add up to 1, got 1\.5"):
        mean_net(models, (1, 0.5))


def test_what_is_written_is_validated_on_the_heads_that_were_held_out(tmp_path, write_tiny_model):
    maps = tmp_path / "maps"
    maps.mkdir()
    for number in range(5):
        write_head(maps / f"head_{number}.nii.gz")
    settings = {
        "labels": [Label(n, f"structure {n}", (n, 0, 90)) for n in (1, 2, 3)],
        "spacing_mm": (2.0, 2.0, 2.0),
        "provenance": {"plan": a_plan().to_dict(), "split": {"fold": 0}},
    }
    models = [
        write_tiny_model(tmp_path / str(seed), net=make_tiny_net(seed=seed, classes=4), **settings)
        for seed in (0, 1)
    ]
    made = average(tmp_path / "mean", maps, models, (0.75, 0.25))
    assert made.provenance["averaged"] == {
        models[0].weights_sha256: 0.75,
        models[1].weights_sha256: 0.25,
    }
    assert [level.validation["cases"] for level in made.levels] == [
        2,
        2,
        2,
    ]  # with skull and without
    assert set(made.levels[0].validation["dice_by_label"]) == {f"structure {n}" for n in (1, 2, 3)}
    torch.testing.assert_close(
        made.trainable_net().state_dict(), mean_net(models, (0.75, 0.25)).state_dict()
    )
