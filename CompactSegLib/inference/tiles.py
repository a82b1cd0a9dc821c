"""Exact tiles: a volume cut up so that each tile's core comes out as if the whole volume had been computed at once.

A core is grown by the halo, its begin moved to a multiple of the pooling stride, and cut at the volume's border, where
the net's own zero padding is right. What padding spoils at the inner edges lies in the halo and is thrown away.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch

from CompactSegLib.network.boxes import Box, hull, shape_of
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.reach import Halo, halo
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.volume.resampling import GridMap

# The estimate is an upper one; the rest is for the allocator's rounding, workspaces and other programs.
_USABLE_SHARE = 0.5
# Larger tiles pay for less halo; this one takes two thirds of the memory of 256. Some
# cuDNN versions are wrong in bf16 on very large volumes (pytorch/pytorch#163539).
LARGEST_EDGE = 192
_MOST_WHOLE_VOXELS = 2**23
# With its halo it takes no more than the largest whole.
_STANDARD_EDGE = 144
_PART_VOXELS = AtATime(2**21, 2**23)
_LEAST_ROWS = 16


def split(box: Box, edge: int, *, stride: int) -> Iterator[Box]:
    """Cut a box into cores of at most ``edge`` voxels (rounded up to ``stride``) that begin at multiples of ``stride``.

    Cores are as equal as the stride allows, since a thin rest would pay a whole halo.
    """
    yield from itertools.product(*(list(_split_axis(axis, edge, stride)) for axis in box))


def _split_axis(axis: slice, edge: int, stride: int) -> Iterator[slice]:
    length = axis.stop - axis.start
    edge = max(stride, edge - edge % stride)
    parts = math.ceil(length / edge)
    step = math.ceil(math.ceil(length / parts) / stride) * stride
    for start in range(axis.start, axis.stop, step):
        yield slice(start, min(start + step, axis.stop))


def standard_edge(shape: tuple[int, int, int], *, stride: int) -> int:
    """Edge of the cores that a volume is cut into where memory and user leave it free, and by which ties are decided.

    It hangs on the volume alone. Such a core is the whole of a volume that is small enough to be computed at once.
    """
    if math.prod(shape) <= _MOST_WHOLE_VOXELS:
        return max(LARGEST_EDGE, math.ceil(max(shape) / stride) * stride)
    return _STANDARD_EDGE


def with_halo(core: Box, around: Halo, *, stride: int, shape: tuple[int, int, int]) -> Box:
    """The region to compute so that ``core`` is exact: grown by the halo, aligned, cut at the volume's border."""
    depth, height, width = (
        slice(
            max(0, (axis.start - around.before) // stride * stride),
            min(size, axis.stop + around.after),
        )
        for axis, size in zip(core, shape, strict=True)
    )
    return depth, height, width


def parts_of_tile(
    core: Box, grid: GridMap, device: torch.device
) -> tuple[Box, list[tuple[Box, Box]]]:
    """What is labelled at a time: the logits of a whole tile would be the largest thing in memory.

    In fp32 labels hang on roundings, and these on what is computed at a time. It hangs on the core and the
    kind of device alone.

    Returns:
        The model voxels whose logits a tile needs; and of each part of it the source voxels, and the model voxels whose
        logits these need.
    """
    target = grid.oriented_box(core)
    if not all(shape_of(target)):
        return core, [(target, core)]
    wanted = hull(core, grid.support(target))
    depth, height, width = target
    plane = (height.stop - height.start) * (width.stop - width.start)
    rows = max(_LEAST_ROWS, _PART_VOXELS.on(device) // plane)
    if rows >= depth.stop - depth.start:
        return wanted, [(target, wanted)]
    starts = range(depth.start, depth.stop, rows)
    parts = [(slice(at, min(at + rows, depth.stop)), height, width) for at in starts]
    return wanted, [(part, grid.support(part)) for part in parts]


def coarser(box: Box, factor: int) -> Box:
    """The voxels of a map ``factor`` times coarser that lie in a box whose begin is a multiple of ``factor``."""
    depth, height, width = (slice(axis.start // factor, -(-axis.stop // factor)) for axis in box)
    return depth, height, width


def bytes_per_voxel(config: NetConfig, level: int, *, itemsize: int) -> float:
    """Upper estimate of the memory one image voxel takes while a level is computed, in bytes.

    Counted are, for the dearest block: what its input and its output are made of; the input once more, for a branch
    that reads it as a whole and those that pool it; a branch's two largest neighbouring maps. For the head: the maps
    that it joins; its logits are those of a part.
    """
    channels, strides = config.block_channels, config.block_strides
    made = [float(config.in_channels)]
    peak = 0.0
    for number in range(1, level + 2):
        block, density = config.blocks[number - 1], 1 / strides[number] ** 3
        before = channels[number - 1]
        outputs = sum(branch.out_channels(before) / branch.pool**3 for branch in block.branches)
        made.append(density * outputs)
        inside = max(
            2 * max([layer.channels for layer in branch.layers] or [0]) / branch.pool**3
            for branch in block.branches
        )
        whole = before / strides[number - 1] ** 3
        peak = max(peak, made[-2] + whole + made[-1] + density * inside)
    return itemsize * max(peak, sum(made[level:]))


def least_edge(around: Halo, *, stride: int) -> int:
    """Edge of the smallest core worth a tile: as long as the halo, with which a tile does 27 times the core's work."""
    return max(stride, math.ceil(max(around.before, around.after) / stride) * stride)


def choose_edge(
    config: NetConfig,
    level: int,
    *,
    start: int,
    shape: tuple[int, int, int],
    device: torch.device,
    free_bytes: int,
    itemsize: int,
    largest: int,
) -> int:
    """Edge in voxels of the largest core whose region fits into the free memory.

    Args:
        config: The net.
        level: The level to be computed.
        start: The feature map it begins with, 0 for the image.
        shape: ``(D, H, W)`` of the volume, at whose border a region ends.
        device: Where.
        free_bytes: Free memory there.
        itemsize: Bytes of a feature map's value.
        largest: Upper bound for the edge.

    Returns:
        A multiple of the net's stride, at least ``least_edge`` also where not even that fits.
    """
    stride = config.stride()
    around = halo(config, level, start=start)
    region_bytes = bytes_per_voxel(config, level, itemsize=itemsize)
    # Twice: some of a part's are copied.
    logits_bytes = 2 * 4 * config.classes

    def fits(edge: int) -> bool:
        grown = edge + around.before + around.after + stride
        region = math.prod(min(size, grown) for size in shape)
        needed = region * region_bytes + min(region, _PART_VOXELS.on(device)) * logits_bytes
        return needed <= free_bytes * _USABLE_SHARE

    least = least_edge(around, stride=stride)
    edges = range(max(stride, largest // stride * stride), least, -stride)
    return next((edge for edge in edges if fits(edge)), least)
