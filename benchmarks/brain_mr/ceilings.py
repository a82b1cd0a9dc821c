"""What no method could beat on a coarse grid: the truth itself, brought to that grid and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.brain_mr.grids import OUTSIDE, labels_on, sliced
from benchmarks.brain_mr.heads import Head
from benchmarks.brain_mr.scores import dice_by_class
from CompactSegLib import Geometry, Model, Volume
from CompactSegLib.inference.stop import overlap_counts
from CompactSegLib.volume.resampling import GridMap


def model_ceiling(head: Head, model: Model, *, whole_voxels: bool = False) -> list[float]:
    """Dice of each label for a net that knows the share of each class in every voxel of the model's grid.

    Args:
        head: The truth.
        model: Whose grid.
        whole_voxels: The net knows of every voxel only which class has most of it.
    """
    classes = model.net_config.classes
    grid = GridMap.between(
        head.geometry, orientation=model.orientation, spacing_mm=model.spacing_mm
    )
    one_hot = np.stack([head.truth == value for value in range(classes)]).astype(np.uint8)
    shares = grid.prepare(one_hot)
    if whole_voxels:
        shares = functional.one_hot(shares.argmax(dim=0), classes).movedim(-1, 0).float()
    back = grid.labels(shares, _whole(shares.shape[1:]), _whole(grid.oriented_shape))
    labels = grid.to_source(back.numpy())
    return dice_by_class(overlap_counts(head.truth, labels, classes=classes))


def slice_ceiling(head: Head, thickness_mm: float, plane: str, *, classes: int) -> list[float]:
    """Dice of each label for someone who draws the truth into the middle of thick slices."""
    grid = sliced_grid(head.geometry, thickness_mm, plane)
    drawn = labels_on(head.truth, head.geometry, grid)
    drawn[drawn == OUTSIDE] = 0
    return dice_in_view(head.truth, labels_on(drawn, grid, head.geometry), classes=classes)


def sliced_grid(geometry: Geometry, thickness_mm: float, plane: str) -> Geometry:
    """The grid of thick slices of an image."""
    empty = Volume(np.zeros((1, *geometry.shape_kji), np.uint8), geometry)
    return sliced(empty, thickness_mm, plane).geometry


def dice_in_view(
    truth: NDArray[np.uint8], labels: NDArray[np.uint8], *, classes: int
) -> list[float]:
    """Dice of each label over the voxels that the image holds, which are not `OUTSIDE`."""
    inside = labels != OUTSIDE
    return dice_by_class(overlap_counts(truth[inside], labels[inside], classes=classes))


def _whole(shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    d, h, w = (slice(0, side) for side in shape)
    return d, h, w
