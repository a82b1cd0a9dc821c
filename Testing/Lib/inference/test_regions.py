"""A model of a part of the body in a whole image: another model finds the part, on each side."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from benchmarks.brain_mr.template import Template
from CompactSegLib import (
    Cancelled,
    Geometry,
    Level,
    ModelError,
    Segmenter,
    Volume,
    load_model,
    segment,
)
from CompactSegLib.inference.parts import boxes_around
from CompactSegLib.json_data import build
from CompactSegLib.model.model import Region

pytestmark = pytest.mark.slow

HIPPOCAMPI = [
    "Left anterior hippocampus",
    "Right anterior hippocampus",
    "Left posterior hippocampus",
    "Right posterior hippocampus",
]
SIDES = {"left": 1, "right": 2}


@pytest.fixture(scope="module")
def a_coarse_head() -> Volume:
    """The MNI152 template in voxels of 2 mm."""
    whole = Template.load().volume
    array = whole.array[:, ::2, ::2, ::2]
    geometry = dataclasses.replace(
        whole.geometry,
        size_ijk=array.shape[:0:-1],
        spacing_mm=tuple(2 * mm for mm in whole.geometry.spacing_mm),
    )
    return Volume(array, geometry, "head")


@pytest.fixture(scope="module")
def the_levels(a_coarse_head: Volume) -> list[Level]:
    run = Segmenter(load_model("hippocampus-mr"), device="cpu").start(a_coarse_head)
    told: list = []
    levels = list(run.levels(all_levels=True, progress=told.append))
    assert run.info.messages == ()
    assert [label.name for label in run.model.labels] == HIPPOCAMPI
    first = [step for step in told if step.level == 1]
    assert any("looking for the hippocampus" in step.message for step in first)
    shares = [step.fraction for step in first]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert {step.levels for step in told} == {3}
    return levels


def middle_lps(level: Level, value: int) -> np.ndarray:
    k, j, i = np.nonzero(level.labels == value)
    assert len(k)
    points = level.geometry.ijk_to_lps @ np.stack([i, j, k, np.ones_like(i)])
    return points[:3].mean(axis=1)


def test_a_whole_head_gives_both_hippocampi_on_their_sides(the_levels):
    assert [level.number for level in the_levels] == [1, 2, 3]
    for level in the_levels:
        assert list(level.millilitres) == [label.name for label in level.structures] == HIPPOCAMPI
        assert all(0.5 < volume < 4 for volume in level.millilitres.values())
        for value, name in enumerate(HIPPOCAMPI, start=1):
            left, posterior, _ = middle_lps(level, value)
            assert (left > 15) if name.startswith("Left") else (left < -15)
            other = middle_lps(level, value + 2 if value < 3 else value - 2)
            assert (posterior < other[1]) == ("anterior" in name)


def test_changes_are_those_of_the_whole(the_levels):
    for before, level in itertools.pairwise(the_levels):
        for value, name in enumerate(HIPPOCAMPI, start=1):
            one, other = before.labels == value, level.labels == value
            change = 1 - (one & other).sum() / (one | other).sum()
            assert level.improvement_by_label[name] == pytest.approx(change)


def test_labels_have_codes_of_their_own(the_levels):
    codes = set()
    for label in the_levels[0].structures:
        terms = label.terminology
        assert terms is not None
        assert terms.modifier is not None
        assert terms.modifier.meaning == label.name.partition(" ")[0]
        assert terms.region_modifier is not None
        codes.add((terms.type.value, terms.modifier.value, terms.region_modifier.value))
    assert len(codes) == 4


def test_a_crop_is_what_it_was(the_levels, a_coarse_head):
    level = the_levels[-1]
    at = np.argwhere(np.isin(level.labels, (1, 3)))
    box = tuple(slice(low - 3, high + 4) for low, high in zip(at.min(0), at.max(0), strict=True))
    crop = Volume(
        a_coarse_head.array[(slice(None), *box)], a_coarse_head.geometry.cropped(box), "crop"
    )
    *_, last = segment(crop, "hippocampus-mr", all_levels=True)
    assert list(last.millilitres) == ["Anterior hippocampus", "Posterior hippocampus"]
    ours, whole = last.labels > 0, level.labels[box] > 0
    assert 2 * (ours & whole).sum() / (ours.sum() + whole.sum()) > 0.9


def test_no_head_no_hippocampus(a_coarse_head):
    noise = np.random.default_rng(0).normal(100, 10, a_coarse_head.array.shape).astype(np.float32)
    run = Segmenter(load_model("hippocampus-mr"), device="cpu").start(
        dataclasses.replace(a_coarse_head, array=noise)
    )
    levels = list(run.levels())
    assert levels
    assert not any(level.labels.any() for level in levels)
    assert any("brain-mr sees no hippocampus in head" in told for told in run.info.messages)


def test_a_search_can_be_cancelled(a_coarse_head):
    run = Segmenter(load_model("hippocampus-mr"), device="cpu").start(a_coarse_head)
    with pytest.raises(Cancelled):
        run.level(1, cancel=lambda: True)
    assert list(run.level(1).millilitres) == HIPPOCAMPI


def test_a_finder_that_is_not_there_is_named(a_coarse_head):
    model = load_model("hippocampus-mr")
    for region, sentence in (
        (Region("brain-xr", "Hippocampus", 1, 5.0), "expected the model brain-xr to find"),
        (Region("brain-mr", "Hippocampus", 9, 5.0), "level: expected 1 to 3"),
        (Region("brain-mr", "Brain stem", 1, 5.0), "to tell left and right brain stem"),
    ):
        with pytest.raises(ModelError, match=sentence):
            Segmenter(dataclasses.replace(model, region=region)).start(a_coarse_head)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "brain-mr"},
        {"model": "", "structure": "Hippocampus", "level": 1, "margin_mm": 5},
        {"model": "brain-mr", "structure": "Hippocampus", "level": True, "margin_mm": 5},
        {"model": "brain-mr", "structure": "Hippocampus", "level": 1, "margin_mm": 1e9},
        [],
    ],
)
def test_a_region_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ModelError, match=r"^region.*: expected"):
        build(Region, settings, where="region", error=ModelError)


def test_boxes_leave_specks_out_and_do_not_meet():
    labels = np.zeros((20, 20, 40), dtype=np.uint8)
    labels[8:12, 8:12, 12:18], labels[8:12, 8:12, 22:28] = 2, 1
    labels[0, 0, 0] = 1
    geometry = Geometry((40, 20, 20), (1.0, 2.0, 1.0))
    boxes = boxes_around(labels, geometry, SIDES, margin_mm=4.0)
    assert boxes["left"] == (slice(4, 16), slice(6, 14), slice(20, 32))
    assert boxes["right"] == (slice(4, 16), slice(6, 14), slice(8, 20))
    assert set(boxes_around(labels * (labels == 1), geometry, SIDES, margin_mm=4.0)) == {"left"}
    assert boxes_around(np.zeros_like(labels), geometry, SIDES, margin_mm=4.0) == {}
