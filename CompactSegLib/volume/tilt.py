"""Stacks of slices that are shifted against each other, as a tilted gantry leaves them, brought to an upright grid."""

from __future__ import annotations

from dataclasses import replace
from math import floor

import numpy as np

from CompactSegLib.volume.geometry import Geometry


def upright(
    array: np.ndarray, geometry: Geometry, shifts_mm: np.ndarray
) -> tuple[np.ndarray, Geometry]:
    """Move each slice in its own plane to where it was scanned; nothing moves from slice to slice.

    Args:
        array: (K, J, I).
        geometry: The grid that the slices would have straight above the first.
        shifts_mm: (K, 2), how far each was scanned from there along i and j.

    Returns:
        The voxels on a grid with room for all slices, linearly interpolated, the smallest value where no slice was;
        and that grid.
    """
    shifts = shifts_mm / np.array(geometry.spacing_mm[:2])
    low, high = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    i, j, k = geometry.size_ijk
    more_i, more_j = (high - low).astype(int)
    result = np.full((k, j + more_j, i + more_i), array.min(), array.dtype)
    for slice_, into, shift in zip(array, result, shifts - low, strict=True):
        moved = slice_.astype(np.float64)
        for axis, by in ((1, shift[0]), (0, shift[1])):
            moved = _moved(moved, by, axis, into.shape[axis], float(array.min()))
        into[:] = np.rint(moved) if array.dtype.kind in "iu" else moved
    origin = geometry.ijk_to_lps @ [*low, 0.0, 1.0]
    grid = replace(geometry, size_ijk=(i + more_i, j + more_j, k), origin_lps_mm=tuple(origin[:3]))
    return result, grid


def _moved(values: np.ndarray, by: float, axis: int, length: int, outside: float) -> np.ndarray:
    """Values along one axis of an image, moved by a number of pixels between 0 and what there is room for."""
    whole, part = floor(by), by - floor(by)
    values = np.moveaxis(values, axis, 0)
    result = np.full((length + 1, *values.shape[1:]), outside)
    result[whole : whole + len(values)] = values
    if part > 0:
        before = np.full_like(result, outside)
        before[1:] = result[:-1]
        result = (1 - part) * result + part * before
    return np.moveaxis(result[:length], 0, axis)
