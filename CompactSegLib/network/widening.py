"""Larger nets that begin as a smaller one (Chen et al., Net2Net, ICLR 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.blocks import ConvLayer
from CompactSegLib.network.config import LayerConfig, NetConfig
from CompactSegLib.network.net import MultiLevelNet

# Of new filters, beside what they pass on: enough to tell them apart.
_NOISE = 0.3


@torch.no_grad()
def widened(net: MultiLevelNet, config: NetConfig) -> MultiLevelNet:
    """A net of a larger configuration that begins with the scores of a smaller one.

    Layers may have more channels and blocks more branches behind their own; with ``fuse`` ``dense`` the heads of a net
    with ``pair`` get the earlier feature maps too. What is new counts for nothing yet: its weights are 0 wherever the
    net goes on with it. New filters begin as noisy copies of single inputs.

    Args:
        net: What to begin with.
        config: The larger net, of as many levels.

    Returns:
        A new net, which shares nothing with `net`.

    Raises:
        ConfigurationError: The configuration does not hold that of `net`.
    """
    check_wider(net.config, config)
    wider: Any = MultiLevelNet(config)
    source: Any = net
    old, new = net.config, config
    places = list(range(old.block_channels[0]))
    of_maps: list[list[int]] = []
    for block, wide, was, now in zip(
        source.blocks, wider.blocks, old.blocks, new.blocks, strict=True
    ):
        before = new.block_channels[len(of_maps)]
        widths = (branch.out_channels(before) for branch in now.branches)
        starts = list(accumulate(widths, initial=0))
        found: list[int] = []
        for number, branch in enumerate(wide.branches):
            known = block.branches[number].layers if number < len(was.branches) else ()
            outputs = _fill(known, branch.layers, places)
            if number < len(was.branches):
                found += [starts[number] + place for place in outputs]
        places = found
        of_maps.append(places)
    for level, (head, wide) in enumerate(zip(source.heads, wider.heads, strict=True), start=1):
        inputs = []
        start = 0
        for number in new.fused_maps(level):
            if number in old.fused_maps(level):
                inputs += [start + place for place in of_maps[number - 1]]
            start += new.map_channels[number - 1]
        hidden = _fill(head.layers, wide.layers, inputs)
        _fill_inputs(head.classifier.weight, wide.classifier.weight, hidden)
        wide.classifier.bias.copy_(head.classifier.bias)
    reference = next(net.parameters())
    return wider.to(device=reference.device, dtype=reference.dtype).train(net.training)


def check_wider(old: NetConfig, new: NetConfig) -> None:
    """Raise a `ConfigurationError` that names the first place where a configuration does not hold another one."""
    _check_same("classes", old.classes, new.classes)
    _check_same("in_channels", old.in_channels, new.in_channels)
    _check_same("shuffle", old.shuffle, new.shuffle)
    _check_same("upsampling", old.upsampling, new.upsampling)
    _check_same("levels", old.levels, new.levels)
    if old.fuse == "dense":
        _check_same("fuse", old.fuse, new.fuse)
    for number, (was, now) in enumerate(zip(old.blocks, new.blocks, strict=True)):
        where = f"blocks[{number}]"
        _check_same(f"{where}.pool", was.pool, now.pool)
        _check_at_least(f"{where}.branches", len(was.branches), len(now.branches))
        for index, (less, more) in enumerate(zip(was.branches, now.branches, strict=False)):
            _check_same(f"{where}.branches[{index}].pool", less.pool, more.pool)
            _check_layers(f"{where}.branches[{index}]", less.layers, more.layers)
    for number, (had, has) in enumerate(zip(old.heads, new.heads, strict=True)):
        _check_layers(f"heads[{number}]", had.layers, has.layers)


def _check_layers(where: str, old: Sequence[LayerConfig], new: Sequence[LayerConfig]) -> None:
    _check_same(f"{where}.layers", len(old), len(new))
    for number, (was, now) in enumerate(zip(old, new, strict=True)):
        here = f"{where}.layers[{number}]"
        _check_same(f"{here}.kernel", was.kernel, now.kernel)
        _check_same(f"{here}.dilation", was.dilation, now.dilation)
        _check_at_least(f"{here}.channels", was.channels, now.channels)


def _check_same(where: str, old: object, new: object) -> None:
    if old != new:
        raise ConfigurationError(
            f"net.{where}: expected {old!r} as in the model that the run begins with, got {new!r}; correct the "
            "configuration."
        )


def _check_at_least(where: str, old: int, new: int) -> None:
    if new < old:
        raise ConfigurationError(
            f"net.{where}: expected at least {old}, as many as in the model that the run begins with, got {new}; "
            "correct the configuration."
        )


def _fill(old: Sequence[ConvLayer], new: Sequence[ConvLayer], places: list[int]) -> list[int]:
    """Fill layers in series; of the inputs, those at `places` are the old ones. Returns where the old outputs are."""
    for number, layer in enumerate(new):
        _begin(layer.conv)
        if number < len(old):
            _fill_inputs(old[number].conv.weight, layer.conv.weight, places)
            mine = layer.norm.state_dict()
            for name, values in old[number].norm.state_dict().items():
                if values.ndim:
                    mine[name][: len(values)].copy_(values)
                else:
                    mine[name].copy_(values)
            places = list(range(old[number].conv.out_channels))
    return places


def _fill_inputs(old: Tensor, new: Tensor, places: list[int]) -> None:
    """Put filters first among the new ones, blind to all inputs but those at `places`."""
    new[: len(old)] = 0
    new[: len(old), places] = old.to(new)


def _begin(conv: nn.Conv3d) -> None:
    weight = conv.weight
    weight *= _NOISE
    middle = tuple(side // 2 for side in weight.shape[2:])
    for output in range(len(weight)):
        weight[(output, output % weight.shape[1], *middle)] += 1
