"""Boxes of voxels: where they begin and end along each axis."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[slice, slice, slice]
"""A box of voxels, (D, H, W), each slice with integer start and stop."""


def full_box(shape: Sequence[int]) -> Box:
    """The box of all voxels ``(D, H, W)``."""
    depth, height, width = shape
    return slice(0, depth), slice(0, height), slice(0, width)


def relative(inner: Box, outer: Box) -> Box:
    """A box in the voxels of the region that begins where ``outer`` does."""
    depth, height, width = (
        slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, outer, strict=True)
    )
    return depth, height, width


def grown(box: Box, margin: int, shape: Sequence[int]) -> Box:
    """A box and what is around it, as far as voxels ``(D, H, W)`` reach."""
    depth, height, width = (
        slice(max(0, axis.start - margin), min(size, axis.stop + margin))
        for axis, size in zip(box, shape, strict=True)
    )
    return depth, height, width


def shape_of(box: Box) -> tuple[int, int, int]:
    """Voxels along D, H and W."""
    depth, height, width = (axis.stop - axis.start for axis in box)
    return depth, height, width


def hull(*boxes: Box) -> Box:
    """The smallest box that holds all of some."""
    depth, height, width = (
        slice(min(axis.start for axis in along), max(axis.stop for axis in along))
        for along in zip(*boxes, strict=True)
    )
    return depth, height, width


def overlap(first: Box, second: Box) -> Box | None:
    """What two boxes share; None where that is nothing."""
    depth, height, width = (
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(first, second, strict=True)
    )
    both = depth, height, width
    return both if all(axis.start < axis.stop for axis in both) else None
