"""The mean of models' weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from CompactSegLib.errors import InputError
from CompactSegLib.train.average import mean_net
from Testing.Lib.inference.models_in_memory import model_in_memory
from Testing.Lib.nets import layer, net_config, serial

CONFIG = net_config(serial(layer(2)), serial(layer(2)))


@pytest.fixture
def models():
    return [model_in_memory(CONFIG, seed=seed) for seed in (0, 1)]


def test_the_mean_of_weights_is_that_of_each_layers_and_of_its_statistics(models):
    nets = [each.trainable_net().state_dict() for each in models]
    for name, tensor in mean_net(models, (1.5, -0.5)).state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, 1.5 * nets[0][name] - 0.5 * nets[1][name])
        else:
            assert torch.equal(tensor, nets[0][name])


def test_models_of_other_nets_or_labels_and_shares_that_are_none_are_refused(models):
    other = model_in_memory(net_config(serial(layer(3)), serial(layer(2))))
    with pytest.raises(InputError, match="expected the net and labels of"):
        mean_net([models[0], other], (0.5, 0.5))
    named = replace(models[1], labels=models[1].labels[::-1])
    with pytest.raises(InputError, match="expected the net and labels of"):
        mean_net([models[0], named], (0.5, 0.5))
    with pytest.raises(InputError, match=r"add up to 1, got 1\.5"):
        mean_net(models, (1, 0.5))
