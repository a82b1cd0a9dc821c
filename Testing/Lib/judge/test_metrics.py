"""The metrics beside a plain computation of each from its definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CompactSegLib.judge.metrics import MaskScore, score_mask

SHAPE = (7, 6, 8)


def surface_mm(mask: np.ndarray, spacing_mm) -> np.ndarray:
    """Positions of the voxels with a face neighbour outside the mask; beyond the image all is outside."""
    padded = np.pad(mask, 1)
    inner = np.ones_like(mask)
    for axis in range(3):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return np.argwhere(mask & ~inner) * np.array(spacing_mm)


def plainly_scored(truth: np.ndarray, segmented: np.ndarray, spacing_mm) -> MaskScore:
    a, b = surface_mm(segmented, spacing_mm), surface_mm(truth, spacing_mm)
    distances = np.linalg.norm(a[:, None] - b[None], axis=2)
    there, back = distances.min(axis=1), distances.min(axis=0)
    within = (there <= 1.001).sum() + (back <= 1.001).sum()
    voxel_ml = np.prod(spacing_mm) / 1000
    return MaskScore(
        dice=2 * (truth & segmented).sum() / (truth.sum() + segmented.sum()),
        nsd=within / (len(there) + len(back)),
        hd95_mm=max(np.percentile(there, 95), np.percentile(back, 95)),
        truth_ml=truth.sum() * voxel_ml,
        segmented_ml=segmented.sum() * voxel_ml,
    )


def a_ball(centre, radius: float, spacing_mm=(1.0, 1.0, 1.0), shape=SHAPE) -> np.ndarray:
    kji = np.indices(shape).T * np.array(spacing_mm)
    return (np.linalg.norm(kji - np.array(centre), axis=-1) <= radius).T


def approximately(score: MaskScore):
    return pytest.approx(
        (score.dice, score.nsd, score.hd95_mm, score.truth_ml, score.segmented_ml), rel=1e-5
    )


def values_of(score: MaskScore) -> tuple[float, ...]:
    return (score.dice, score.nsd, score.hd95_mm, score.truth_ml, score.segmented_ml)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 0.5, 0.7)])
@given(seed=st.integers(0, 10_000))
def test_scores_are_those_of_the_definitions(seed: int, spacing_mm):
    random = np.random.default_rng(seed)
    truth, segmented = random.random((2, *SHAPE)) < random.uniform(0.05, 0.6)
    truth[3, 3, 3] = segmented[2, 4, 5] = True
    expected = plainly_scored(truth, segmented, spacing_mm)
    assert values_of(score_mask(truth, segmented, spacing_mm=spacing_mm)) == approximately(expected)


def test_the_spacing_belongs_to_the_axes_in_their_order():
    truth = np.zeros(SHAPE, bool)
    truth[1:3, 2:4, 2:4] = True
    for axis, spacing in enumerate((3.0, 0.5, 0.7)):
        score = score_mask(truth, np.roll(truth, 1, axis), spacing_mm=(3.0, 0.5, 0.7))
        assert score.hd95_mm == pytest.approx(spacing)
        assert score.nsd == (1 if spacing <= 1 else 0.5)


def test_a_perfect_segmentation():
    ball = a_ball((3, 3, 4), 2.2)
    score = score_mask(ball, ball.copy(), spacing_mm=(1.0, 1.0, 1.0))
    assert (score.dice, score.nsd, score.hd95_mm) == (1, 1, 0)
    assert score.volume_error_ml == score.volume_error_percent == 0


def test_a_structure_that_neither_has_is_no_case_to_judge():
    nothing = np.zeros(SHAPE, bool)
    score = score_mask(nothing, nothing, spacing_mm=(1.0, 1.0, 1.0))
    assert all(map(math.isnan, (score.dice, score.nsd, score.hd95_mm, score.volume_error_percent)))
    assert score.volume_error_ml == 0


def test_a_structure_that_only_one_has_is_as_wrong_as_can_be():
    ball, nothing = a_ball((3, 3, 4), 2.2), np.zeros(SHAPE, bool)
    diagonal = math.hypot(7 * 2, 6, 8)
    missed = score_mask(ball, nothing, spacing_mm=(2.0, 1.0, 1.0))
    assert (missed.dice, missed.nsd, missed.hd95_mm) == (0, 0, pytest.approx(diagonal))
    assert missed.volume_error_percent == -100
    invented = score_mask(nothing, ball, spacing_mm=(2.0, 1.0, 1.0))
    assert (invented.dice, invented.nsd, invented.hd95_mm) == (0, 0, pytest.approx(diagonal))
    assert invented.volume_error_ml == pytest.approx(ball.sum() * 2 / 1000)
    assert math.isnan(invented.volume_error_percent)


def test_a_structure_at_the_edge_of_the_image():
    truth = np.zeros(SHAPE, bool)
    truth[:3, :4] = True
    segmented = np.zeros(SHAPE, bool)
    segmented[:2, :5] = True
    expected = plainly_scored(truth, segmented, (1.0, 1.0, 1.0))
    score = score_mask(truth, segmented, spacing_mm=(1.0, 1.0, 1.0))
    assert values_of(score) == approximately(expected)


def test_neighbours_at_a_millimetre_as_headers_write_it_are_within_a_millimetre():
    truth = np.zeros(SHAPE, bool)
    truth[2, 2, 2] = True
    rounded = float(np.float32(1.0) + np.float32(1e-6))
    score = score_mask(truth, np.roll(truth, 1, 0), spacing_mm=(rounded,) * 3)
    assert score.nsd == 1
