"""Feature maps brought to a finer resolution, as a whole or in part."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from CompactSegLib.network.boxes import Box


def upsample(maps: Tensor, *, factor: int, shape: torch.Size) -> Tensor:
    """Bring ``(N, C, d, h, w)`` to a resolution ``factor`` times finer and cut it to ``shape`` ``(D, H, W)``.

    The scale is the factor itself, never a ratio of sizes, so that a voxel's value does not depend on how large the
    map around it is; exact tiles rely on it.
    """
    if factor == 1:
        return maps
    finer = functional.interpolate(
        maps,
        scale_factor=float(factor),
        mode="trilinear",
        align_corners=False,
        recompute_scale_factor=False,
    )
    if finer.shape[-3:] == shape:  # a crop that crops nothing costs the backward pass a copy
        return finer
    depth, height, width = shape
    return finer[..., :depth, :height, :width]


def upsample_box(maps: Tensor, *, factor: int, box: Box) -> Tensor:
    """What `upsample` makes of ``(N, C, d, h, w)``, of one box of the finer voxels only, up to rounding.

    First along depth, then in each plane, so that no plane is made that was not asked for; without gradients only.
    Factors are powers of 2: with others, what a voxel rounds to would hang on the box.
    """
    if factor == 1:
        return maps[(slice(None), slice(None), *box)]
    # Interpolated between neighbours: one voxel more to each side, if there is one.
    first = [max(0, axis.start // factor - 1) for axis in box[1:]]
    needed = [slice(at, -(-ax.stop // factor) + 1) for at, ax in zip(first, box[1:], strict=True)]
    around = maps[(slice(None), slice(None), slice(None), *needed)]
    planes = _planes(around, factor=factor, rows=box[0])
    finer = functional.interpolate(
        planes.flatten(0, 1).movedim(-1, 1),
        scale_factor=float(factor),
        mode="bilinear",
        align_corners=False,
        recompute_scale_factor=False,
    )
    height, width = (
        slice(ax.start - at * factor, ax.stop - at * factor)
        for at, ax in zip(first, box[1:], strict=True)
    )
    # Channels last before planes are volumes again: else one plane's strides are no order that torch knows.
    last = finer[..., height, width].movedim(1, -1)
    return last.unflatten(0, planes.shape[:2]).movedim(-1, 1)


def _planes(maps: Tensor, *, factor: int, rows: slice) -> Tensor:
    """``(N, C, d, h, w)`` brought to a finer resolution along depth alone, of some rows: ``(N, rows, h, w, C)``."""
    last = maps.movedim(1, -1)
    at = torch.arange(rows.start, rows.stop, device=maps.device)
    place = ((at + 0.5) / factor - 0.5).clamp_min(0)
    below = place.long()
    share = (place - below).to(maps.dtype)[:, None, None, None]
    above = (below + 1).clamp_max(maps.shape[2] - 1)
    return torch.lerp(last.index_select(1, below), last.index_select(1, above), share)
