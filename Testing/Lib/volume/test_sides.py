"""Left and right told from labels without sides, on a head made of ellipsoids whose falx is bent."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume import sides
from CompactSegLib.volume.sides import Sides
from CompactSegLib.volume.volume import Volume
from Testing.Lib.volume.frames import LAYOUTS, laid_out, rotation
from Testing.Lib.volume.sided_head import (
    LEFT,
    MIDLINE,
    NAMES,
    NUCLEI,
    RIGHT,
    VALUES,
    Head,
    a_head,
    found,
)


def told(head: Head, by: Sides | None = None) -> np.ndarray:
    return (by or found(head)).told(head.merged, head.geometry, left=LEFT, right=RIGHT)


def dice_per_side(labels: np.ndarray, truth: np.ndarray) -> dict[int, float]:
    result = {}
    for value in (*LEFT.values(), *RIGHT.values()):
        own, other = labels == value, truth == value
        if other.any():
            result[value] = 2 * np.count_nonzero(own & other) / (own.sum() + other.sum())
    return result


@pytest.mark.slow
def test_every_structure_gets_its_side():
    head = a_head()
    dice = dice_per_side(told(head), head.truth)
    assert len(dice) == len(LEFT) + len(RIGHT)
    assert min(dice.values()) > 0.96
    whole = [VALUES[name] for name in NUCLEI]
    assert {dice[table[value]] for table in (LEFT, RIGHT) for value in whole} == {1.0}
    assert np.array_equal(told(head) > 100, head.truth > 100)
    for value in MIDLINE:
        assert np.array_equal(told(head) == VALUES[value], head.truth == VALUES[value])


@pytest.mark.parametrize("layout", LAYOUTS[::11], ids=str)
def test_how_a_volume_is_stored_changes_nothing(layout):
    head = a_head()
    expected = laid_out(Volume.from_array(told(head), head.geometry), layout)
    stored = laid_out(Volume.from_array(head.merged, head.geometry), layout)
    by = Sides.found_in(stored.array[0], stored.geometry, NAMES)
    labels = by.told(stored.array[0], stored.geometry, left=LEFT, right=RIGHT)
    assert np.array_equal(labels, expected.array[0])


@pytest.mark.parametrize("degrees", [(0, 0, 0), (10, 20, 20)])
def test_sides_come_out_alike_where_grids_are_parallel_and_where_each_voxel_is_looked_up(
    degrees, monkeypatch
):
    head = a_head().turned(degrees)
    by = found(head)
    quick = told(head, by)
    monkeypatch.setattr(Sides, "_nearest", lambda *_: None)
    assert np.array_equal(told(head, by), quick)


@pytest.mark.parametrize("layout", [LAYOUTS[0], LAYOUTS[11], LAYOUTS[-1]], ids=str)
@pytest.mark.parametrize("degrees", [(0, 0, 0), (0, 30, 0)])
def test_far_from_the_plane_no_voxel_needs_to_be_looked_at(degrees, layout, monkeypatch):
    head = a_head().turned(degrees)
    by = found(head)
    stored = laid_out(Volume.from_array(head.merged, head.geometry), layout)

    def told_as_stored():
        return by.told(stored.array[0], stored.geometry, left=LEFT, right=RIGHT)

    whole = tuple(slice(0, size) for size in stored.array.shape[1:])
    sides_of_parts = {side for _, side in by._parted(stored.geometry, whole)}
    quick = told_as_stored()
    monkeypatch.setattr(Sides, "_parted", lambda _, __, box: [(box, None)])
    assert sides_of_parts == {True, False, None}
    assert np.array_equal(told_as_stored(), quick)


@pytest.mark.parametrize(
    "degrees", [(30, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 30), (0, 0, -30), (10, 20, 20)]
)
def test_a_head_may_be_turned_and_lie_anywhere(degrees):
    head = a_head().turned(degrees)
    by = found(head)
    assert by.evidence == "both sides"
    assert np.dot(by.plane.normal_lps, rotation(degrees)[:, 0]) > np.cos(np.deg2rad(3))
    assert min(dice_per_side(told(head, by), head.truth).values()) > 0.96


def test_cortex_at_a_bent_falx_is_of_its_hemisphere():
    head = a_head()
    by = found(head)
    flat = dataclasses.replace(by, lateral=np.zeros((0, 0, 0), np.float32))
    cortex = LEFT[VALUES["Cerebral cortex"]]
    own, plane = (dice_per_side(told(head, one), head.truth)[cortex] for one in (by, flat))
    assert 1 - own < 0.6 * (1 - plane)


def test_a_nucleus_pushed_across_the_plane_stays_whole():
    head = a_head()
    truth = head.truth.copy()
    caudate = LEFT[VALUES["Caudate"]]
    k, j, i = np.nonzero(truth == caudate)
    truth[truth == caudate] = 0
    # Its medial edge is 9 mm from the plane: one voxel's breadth of it comes to lie beyond.
    truth[k, j, i - 5] = caudate
    pushed = dataclasses.replace(head, truth=truth)
    labels = told(pushed)
    assert np.array_equal(labels == caudate, truth == caudate)


@pytest.mark.parametrize("side", ["left", "right"])
def test_half_a_head_is_of_one_side(side):
    head = a_head()
    middle = head.truth.shape[2] // 2
    part = slice(middle, None) if side == "left" else slice(0, middle)
    half = head.cut((slice(None), slice(None), part))
    by = found(half)
    assert by.evidence == "one side"
    table = LEFT if side == "left" else RIGHT
    labels, truth = told(half, by), half.truth
    dice = dice_per_side(labels, truth)
    assert min(dice[table[VALUES[name]]] for name in NUCLEI) > 0.97
    assert np.isin(labels[labels > 100], list(table.values())).mean() > 0.98


def test_a_small_field_is_enough():
    whole = a_head()
    k, j, i = np.nonzero(np.isin(whole.merged, [VALUES["Thalamus"]]))
    box = tuple(slice(int(at.min()), int(at.max()) + 1) for at in (k, j, i))
    head = whole.cut(box)
    by = found(head)
    assert by.evidence == "both sides"
    thalami = [table[VALUES["Thalamus"]] for table in (LEFT, RIGHT)]
    dice = dice_per_side(told(head, by), head.truth)
    assert min(dice[value] for value in thalami) > 0.97


def test_labels_of_the_midline_alone_give_a_plane_and_say_so():
    by = found(a_head().only(*MIDLINE))
    assert by.evidence == "midline"
    assert abs(by.plane.offset_mm) < 2
    assert by.plane.normal_lps[0] > 0.98


def test_without_labels_the_middle_of_the_field_is_taken_and_it_says_so():
    head = a_head().cut((slice(None), slice(None), slice(10, None)))
    by = Sides.found_in(np.zeros_like(head.truth), head.geometry, NAMES)
    assert by.evidence == "none"
    assert by.plane.normal_lps == (1.0, 0.0, 0.0)
    first, size = head.geometry.origin_lps_mm[0], head.geometry.size_ijk[0]
    assert by.plane.offset_mm == pytest.approx(first + (size - 1))


def test_one_structure_of_one_side_does_not_tell_which():
    """A putamen lies as well to the left of one plane as to the right of another."""
    head = a_head().only("Putamen")
    left = dataclasses.replace(
        head, truth=np.where(head.truth == LEFT[VALUES["Putamen"]], head.truth, 0).astype(np.uint8)
    )
    assert found(left).evidence == "none"
    assert found(head).evidence == "both sides"


@pytest.mark.slow
def test_sides_do_not_depend_on_slabs_or_boxes(monkeypatch):
    head = a_head(1.5)
    by = found(head)
    whole = told(head, by)
    monkeypatch.setattr(sides, "_SLAB_VOXELS", 1)
    assert np.array_equal(told(head, by), whole)
    box = (slice(31, 70), slice(40, 90), slice(25, 77))
    assert np.array_equal(told(head.cut(box), by), whole[box])


def test_borders_are_clean_on_a_finer_grid():
    """In the callosum both sides touch, and only the plane parts them."""
    coarse, fine = a_head(2.0), a_head(1.0)
    labels = told(fine, found(coarse))
    assert min(dice_per_side(labels, fine.truth).values()) > 0.95
    white = VALUES["Cerebral white matter"]
    k, j, _ = (
        int(n) for n in np.round(np.linalg.inv(fine.geometry.ijk_to_lps) @ [0, 0, 28, 1])[2::-1]
    )
    first_left = (labels[k, j - 10 : j + 10] == LEFT[white]).argmax(axis=1)
    assert np.ptp(first_left) == 0


def test_thick_slices_and_a_single_slice_are_no_trouble():
    head = a_head(1.0)
    truth = np.ascontiguousarray(head.truth[::5])
    thick = Head(
        truth,
        dataclasses.replace(head.geometry, size_ijk=truth.shape[::-1], spacing_mm=(1.0, 1.0, 5.0)),
    )
    assert min(dice_per_side(told(thick), thick.truth).values()) > 0.95
    slice_ = head.cut((slice(85, 86), slice(None), slice(None)))
    assert np.array_equal(told(slice_) > 100, slice_.truth > 100)


def test_labels_must_be_on_the_grid():
    head = a_head()
    with pytest.raises(InputError, match=r"expected \(75, 90, 74\)"):
        Sides.found_in(head.merged[1:], head.geometry, NAMES)
    with pytest.raises(InputError, match="the same values for left and right"):
        found(head).told(head.merged, head.geometry, left={1: 2}, right={})
