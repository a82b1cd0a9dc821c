"""Borders that are moved to where the image has them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.volume import likeliest as module
from CompactSegLib.volume.refinement import Refinement

REFINEMENT = Refinement(1.25)
SIDES = (40, 44, 48)


def truth(scale: float = 1.0) -> np.ndarray:
    """Two structures, one within the other, uint8 ``(K, J, I)``."""
    k, j, i = np.meshgrid(*[np.linspace(-1, 1, side) for side in SIDES], indexing="ij")
    # Not round, so that their border is where only the image can say.
    far = np.sqrt(k**2 + j**2 + i**2) * (1 + 0.15 * np.sin(9 * j) * np.cos(7 * i))
    return (far < 0.8 * scale).astype(np.uint8) + (far < 0.45 * scale)


def imaged(labels: np.ndarray, means=(0.0, 60.0, 100.0), *, noise: float = 5.0) -> np.ndarray:
    random = np.random.default_rng(1)
    image = np.take(np.asarray(means, np.float32), labels)
    return (image + noise * random.standard_normal(labels.shape)).astype(np.float32)


def coarse(labels: np.ndarray) -> np.ndarray:
    """As a net on a grid of 4 voxels has them."""
    few = labels[2::4, 2::4, 2::4]
    return np.kron(few, np.ones((4, 4, 4), np.uint8))[tuple(slice(side) for side in labels.shape)]


def dice(first: np.ndarray, second: np.ndarray, label: int) -> float:
    one, other = first == label, second == label
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("means", [(0, 60, 100), (100, 60, 20), (50, 10, 90)])
def test_borders_go_to_where_the_image_has_them(means):
    labels = truth()
    rough = coarse(labels)
    refined = REFINEMENT.refined(rough, imaged(labels, means), (1, 1, 1))[0]
    for label in (1, 2):
        assert dice(rough, labels, label) < 0.93
        assert dice(refined, labels, label) > 0.98


def test_a_coil_s_unevenness_is_not_taken_for_tissue():
    labels = truth()
    even = imaged(labels, (0, 70, 100))
    bias = np.linspace(0.6, 1.6, SIDES[1], dtype=np.float32)[:, None]
    plain, uneven = (
        REFINEMENT.refined(coarse(labels), image, (2.5, 2.5, 2.5))[0]
        for image in (even, even * bias)
    )
    for label in (1, 2):
        assert dice(plain, labels, label) > 0.97
        assert dice(uneven, labels, label) > 0.95


def test_where_the_image_tells_nothing_the_labels_stay_about_as_they_are():
    rough = coarse(truth())
    noise = imaged(np.zeros_like(rough), noise=10)
    refined = REFINEMENT.refined(rough, noise, (1, 1, 1))[0]
    for label in (1, 2):
        assert dice(refined, rough, label) > 0.9


@given(
    seed=st.integers(0, 1000),
    mm=st.sampled_from([0.5, 1.0, 1.7]),
    spacing_mm=st.tuples(*[st.sampled_from([0.7, 1.0, 3.0])] * 3),
)
@settings(max_examples=25, deadline=None)
def test_a_voxel_gets_only_labels_within_reach(seed, mm, spacing_mm):
    random = np.random.default_rng(seed)
    labels = np.zeros((12, 10, 14), np.uint8)
    for label in (1, 2, 3):
        d, h, w = (random.integers(0, side - 3) for side in labels.shape)
        labels[d : d + 3, h : h + 3, w : w + 3] = label
    before = labels.copy()
    refinement = Refinement(mm)
    image = random.random(labels.shape, np.float32)
    seen = image.copy()
    refined = refinement.refined(labels, image, spacing_mm)[0]
    assert (labels == before).all()
    assert (image == seen).all()
    sizes = [2 * int(refinement.reach_mm / step) + 1 for step in spacing_mm]
    for label in range(4):
        near = ndimage.maximum_filter(labels == label, sizes)
        assert not (refined == label)[~near].any()


def test_units_and_zero_of_the_intensities_do_not_matter():
    labels = truth()
    image = np.round(imaged(labels))
    refined = REFINEMENT.refined(coarse(labels), image, (1, 1, 1))[0]
    shifted = REFINEMENT.refined(coarse(labels), image - 1024, (1, 1, 1))[0]
    assert (refined == shifted).mean() > 0.9999
    scaled = REFINEMENT.refined(coarse(labels), image * np.float32(0.037), (1, 1, 1))[0]
    assert (refined == scaled).mean() > 0.9999


@pytest.mark.parametrize("value", [1e5, -1e30, 3e38])
def test_a_few_voxels_of_any_value_make_no_difference(value):
    labels = truth()
    image = imaged(labels)
    refined = REFINEMENT.refined(coarse(labels), image, (1, 1, 1))[0]
    image[20, 20, 20] = image[2, 2, 2] = value
    again = REFINEMENT.refined(coarse(labels), image, (1, 1, 1))[0]
    assert (again == refined).mean() > 0.999


@pytest.mark.parametrize("kind", [">f4", ">i2", "u2", "i8", "f8"])
def test_any_pixel_type_and_memory_that_cannot_be_written(kind, tmp_path):
    labels = truth()
    image = np.round(imaged(labels) + 100).astype(kind)
    image.tofile(tmp_path / "image")
    wanted = REFINEMENT.refined(coarse(labels), image.astype(np.float32), (1, 1, 1))[0]
    mapped = np.memmap(tmp_path / "image", kind, "r", shape=SIDES)
    for each in (image, mapped, np.asfortranarray(image)):
        assert (REFINEMENT.refined(coarse(labels), each, (1, 1, 1))[0] == wanted).all()
    assert (mapped == image).all()


def test_what_was_seen_of_other_labels_leads_to_about_the_same():
    labels = truth()
    bias = np.linspace(0.7, 1.4, SIDES[1], dtype=np.float32)[:, None]
    image = imaged(labels, (0, 70, 100)) * bias
    # Another box of the image, and the inner structure not yet found.
    first = np.where(coarse(labels) == 2, 1, coarse(labels)).astype(np.uint8)
    first[:14] = first[:, :, -12:] = 0
    _, look = REFINEMENT.refined(first, image, (1, 1, 1))
    assert look.mixture.labels == [0, 1]
    alone = REFINEMENT.refined(coarse(labels), image, (1, 1, 1))[0]
    refined, later = REFINEMENT.refined(coarse(labels), image, (1, 1, 1), look=look)
    assert later.mixture.labels == [0, 1, 2]
    assert later.scale == look.scale
    for label in (1, 2):
        assert dice(refined, labels, label) > 0.97
        assert dice(refined, alone, label) > 0.99
    nothing, same = REFINEMENT.refined(np.zeros_like(labels), image, (1, 1, 1), look=later)
    assert same is later
    assert not nothing.any()


def test_it_can_be_ended():
    class Ended(Exception):
        pass

    def end():
        raise Ended

    with pytest.raises(Ended):
        REFINEMENT.refined(coarse(truth()), imaged(truth()), (1, 1, 1), check=end)


def test_slabs_make_no_difference(monkeypatch):
    labels = truth()
    image = imaged(labels)
    whole = REFINEMENT.refined(coarse(labels), image, (1, 1.5, 1))[0]
    monkeypatch.setattr(module, "_SLAB_VOXELS", AtATime(1, 0))
    assert (REFINEMENT.refined(coarse(labels), image, (1, 1.5, 1))[0] == whole).all()


@pytest.mark.parametrize("labelled", [0, 1, 30])
def test_hardly_anything_or_nothing_to_refine(labelled):
    labels = np.zeros((9, 8, 7), np.uint8)
    labels.flat[:labelled] = 1
    image = np.random.default_rng(0).random(labels.shape, np.float32)
    refined = REFINEMENT.refined(labels, image, (1, 1, 1))[0]
    assert refined is not labels
    assert refined.shape == labels.shape
    if labelled < 20:
        assert (refined == labels).all()


def test_what_there_is_too_little_of_stays():
    labels = coarse(truth())
    image = imaged(labels)
    labels[20, 20, 20:26] = 3
    refined = REFINEMENT.refined(labels, image, (1, 1, 1))[0]
    assert ((refined == 3) == (labels == 3)).all()


def test_constant_and_whole_numbers():
    labels = coarse(truth())
    for image in (np.zeros(SIDES, np.int16), np.full(SIDES, 7, np.uint8)):
        refined = REFINEMENT.refined(labels, image, (1, 1, 1))[0]
        assert dice(refined, labels, 1) > 0.9


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"weight": 1.0}, "refinement: expected mm, .* but it is missing"),
        ([1.0], "refinement: expected an object with mm, weight, contrast"),
        ({"mm": 0, "weight": 1}, "mm: expected a number above 0, at most 10"),
        ({"mm": 1, "weight": 1.5}, "weight: expected a number above 0, at most 1"),
        ({"mm": True, "weight": 1}, "mm: expected"),
        ({"mm": 1, "alike": [[3, 256]]}, r"alike\[0\]\[1\]: expected a whole number from 0 to 255"),
        ({"mm": 1, "weights": {"2": 0}}, "weights.2: expected a number above 0"),
        ({"mm": 1, "weights": {"white": 1}}, "weights: expected labels from 0 to 255"),
        ({"mm": 1, "label_mm": {"256": 1}}, "label_mm: expected labels from 0 to 255"),
        ({"mm": 1, "first_mm": [0]}, r"first_mm\[0\]: expected a number above 0"),
        ({"mm": 1, "label_mm": {"1": 6}, "first_mm": [2]}, "first_mm: expected widths of at most"),
    ],
)
def test_what_cannot_be_is_refused(data, words):
    with pytest.raises(ConfigurationError, match=words):
        Refinement.from_dict(data)


def test_settings_come_back_as_they_were():
    full = Refinement(1, 0.5, 1, ((1, 2), (3, 4)), {"2": 1.0}, {"1": 0.8}, (1.5,))
    for each in (REFINEMENT, full):
        assert Refinement.from_dict(json.loads(json.dumps(each.to_dict()))) == each


def test_between_labels_of_one_tissue_borders_stay_however_they_look():
    labels = truth()
    rough, image = coarse(labels), imaged(labels)
    refined = Refinement(1.25, alike=((1, 2),)).refined(rough, image, (1, 1, 1))[0]
    assert ((refined == 2) & (rough == 1)).sum() == ((refined == 1) & (rough == 2)).sum() == 0
    assert dice(refined > 0, labels > 0, True) > 0.98
    moved = REFINEMENT.refined(rough, image, (1, 1, 1))[0]
    assert ((moved == 2) & (rough == 1)).sum() > 100


def test_a_label_s_own_weight_is_that_of_voxels_that_the_net_gave_it():
    labels = truth()
    rough, image = coarse(labels), imaged(labels, noise=30)
    light, heavy = Refinement(1.25, 0.1), Refinement(1.25, 1.0)
    for weights, alone in (({}, light), (dict.fromkeys("012", 1.0), heavy), ({"9": 1.0}, light)):
        mixed = Refinement(1.25, 0.1, weights=weights).refined(rough, image, (1, 1, 1))[0]
        assert (mixed == alone.refined(rough, image, (1, 1, 1))[0]).all()

    # What is dark within label 2, far from its border in the image, stays with a weight that is low there alone.
    def moved(weights: dict[str, float]) -> tuple[int, int]:
        refined = Refinement(1.25, 1.0, weights=weights).refined(rough, image, (1, 1, 1))[0]
        return tuple(int(((refined != rough) & (rough == label)).sum()) for label in (1, 2))

    (first, second), (first_low, second_low) = moved({}), moved({"2": 0.1})
    assert second_low < 0.7 * second
    assert first_low > 0.7 * first


def test_the_first_levels_may_have_a_reach_of_their_own():
    refinement = Refinement(1.0, first_mm=(2.0, 1.5))
    assert [refinement.at_level(number).mm for number in (1, 2, 3, 4)] == [2.0, 1.5, 1.0, 1.0]
    assert refinement.reach_mm == 5.0
    assert refinement.at_level(3).reach_mm == 2.5


def test_a_label_s_own_reach_is_that_of_what_spreads_from_it():
    labels = truth()
    rough, image = coarse(labels), imaged(labels, noise=30)
    wide, narrow = Refinement(1.5, 0.5), Refinement(0.75, 0.5)
    for own, alone in ((dict.fromkeys("012", 1.5), wide), ({"9": 0.75}, narrow)):
        mixed = Refinement(0.75, 0.5, label_mm=own).refined(rough, image, (1, 1, 1))[0]
        assert (mixed == alone.refined(rough, image, (1, 1, 1))[0]).all()

    # Borders that are far off are found where one of their labels reaches them.
    image = imaged(labels, noise=2)
    mixed = Refinement(0.75, 0.5, label_mm={"2": 1.5}).refined(rough, image, (1, 1, 1))[0]
    low, high = (each.refined(rough, image, (1, 1, 1))[0] for each in (narrow, wide))
    assert dice(mixed, labels, 2) > dice(low, labels, 2) + 0.03
    assert dice(mixed, labels, 1) < dice(high, labels, 1) - 0.01


def test_at_the_first_levels_a_label_s_own_reach_is_wider_as_well():
    refinement = Refinement(1.0, first_mm=(2.0,), label_mm={"2": 1.5})
    assert refinement.reach_mm == 7.5
    assert refinement.at_level(1) == Refinement(2.0, label_mm={"2": 3.0})
    assert refinement.at_level(2) == Refinement(1.0, label_mm={"2": 1.5})
