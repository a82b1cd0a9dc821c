"""Which input voxels an output voxel depends on, computed exactly from the configuration.

All axes are alike, so one axis is enough. With pooling the dependency differs from voxel to voxel but repeats with the
net's stride; the figures here are the largest over one period. Intervals are followed backwards, from the output to the
input, as in Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks" (Distill, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from CompactSegLib.network.config import BranchConfig, LayerConfig, NetConfig


@dataclass(frozen=True)
class Interval:
    """Voxels first..last (inclusive) along one axis."""

    first: int
    last: int

    def grown(self, margin: int) -> Interval:
        return Interval(self.first - margin, self.last + margin)

    def joined(self, other: Interval) -> Interval:
        return Interval(min(self.first, other.first), max(self.last, other.last))

    def before_pool(self, factor: int) -> Interval:
        """The fine voxels in the pooling windows of these coarse voxels."""
        return Interval(self.first * factor, self.last * factor + factor - 1)

    def before_upsampling(self, factor: int) -> Interval:
        """The coarse voxels that these fine voxels are interpolated from."""
        if factor == 1:
            return self
        # The coarse coordinate of fine voxel i is (i + 0.5) / factor - 0.5, which for powers of two is never whole.
        return Interval(
            (2 * self.first + 1 - factor) // (2 * factor),
            (2 * self.last + 1 - factor) // (2 * factor) + 1,
        )


@dataclass(frozen=True)
class Halo:
    """How far an output voxel reaches into the input, in input voxels along each axis.

    Attributes:
        before: Towards smaller indices.
        after: Towards larger indices.
        size: Largest number of input voxels that one output voxel depends on.
    """

    before: int
    after: int
    size: int


def margin_of(layers: tuple[LayerConfig, ...]) -> int:
    """How many voxels to each side of one the last of these layers depends on, in their own voxels."""
    return sum(layer.dilation * (layer.kernel // 2) for layer in layers)


def _before_layers(interval: Interval, layers: tuple[LayerConfig, ...]) -> Interval:
    return interval.grown(margin_of(layers))


def _before_branch(interval: Interval, branch: BranchConfig) -> Interval:
    coarse = interval.before_upsampling(branch.pool)
    return _before_layers(coarse, branch.layers).before_pool(branch.pool)


def _before_block(interval: Interval, config: NetConfig, number: int) -> Interval:
    block = config.blocks[number - 1]
    sources = [_before_branch(interval, branch) for branch in block.branches]
    joined = sources[0]
    for source in sources[1:]:
        joined = joined.joined(source)
    return joined.before_pool(block.pool)


def _reach(config: NetConfig, level: int, start: int, voxel: int) -> Interval:
    """Voxels of F_start (what block 1 gets for 0) that image voxel ``voxel`` of level ``level`` depends on."""
    at_head = _before_layers(Interval(voxel, voxel), config.heads[level - 1].layers)
    needed: dict[int, Interval] = {}
    for number in (level, level + 1):
        if number >= start:
            stride = config.map_strides[number - 1]
            needed[number] = at_head.before_upsampling(stride)
    for number in range(level + 1, start, -1):
        source = _before_block(needed[number], config, number)
        known = needed.get(number - 1)
        needed[number - 1] = source if known is None else source.joined(known)
    return needed[start]


@cache
def halo(config: NetConfig, level: int, *, start: int = 0) -> Halo:
    """What level ``level`` needs around a voxel when the evaluation begins at F_start.

    Args:
        config: The net.
        level: The level n, from 1.
        start: 0 to begin at the image, k to begin at feature map F_k, at most the level's deepest, k = level + 1; maps
            before F_k that the level joins are taken as given.

    Returns:
        The reach in voxels of the *image*, also where F_start is coarser.
    """
    scale = config.block_strides[start]
    period = max(config.stride(level + 1), *config.map_strides)
    before = after = size = 0
    for voxel in range(period):
        reach = _reach(config, level, start, voxel)
        fine = reach.before_pool(scale)
        before = max(before, voxel - fine.first)
        after = max(after, fine.last - voxel)
        size = max(size, fine.last - fine.first + 1)
    return Halo(before=before, after=after, size=size)


def receptive_field(config: NetConfig, level: int) -> int:
    """Edge length in image voxels of the box that one output voxel of a level depends on."""
    return halo(config, level).size
