"""Nets for tests: hypothesis draws configurations, and weights are made so that nothing is trivially zero."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from hypothesis import strategies as st

from CompactSegLib.network.config import (
    BlockConfig,
    BranchConfig,
    HeadConfig,
    LayerConfig,
    NetConfig,
)
from CompactSegLib.network.net import MultiLevelNet

layers = st.builds(
    LayerConfig,
    channels=st.integers(1, 4),
    kernel=st.sampled_from([1, 3, 3]),
    dilation=st.sampled_from([1, 1, 2]),
)
branches = st.builds(
    BranchConfig,
    layers=st.lists(layers, min_size=1, max_size=2).map(tuple),
    pool=st.sampled_from([1, 1, 2, 4]),
) | st.just(BranchConfig(layers=(), pool=2))
blocks = st.builds(
    BlockConfig,
    branches=st.lists(branches, min_size=1, max_size=3)
    .map(tuple)
    .filter(lambda drawn: any(branch.layers for branch in drawn)),
    pool=st.sampled_from([1, 1, 1, 2]),
)
heads = st.builds(HeadConfig, layers=st.lists(layers, max_size=2).map(tuple))


@st.composite
def net_configs(draw: st.DrawFn, *, most_levels: int = 3) -> NetConfig:
    """Configurations with every kind of pooling and dilation."""
    levels = draw(st.integers(1, most_levels))
    return NetConfig(
        in_channels=draw(st.integers(1, 2)),
        classes=draw(st.integers(2, 4)),
        blocks=tuple(draw(blocks) for _ in range(levels + 1)),
        heads=tuple(draw(heads) for _ in range(levels)),
    )


def layer(channels: int, kernel: int = 3, dilation: int = 1) -> LayerConfig:
    return LayerConfig(channels, kernel, dilation)


def serial(*configs: LayerConfig, pool: int = 1) -> BlockConfig:
    """A block of one branch."""
    return BlockConfig((BranchConfig(configs),), pool=pool)


def parallel(*branches_: BranchConfig, pool: int = 1) -> BlockConfig:
    return BlockConfig(branches_, pool=pool)


def net_config(*blocks_: BlockConfig, classes: int = 3, in_channels: int = 1) -> NetConfig:
    """A net of these blocks, each head one 1×1×1 convolution."""
    heads_ = (HeadConfig(),) * (len(blocks_) - 1)
    return NetConfig(in_channels, classes, blocks_, heads_)


def random_net(config: NetConfig, *, seed: int = 0) -> MultiLevelNet:
    """An untrained net whose batch norm has statistics as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = MultiLevelNet(config)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm3d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.normal_(module.bias, 0, 0.3)
    return net.eval()


def random_image(config: NetConfig, shape: tuple[int, int, int], *, seed: int = 0) -> torch.Tensor:
    """Noise ``(1, in_channels, *shape)``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((1, config.in_channels, *shape), generator=generator)


def calls_of(modules: Sequence[torch.nn.Module]) -> list[int]:
    """How often each module has run, kept up to date by hooks."""
    counts = [0] * len(modules)
    for index, module in enumerate(modules):

        def count(*_: object, index: int = index) -> None:
            counts[index] += 1

        module.register_forward_hook(count)
    return counts


POOLED = parallel(BranchConfig((layer(3),)), BranchConfig((layer(3),), pool=2))
"""A block with a branch at its own resolution and one at half of it."""
