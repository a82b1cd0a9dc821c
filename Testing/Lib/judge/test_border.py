from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.judge.border import border_between, patient_direction


def a_tube(border: int, *, axis: int = 1, first_below: bool = True) -> np.ndarray:
    """A square tube cut in two: the border lies before the slice `border`."""
    labels = np.zeros((8, 20, 8), np.uint8)
    labels[2:6, 3:17, 2:6] = 2 if first_below else 1
    labels[2:6, 3:border, 2:6] = 1 if first_below else 2
    return np.moveaxis(labels, 1, axis)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("first_below", [True, False])
def test_the_plane_is_found_and_so_is_how_far_another_one_is_off(axis: int, first_below: bool):
    border = border_between(a_tube(9, axis=axis, first_below=first_below))
    assert (border.axis, border.position, border.first_below) == (axis, 9, first_below)
    for other in (6, 9, 12):
        segmented = a_tube(other, axis=axis, first_below=first_below)
        assert border.offset_slices(segmented) == other - 9


def test_a_few_voxels_beyond_the_plane_do_not_move_it():
    truth, segmented = a_tube(9), a_tube(10)
    truth[3, 10, 3] = 1
    segmented[2:4, 5, 2:5] = 2
    segmented[0, 18, 0] = 1
    assert border_between(truth).offset_slices(segmented) == 1


def test_between_labels_with_a_gap_the_plane_lies_in_its_middle():
    segmented = a_tube(9)
    segmented[:, 7:9] = 0
    assert border_between(a_tube(9)).offset_slices(segmented) == -1


def test_labels_apart_have_no_border():
    labels = a_tube(9)
    labels[:, 9] = 0
    assert border_between(labels) is None
    assert border_between(np.zeros((3, 3, 3), np.uint8)) is None


def test_a_label_around_another_has_no_plane():
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[1:8, 1:8, 1:8] = 2
    labels[3:6, 3:6, 3:6] = 1
    assert border_between(labels) is None


def test_a_segmentation_without_one_of_the_labels_has_no_offset():
    border = border_between(a_tube(9))
    assert border.offset_slices(np.where(a_tube(9) == 1, 1, 0).astype(np.uint8)) is None


def test_array_axes_are_named_by_the_patient_s(an_oblique_volume, a_sagittal_volume):
    named = [patient_direction(an_oblique_volume.geometry, axis) for axis in range(3)]
    # Direction cosines near the identity run to left, posterior and superior.
    assert named == [
        ("inferior to superior", 1),
        ("posterior to anterior", -1),
        ("left to right", -1),
    ]
    # i runs to posterior, j to inferior, k to left.
    named = [patient_direction(a_sagittal_volume.geometry, axis) for axis in range(3)]
    assert named == [
        ("left to right", -1),
        ("inferior to superior", -1),
        ("posterior to anterior", -1),
    ]
