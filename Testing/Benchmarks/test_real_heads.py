"""Real heads beside a model's labels: structures, sides and volumes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.brain_mr.engine import Result, without_sides
from benchmarks.brain_mr.real_heads import (
    FREESURFER,
    RealHead,
    RealResult,
    scores_of,
    structure_rows,
)
from CompactSegLib import Geometry, Volume, load_model
from CompactSegLib.labels import labels_of

STRUCTURES = {
    1: {"name": "Hippocampus", "color": [1, 2, 3], "sides": {}},
    2: {"name": "Brain stem", "color": [4, 5, 6]},
}


@pytest.fixture
def a_head() -> RealHead:
    truth = np.zeros((2, 10, 10), np.int32)
    truth[0, :4], truth[0, 6:], truth[1] = 17, 53, 16
    volume = Volume.from_array(truth.astype(np.float32), Geometry((10, 10, 2), (1, 1, 1)))
    return RealHead("a head", volume, truth, FREESURFER)


def test_a_perfect_segmentation_has_one_everywhere(a_head):
    labels = np.select([a_head.truth == 17, a_head.truth == 53, a_head.truth == 16], [1, 2, 3])
    scores = scores_of(labels, labels_of(STRUCTURES), a_head)
    assert scores["Hippocampus"] == (1, 1, 1, 1)
    assert scores["Brain stem"].dice == 1
    assert math.isnan(scores["Brain stem"].left)
    assert "Thalamus" not in scores


def test_sides_exchanged_cost_the_sides_and_nothing_else(a_head):
    labels = np.select([a_head.truth == 17, a_head.truth == 53], [2, 1])
    score = scores_of(labels, labels_of(STRUCTURES), a_head)["Hippocampus"]
    assert score == (1, 0, 0, 1)


def test_a_model_without_sides_is_measured_too(a_head):
    known = labels_of({1: {"name": "Hippocampus", "color": [1, 2, 3]}})
    labels = (a_head.truth == 17).astype(np.uint8)
    score = scores_of(labels, known, a_head)["Hippocampus"]
    assert score.dice == pytest.approx(2 / 3)
    assert math.isnan(score.left)
    assert score.volume == 0.5
    result = RealResult(a_head, Result([], []), [{"Hippocampus": score}])
    assert result.mean_dice(1) == pytest.approx(2 / 3)
    (row,) = structure_rows([result])
    assert row["structure"] == "Hippocampus"
    assert row["volume / truth"] == 0.5


def test_without_sides_both_of_a_structure_are_one_label():
    model = load_model("brain-mr")
    merged = without_sides(model)
    assert [label.name for label in merged.labels] == model.structures
    assert [label.of_class for label in merged.labels] == [*range(1, 18)]
    left, right = (model.expected_millilitres[f"{side} putamen"] for side in ("Left", "Right"))
    assert merged.expected_millilitres["Putamen"].most == left.most + right.most
    assert merged.expected_millilitres["Brain stem"] == model.expected_millilitres["Brain stem"]
