"""Where two neighbouring labels meet: the plane that separates them best, and how far a segmentation's is off.

For the hippocampus, whose annotators cut the anterior from the posterior part along a coronal plane: there a plane one
slice off costs Dice in both labels although the outline may be perfect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.volume.geometry import Geometry

# Of the smaller label's voxels; where more lie on the wrong side of the best plane, the border is none.
_MOST_MISPLACED = 0.1
_AXES = ("left to right", "posterior to anterior", "inferior to superior")


@dataclass(frozen=True)
class Border:
    """The plane between labels 1 and 2 of the truth.

    Attributes:
        axis: Array axis (0 = k, 1 = j, 2 = i) that the plane is perpendicular to.
        position: Of the plane in voxels along it: p lies between the slices p - 1 and p.
        first_below: Whether label 1 is on the side of the smaller indices.
    """

    axis: int
    position: float
    first_below: bool

    def offset_slices(self, segmented: NDArray[np.uint8]) -> float | None:
        """How many slices further along the axis the plane of a segmentation lies; None where a label is missing."""
        first, second = _per_slice(segmented, self.axis)
        if not first.any() or not second.any():
            return None
        below, above = (first, second) if self.first_below else (second, first)
        return _best_plane(below, above)[0] - self.position


def border_between(truth: NDArray[np.uint8]) -> Border | None:
    """The border of labels 1 and 2, along the axis on which most of their voxels touch.

    Args:
        truth: Labels ``(K, J, I)`` of a model with two labels.

    Returns:
        None where they do not touch, or where no plane leaves nine tenths of each label on its side.
    """
    contacts = [_contacts(truth, axis) for axis in range(3)]
    if not any(contacts):
        return None
    axis = int(np.argmax(contacts))
    first, second = _per_slice(truth, axis)
    up, down = _best_plane(first, second), _best_plane(second, first)
    position, misplaced = min(up, down, key=lambda plane: plane[1])
    if misplaced > _MOST_MISPLACED * min(first.sum(), second.sum()):
        return None
    return Border(axis, position, first_below=up[1] <= down[1])


def patient_direction(geometry: Geometry, axis: int) -> tuple[str, int]:
    """The patient axis that lies closest to an array axis, and whether the array runs along it (1) or against it (-1).

    The directions are those of RAS: to the right, to anterior, to superior.
    """
    axes, signs = geometry.nearest_axes()
    lps = axes.index(2 - axis)
    return _AXES[lps], signs[lps] if lps == 2 else -signs[lps]


def _contacts(labels: NDArray[np.uint8], axis: int) -> int:
    moved = np.moveaxis(labels, axis, 0)
    low, high = moved[:-1], moved[1:]
    return int(np.count_nonzero(((low == 1) & (high == 2)) | ((low == 2) & (high == 1))))


def _per_slice(labels: NDArray[np.uint8], axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    others = tuple(other for other in range(3) if other != axis)
    first, second = (np.count_nonzero(labels == value, axis=others) for value in (1, 2))
    return first, second


def _best_plane(below: NDArray[np.int64], above: NDArray[np.int64]) -> tuple[float, int]:
    """The plane with the fewest voxels on the wrong side (the middle one of several), and how many these are."""
    wrong_below = np.concatenate([[0], np.cumsum(above)])
    wrong_above = below.sum() - np.concatenate([[0], np.cumsum(below)])
    wrong = wrong_below + wrong_above
    best = np.flatnonzero(wrong == wrong.min())
    return float(best.mean()), int(wrong.min())
