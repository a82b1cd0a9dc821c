"""Planes through a volume as a radiologist looks at them: the patient's right on the left of the picture.

Nothing is resampled: a plane is a slice of the source grid, along the patient's axis that lies closest. *View*
arrays have the axes (S, P, L), each growing to the patient's Superior, Posterior and Left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CompactSegLib.volume.geometry import Geometry

_MARGIN = 0.18  # of the structures' extent, on each side
_LEAST_FIELD_MM = 24.0
_LEAST_SHARE = (
    0.65  # of the widest field, so that flat structures are seen with what is around them
)
_WORTH_ZOOMING = 0.75


@dataclass(frozen=True)
class Plane:
    """One of the three ways to cut.

    Attributes:
        name: Such as ``Axial``.
        normal: View axis that the plane is cut across: 0 S, 1 P, 2 L.
        down: View axis that runs along the rows of the picture.
        right: View axis that runs along its columns.
        flipped: Whether the picture's rows run against `down`, so that Superior is at the top.
        letters: What is at the left, right, top and bottom edge.
        ends: What lies towards the negative and positive end of `normal`.
    """

    name: str
    normal: int
    down: int
    right: int
    flipped: bool
    letters: tuple[str, str, str, str]
    ends: tuple[str, str]

    def cut(self, view: np.ndarray, index: int) -> np.ndarray:
        """The picture ``(rows, columns)`` of slice `index` of a view array ``(S, P, L)``."""
        picture = np.take(view, index, axis=self.normal)
        return picture[::-1] if self.flipped else picture


PLANES = (
    Plane("Axial", 0, 1, 2, flipped=False, letters=("R", "L", "A", "P"), ends=("I", "S")),
    Plane("Coronal", 1, 0, 2, flipped=True, letters=("R", "L", "S", "I"), ends=("A", "P")),
    Plane("Sagittal", 2, 0, 1, flipped=True, letters=("A", "P", "S", "I"), ends=("R", "L")),
)


@dataclass(frozen=True)
class FieldOfView:
    """What part of a volume a picture shows.

    Attributes:
        slices: Indices of the planes along S, P and L.
        centre_mm: Of the shown field, from the view's first edge, along S, P and L.
        field_mm: What is to be seen along S, P and L.
    """

    slices: tuple[int, int, int]
    centre_mm: tuple[float, float, float]
    field_mm: tuple[float, float, float]


def viewed(array: np.ndarray, geometry: Geometry) -> np.ndarray:
    """A volume's array ``(K, J, I)`` as a view array ``(S, P, L)``; no voxel is copied."""
    (left, posterior, superior), signs = geometry.nearest_axes()
    view = np.transpose(array, (2 - superior, 2 - posterior, 2 - left))
    return view[tuple(slice(None, None, sign) for sign in reversed(signs))]


def view_spacing_mm(geometry: Geometry) -> tuple[float, float, float]:
    """Voxel distances along S, P and L."""
    (left, posterior, superior), _ = geometry.nearest_axes()
    spacing = geometry.spacing_mm
    return spacing[superior], spacing[posterior], spacing[left]


def frame_around(
    views: Sequence[np.ndarray], spacing_mm: tuple[float, float, float]
) -> FieldOfView:
    """Choose planes and field for segmentations ``(S, P, L)``, of which the last decides on the planes.

    The planes go through its centre of mass; where that misses the structures (between a left and a right one, for
    example) through the slice that shows most of them. The field holds all segmentations with a margin, or the whole
    volume where zooming would gain little.
    """
    shape = views[-1].shape
    whole = [size * mm for size, mm in zip(shape, spacing_mm, strict=True)]
    areas = [np.count_nonzero(views[-1], axis=_others(axis)) for axis in range(3)]
    if not areas[0].any():
        return _frame([size // 2 for size in shape], [edge / 2 for edge in whole], whole)
    slices = [_slice_of(area) for area in areas]
    ranges = [_range_of(views, axis) for axis in range(3)]
    extents = [(b - a) * mm for (a, b), mm in zip(ranges, spacing_mm, strict=True)]
    widest = max(max(extents) * (1 + 2 * _MARGIN), _LEAST_FIELD_MM)
    if widest >= _WORTH_ZOOMING * max(whole):
        return _frame(slices, [edge / 2 for edge in whole], whole)
    centres, fields = [], []
    for (a, b), mm, extent, edge in zip(ranges, spacing_mm, extents, whole, strict=True):
        field = min(edge, max(extent * (1 + 2 * _MARGIN), widest * _LEAST_SHARE))
        fields.append(field)
        centres.append(float(np.clip((a + b) / 2 * mm, field / 2, edge - field / 2)))
    return _frame(slices, centres, fields)


def _frame(slices: Sequence[int], centres: Sequence[float], fields: Sequence[float]) -> FieldOfView:
    return FieldOfView(tuple(slices), tuple(centres), tuple(fields))  # type: ignore[arg-type]


def edges(mask: np.ndarray, *, down_mm: float, right_mm: float) -> np.ndarray:
    """The border of a mask as line segments along the voxels' edges.

    Args:
        mask: ``(rows, columns)``, True inside.
        down_mm: Height of a voxel.
        right_mm: Width of a voxel.

    Returns:
        ``(segments, 2, 2)``: two points (right, down) each, in mm from the picture's upper left corner.
    """
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    lying = np.stack([np.c_[columns, rows], np.c_[columns + 1, rows]], axis=1)
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    standing = np.stack([np.c_[columns, rows], np.c_[columns, rows + 1]], axis=1)
    return np.concatenate([lying, standing]) * np.array([right_mm, down_mm])


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def _slice_of(area: np.ndarray) -> int:
    centre = round(float(np.average(np.arange(len(area)), weights=area)))
    return centre if area[centre] >= 0.5 * area.max() else int(area.argmax())


def _range_of(views: Sequence[np.ndarray], axis: int) -> tuple[int, int]:
    occupied = np.logical_or.reduce([view.any(axis=_others(axis)) for view in views])
    where = np.flatnonzero(occupied)
    return int(where[0]), int(where[-1]) + 1
