"""Nets that begin as a smaller one."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.config import BlockConfig, BranchConfig, HeadConfig, NetConfig
from CompactSegLib.network.widening import widened
from Testing.Lib.nets import (
    POOLED,
    branches,
    layer,
    net_config,
    net_configs,
    parallel,
    random_image,
    random_net,
    serial,
)

NET = dataclasses.replace(
    net_config(serial(layer(3)), POOLED, serial(layer(4))),
    heads=(HeadConfig((layer(3, 1),)),) * 2,
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[NetConfig, NetConfig]:
    """A net and a larger one that holds it."""
    config = draw(net_configs(most_levels=2))

    def more(layers):
        return tuple(
            dataclasses.replace(one, channels=one.channels + draw(st.integers(0, 2)))
            for one in layers
        )

    def wider(block: BlockConfig) -> BlockConfig:
        own = (dataclasses.replace(one, layers=more(one.layers)) for one in block.branches)
        return dataclasses.replace(block, branches=(*own, *draw(st.lists(branches, max_size=1))))

    return config, dataclasses.replace(
        config,
        blocks=tuple(wider(block) for block in config.blocks),
        heads=tuple(HeadConfig(more(head.layers)) for head in config.heads),
        fuse=draw(st.sampled_from([config.fuse, "dense"])),
    )


@given(configs=pairs())
@settings(max_examples=40, deadline=None)
def test_a_wider_net_begins_with_the_scores_of_the_smaller_one(configs):
    small, large = configs
    net = random_net(small)
    wider = widened(net, large)
    assert wider.config == large
    assert not wider.training
    image = random_image(small, (9, 8, 10))
    with torch.no_grad():
        for mine, other in zip(net(image), wider(image), strict=True):
            torch.testing.assert_close(other, mine, rtol=1e-4, atol=1e-4)


def test_all_that_is_new_is_trained():
    large = dataclasses.replace(
        NET,
        fuse="dense",
        blocks=(
            parallel(BranchConfig((layer(5),)), BranchConfig((layer(4),))),
            *NET.blocks[1:],
        ),
        heads=(HeadConfig((layer(6, 1),)),) * 2,
    )
    wider = widened(random_net(NET).train(), large)
    assert wider.training
    optimizer = torch.optim.SGD(wider.parameters(), lr=0.5)
    # What new filters give counts for nothing at first, so that only its weights are moved; then they are.
    for _ in range(2):
        before = [parameter.clone() for parameter in wider.parameters()]
        optimizer.zero_grad()
        sum(logits.square().mean() for logits in wider(random_image(large, (8, 8, 8)))).backward()
        optimizer.step()
    for (name, parameter), old in zip(wider.named_parameters(), before, strict=True):
        if parameter.ndim > 1:
            assert (parameter != old).flatten(1).any(dim=1).all(), name


def test_new_filters_begin_as_copies_of_their_inputs():
    large = dataclasses.replace(
        NET, blocks=(parallel(*NET.blocks[0].branches, BranchConfig((layer(4),))), *NET.blocks[1:])
    )
    net = random_net(NET)
    conv = widened(net, large).blocks[0].branches[1].layers[0].conv
    assert (conv.weight[:, 0, 1, 1, 1] > conv.weight.flatten(1).abs().sort().values[:, -2]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fuse": "pair"}, "net.fuse: expected 'dense'"),
        ({"classes": 4}, "net.classes: expected 3 as in the model"),
        ({"shuffle": 2}, "net.shuffle: expected 1"),
        ({"blocks": NET.blocks[:2], "heads": NET.heads[:1]}, "net.levels: expected 2"),
        (
            {"blocks": (serial(layer(2)), *NET.blocks[1:])},
            r"net.blocks\[0\].branches\[0\].layers\[0\].channels: expected at least 3",
        ),
        (
            {"blocks": (serial(layer(3, 1)), *NET.blocks[1:])},
            r"layers\[0\].kernel: expected 3",
        ),
        (
            {"blocks": (NET.blocks[0], serial(layer(9)), NET.blocks[2])},
            r"net.blocks\[1\].branches: expected at least 2",
        ),
        ({"heads": (HeadConfig(), HeadConfig())}, r"net.heads\[0\].layers: expected 1"),
    ],
)
def test_a_net_that_does_not_hold_the_model_s_is_refused(change, words):
    dense = dataclasses.replace(NET, fuse="dense")
    with pytest.raises(ConfigurationError, match=words):
        widened(random_net(dense), dataclasses.replace(dense, **change))
