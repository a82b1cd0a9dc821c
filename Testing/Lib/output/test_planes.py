"""Planes in radiological convention, whichever way the axes of the file run."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from CompactSegLib.output.planes import (
    PLANES,
    edges,
    frame_around,
    view_spacing_mm,
    viewed,
)
from CompactSegLib.volume.geometry import Geometry

AXIAL, CORONAL, SAGITTAL = PLANES
ORIENTATIONS = [
    (axes, signs)
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def geometry_of(axes, signs, size_ijk=(6, 7, 8), spacing_mm=(1.0, 2.0, 3.0)) -> Geometry:
    """A grid whose i, j and k run along the lps axes `axes`, with or against them."""
    direction = np.zeros((3, 3))
    for ijk, (lps, sign) in enumerate(zip(axes, signs, strict=True)):
        direction[lps, ijk] = sign
    return Geometry(size_ijk, spacing_mm, (5.0, -7.0, 11.0), tuple(direction.ravel()))


def array_with_one_voxel(geometry: Geometry, lps_direction) -> np.ndarray:
    """One voxel set: the corner that lies farthest into a direction."""
    array = np.zeros(geometry.shape_kji, dtype=np.uint8)
    corners = itertools.product(*((0, n - 1) for n in geometry.size_ijk))
    farthest = max(corners, key=lambda c: lps_direction @ (geometry.ijk_to_lps @ [*c, 1])[:3])
    array[farthest[::-1]] = 1
    return array


@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_left_is_right_and_anterior_and_superior_are_up(axes, signs):
    geometry = geometry_of(axes, signs)
    view = viewed(array_with_one_voxel(geometry, np.array([1, -1, 1])), geometry)
    left_anterior_superior = (view.shape[0] - 1, 0, view.shape[2] - 1)
    assert np.argwhere(view).tolist() == [list(left_anterior_superior)]
    axial = AXIAL.cut(view, view.shape[0] - 1)
    assert np.argwhere(axial).tolist() == [[0, axial.shape[1] - 1]]
    coronal = CORONAL.cut(view, 0)
    assert np.argwhere(coronal).tolist() == [[0, coronal.shape[1] - 1]]
    sagittal = SAGITTAL.cut(view, view.shape[2] - 1)
    assert np.argwhere(sagittal).tolist() == [[0, 0]]


@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_spacing_goes_with_the_axes(axes, signs):
    geometry = geometry_of(axes, signs)
    spacing = view_spacing_mm(geometry)
    by_lps = {lps: geometry.spacing_mm[ijk] for ijk, lps in enumerate(axes)}
    assert spacing == (by_lps[2], by_lps[1], by_lps[0])
    view = viewed(np.zeros(geometry.shape_kji), geometry)
    size_by_lps = {lps: geometry.size_ijk[ijk] for ijk, lps in enumerate(axes)}
    assert view.shape == (size_by_lps[2], size_by_lps[1], size_by_lps[0])


def test_a_view_copies_no_voxel(an_oblique_volume):
    array = an_oblique_volume.array[0]
    assert np.shares_memory(viewed(array, an_oblique_volume.geometry), array)


masks = arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7)))


@given(masks)
def test_edges_separate_inside_from_outside(mask: np.ndarray):
    """Between two neighbours lies an edge exactly if one is inside and the other is not."""
    lines = edges(mask, down_mm=1.0, right_mm=1.0)
    padded = np.pad(mask, 1).astype(int)
    expected = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    assert len(lines) == expected
    ends, times = np.unique(lines.reshape(-1, 2), axis=0, return_counts=True)
    assert np.all(times % 2 == 0)  # closed outlines
    assert len(ends) == 0 or ends.max() <= max(mask.shape)


@given(masks)
def test_edges_enclose_the_area(mask: np.ndarray):
    """By Green's theorem: lying edges at their height, upper ones against lower ones."""
    lines = edges(mask, down_mm=0.5, right_mm=3.0)
    area = 0.0
    for (x0, y0), (x1, y1) in lines:
        if y0 == y1:
            row, column = round(y0 / 0.5), round(x0 / 3.0)
            is_upper = row < mask.shape[0] and mask[row, column]
            area += (x1 - x0) * (-y0 if is_upper else y0)
    assert area == pytest.approx(mask.sum() * 0.5 * 3.0)


def test_the_frame_is_zoomed_to_small_structures_and_holds_them():
    view = np.zeros((100, 120, 90), np.uint8)
    view[40:50, 60:90, 10:14] = 1
    frame = frame_around([view], (1.0, 1.0, 1.0))
    assert frame.slices == (44, 74, 12) or frame.slices == (45, 75, 12)
    assert max(frame.field_mm) < 60
    for axis, (first, last) in enumerate([(40, 50), (60, 90), (10, 14)]):
        assert frame.centre_mm[axis] - frame.field_mm[axis] / 2 <= first
        assert frame.centre_mm[axis] + frame.field_mm[axis] / 2 >= last


def test_the_frame_stays_inside_the_volume():
    view = np.zeros((100, 120, 90), np.uint8)
    view[0:10, 110:120, 85:90] = 1
    frame = frame_around([view], (1.0, 1.0, 1.0))
    for centre, field, size in zip(frame.centre_mm, frame.field_mm, view.shape, strict=True):
        assert centre - field / 2 >= 0
        assert centre + field / 2 <= size


def test_the_frame_holds_what_only_an_early_level_has():
    early, late = np.zeros((2, 100, 100, 100), np.uint8)
    early[20:30, 50, 50] = 1
    late[50, 50, 50] = 1
    frame = frame_around([early, late], (1.0, 1.0, 1.0))
    assert frame.slices == (50, 50, 50)
    assert frame.centre_mm[0] - frame.field_mm[0] / 2 <= 20


def test_a_large_structure_is_shown_with_the_whole_volume():
    view = np.zeros((50, 60, 40), np.uint8)
    view[5:45, 5:55, 5:35] = 1
    frame = frame_around([view], (1.0, 2.0, 1.0))
    assert frame.field_mm == (50.0, 120.0, 40.0)
    assert frame.centre_mm == (25.0, 60.0, 20.0)


def test_between_two_sides_the_plane_goes_through_one_of_them():
    view = np.zeros((40, 40, 40), np.uint8)
    view[15:25, 15:25, 4:9] = 1
    view[15:25, 15:25, 31:36] = 2
    frame = frame_around([view], (1.0, 1.0, 1.0))
    assert view[:, :, frame.slices[2]].any()
    assert frame.slices[:2] == (20, 20) or frame.slices[:2] == (19, 19)


def test_nothing_found_shows_the_middle():
    frame = frame_around([np.zeros((10, 20, 30), np.uint8)], (1.0, 1.0, 2.0))
    assert frame.slices == (5, 10, 15)
    assert frame.field_mm == (10.0, 20.0, 60.0)
