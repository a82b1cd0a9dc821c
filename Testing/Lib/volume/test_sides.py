"""Left and right told from labels without sides, on a head made of ellipsoids whose falx is bent."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume import sides
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.midplane import PAIRED, LabelledVoxels
from CompactSegLib.volume.sides import Sides
from CompactSegLib.volume.volume import Volume
from Testing.Lib.volume.frames import LAYOUTS, laid_out, rotation

# Centre in lps mm on the left, and radii.
NUCLEI = {
    "Lateral ventricle": ((13, 8, 24), (7, 22, 6)),
    "Thalamus": ((12, 10, 5), (9, 11, 8)),
    "Caudate": ((14, -15, 12), (5, 9, 8)),
    "Putamen": ((26, -4, 2), (6, 14, 9)),
    "Pallidum": ((19, -2, 0), (4, 8, 6)),
    "Hippocampus": ((25, 20, -14), (6, 15, 6)),
    "Amygdala": ((23, -2, -18), (6, 6, 6)),
    "Ventral diencephalon": ((11, 8, -9), (7, 7, 5)),
    "Accumbens area": ((9, -20, -4), (4, 5, 4)),
}
MIDLINE = {
    "Third ventricle": ((0, 5, 3), (2, 12, 10)),
    "Fourth ventricle": ((0, 33, -38), (5, 5, 8)),
    "Brain stem": ((0, 18, -38), (11, 12, 24)),
}
NAMES = dict(enumerate([*sorted(PAIRED), *MIDLINE], 1))
VALUES = {name: value for value, name in NAMES.items()}
LEFT = {value: 100 + value for value in NAMES if NAMES[value] in PAIRED}
RIGHT = {value: 150 + value for value in LEFT}


@dataclasses.dataclass(frozen=True)
class Head:
    """A head whose sides are known: `LEFT` and `RIGHT` in the truth, neither in what is given."""

    truth: np.ndarray
    geometry: Geometry

    @property
    def merged(self) -> np.ndarray:
        return np.where(
            self.truth > 150,
            self.truth - 150,
            np.where(self.truth > 100, self.truth - 100, self.truth),
        ).astype(np.uint8)

    def only(self, *names: str) -> Head:
        kept = np.isin(self.merged, [VALUES[name] for name in names])
        return dataclasses.replace(self, truth=np.where(kept, self.truth, 0).astype(np.uint8))

    def cut(self, box: tuple[slice, ...]) -> Head:
        truth = np.ascontiguousarray(self.truth[box])
        start = [part.start or 0 for part in reversed(box)]
        origin = (self.geometry.ijk_to_lps @ [*start, 1.0])[:3]
        return Head(
            truth,
            dataclasses.replace(
                self.geometry, size_ijk=truth.shape[::-1], origin_lps_mm=tuple(origin)
            ),
        )

    def turned(self, degrees) -> Head:
        matrix = rotation(degrees)
        old = self.geometry
        geometry = dataclasses.replace(
            old,
            origin_lps_mm=tuple(matrix @ old.origin_lps_mm + [12.0, -80.0, 33.0]),
            direction_lps=tuple((matrix @ old.direction_matrix).ravel()),
        )
        return dataclasses.replace(self, geometry=geometry)


@cache
def a_head(mm: float = 2.0) -> Head:
    size = tuple(int(n / mm) for n in (148, 180, 150))
    geometry = Geometry(size, (mm, mm, mm), (-74.0 + mm / 2, -90.0 + mm / 2, -85.0 + mm / 2))
    i, j, k = (np.arange(n) * mm + o for n, o in zip(size, geometry.origin_lps_mm, strict=True))
    x, y, z = i, j[:, None], k[:, None, None]
    truth = np.zeros(geometry.shape_kji, np.uint8)

    def inside(centre, radii):
        parts = zip((x, y, z), centre, radii, strict=True)
        return sum(((at - c) / r) ** 2 for at, c, r in parts) < 1

    def put(name, where, lateral):
        value = VALUES[name]
        truth[where & (lateral > 0)] = LEFT[value]
        truth[where & (lateral <= 0)] = RIGHT[value]

    lateral = x + 0 * y + 0 * z
    # The falx leans to one side at the back and to the other in front.
    bent = lateral - 4 * np.sin(y / 25)
    put("Cerebral cortex", inside((0, 0, 10), (65, 80, 58)) & (z > -32), bent)
    callosum = inside((0, 0, 28), (30, 25, 4))
    hemispheres = inside((0, 0, 10), (60, 74, 52)) & (z > -26) & (np.abs(bent) > 4)
    put("Cerebral white matter", hemispheres, bent)
    put("Cerebral white matter", callosum, lateral)
    put("Cerebellar cortex", inside((0, 42, -52), (50, 28, 22)), lateral)
    put("Cerebellar white matter", inside((0, 40, -52), (36, 16, 10)), lateral)
    for name, (centre, radii) in MIDLINE.items():
        truth[inside(centre, radii)] = VALUES[name]
    for name, ((a, *others), radii) in NUCLEI.items():
        put(name, inside((a, *others), radii) | inside((-a, *others), radii), lateral)
    return Head(truth, geometry)


def found(head: Head) -> Sides:
    return Sides.found_in(head.merged, head.geometry, NAMES)


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


@pytest.mark.parametrize(
    "degrees", [(30, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 30), (0, 0, -30), (10, 20, 20)]
)
def test_a_head_may_be_turned_and_lie_anywhere(degrees):
    head = a_head().turned(degrees)
    by = found(head)
    assert by.evidence == "both sides"
    assert np.dot(by.plane.normal_lps, rotation(degrees)[:, 0]) > np.cos(np.deg2rad(3))
    assert min(dice_per_side(told(head, by), head.truth).values()) > 0.96


def with_changed(head: Head, count: int, draw: int) -> Head:
    """Some labelled voxels with the values of others."""
    places = np.random.default_rng([count, draw]).choice(np.flatnonzero(head.truth), (2, count))
    truth = head.truth.copy()
    truth.flat[places[0]] = head.truth.flat[places[1]]
    return dataclasses.replace(head, truth=truth)


@pytest.mark.parametrize("degrees", [(0, 0, 0), (4, -6, 3), (10, 20, 20)])
@pytest.mark.parametrize("count", [1, 10])
def test_a_few_changed_voxels_do_not_move_the_plane(degrees, count):
    head = a_head().turned(degrees)
    plane = found(head).plane
    middle = head.geometry.ijk_to_lps @ [*(n / 2 for n in head.geometry.size_ijk), 1.0]
    for draw in range(4):
        other = found(with_changed(head, count, draw)).plane
        sine = np.linalg.norm(np.cross(plane.normal_lps, other.normal_lps))
        assert np.degrees(np.arcsin(sine)) < 0.05
        assert abs(other.lateral_mm(middle[:3]) - plane.lateral_mm(middle[:3])) < 0.05


def test_a_voxel_more_changes_one_sample():
    head = a_head()
    cortex = VALUES["Cerebral cortex"]

    def sampled(labels):
        voxels = LabelledVoxels(labels, head.geometry, NAMES)
        places, _ = voxels.samples([cortex], 200)
        return {tuple(place) for place in (places + voxels.first[:, None]).T.tolist()}

    labels = head.merged
    before = sampled(labels)
    assert len(before) == 200
    # The first one is far from all others, so that the box of what is labelled grows too.
    labels[0, 0, 0] = cortex
    assert len(sampled(labels) - before) <= 1
    for place in [*before][:5]:
        labels = head.merged
        labels[place] = 0
        assert before - sampled(labels) == {place}


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
