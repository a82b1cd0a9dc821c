"""What a level costs: parameters and multiply-accumulates per voxel of the image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from CompactSegLib.network.config import LayerConfig, NetConfig
from CompactSegLib.network.reach import receptive_field


@dataclass(frozen=True)
class LevelCost:
    """Figures of one level of a net.

    Attributes:
        level: From 1.
        parameters: Trainable parameters that level needs: blocks 1..level+1 and its head.
        macs_per_voxel: Multiply-accumulates of the convolutions per image voxel to get this level alone.
        macs_per_voxel_all_levels: The same to get this level and all before it (every head up to here).
        receptive_field: Edge length in image voxels.
    """

    level: int
    parameters: int
    macs_per_voxel: float
    macs_per_voxel_all_levels: float
    receptive_field: int


@dataclass(frozen=True)
class _Cost:
    parameters: int
    macs: float

    def __add__(self, other: _Cost) -> _Cost:
        return _Cost(self.parameters + other.parameters, self.macs + other.macs)


def _layers(in_channels: int, layers: tuple[LayerConfig, ...], stride: int) -> Iterator[_Cost]:
    for layer in layers:
        weights = in_channels * layer.channels * layer.kernel**3
        yield _Cost(weights + 2 * layer.channels, weights / stride**3)
        in_channels = layer.channels


def _block(config: NetConfig, number: int) -> _Cost:
    in_channels = config.block_channels[number - 1]
    stride = config.map_strides[number - 1]
    total = _Cost(0, 0.0)
    for branch in config.blocks[number - 1].branches:
        for cost in _layers(in_channels, branch.layers, stride * branch.pool):
            total += cost
    return total


def _head(config: NetConfig, level: int) -> _Cost:
    in_channels = config.level_channels(level)
    layers = config.heads[level - 1].layers
    total = _Cost(0, 0.0)
    for cost in _layers(in_channels, layers, 1):
        total += cost
    last = (layers[-1].channels if layers else in_channels) * config.classes
    return total + _Cost(last + config.classes, float(last))


def level_costs(config: NetConfig) -> list[LevelCost]:
    """Figures of every level, level 1 first, from the configuration alone.

    MACs are those of a volume whose edges are multiples of the net's stride, in the convolutions only (what papers
    count): pooling, up-sampling, activation and batch norm, which folds into the convolutions, are left out.
    """
    costs = []
    chain = _block(config, 1)
    heads = _Cost(0, 0.0)
    for level in range(1, config.levels + 1):
        chain += _block(config, level + 1)
        head = _head(config, level)
        heads += head
        costs.append(
            LevelCost(
                level=level,
                parameters=(chain + head).parameters,
                macs_per_voxel=(chain + head).macs,
                macs_per_voxel_all_levels=(chain + heads).macs,
                receptive_field=receptive_field(config, level),
            )
        )
    return costs


def parameter_count(config: NetConfig) -> int:
    """Trainable parameters of the whole net."""
    blocks = [_block(config, number) for number in range(1, len(config.blocks) + 1)]
    heads = [_head(config, level) for level in range(1, config.levels + 1)]
    return sum(cost.parameters for cost in (*blocks, *heads))
