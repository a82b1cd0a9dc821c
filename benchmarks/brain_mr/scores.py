"""Overlap, volumes and their changes, from voxels counted once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray


def dice_by_class(counts: NDArray[np.int64]) -> list[float]:
    """Dice of each class but the background.

    Args:
        counts: ``(classes, classes)``: at ``[a, b]`` the voxels of class a in the truth and b in the segmentation.

    Returns:
        From class 1 on; NaN where neither has the class, which is no case to judge.
    """
    both = np.diag(counts).astype(float)
    sizes = (counts.sum(axis=0) + counts.sum(axis=1)).astype(float)
    return [2 * b / size if size else math.nan for b, size in zip(both[1:], sizes[1:], strict=True)]


def dice_of_masks(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Dice of two masks of one shape; NaN where both are empty."""
    size = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / size if size else math.nan


def percent_changes(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Change of each structure's volume in percent of the volume before; NaN where there was none."""
    return {
        name: 100 * (after[name] / volume - 1) if volume else math.nan
        for name, volume in before.items()
    }


def mean(values: Iterable[float]) -> float:
    """The mean of what is not NaN; NaN where nothing is left."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
