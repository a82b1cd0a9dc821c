import numpy as np
import pytest

from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.export import chosen_threshold, level_figures
from CompactSegLib.train.validation import CaseScore, largest_change


def three_levels() -> NetConfig:
    block = {"branches": [{"layers": [{"channels": 2}]}]}
    head = {"layers": [{"channels": 2}]}
    return NetConfig.from_dict(
        {"in_channels": 1, "classes": 3, "blocks": [block] * 4, "heads": [head] * 3}
    )


def a_score(name: str, change: float, gain: float) -> CaseScore:
    return CaseScore(
        name=name,
        dice=((0.8, 0.7), (0.85, 0.75), (0.85 + gain, 0.75 + gain)),
        changes=(change, 0.01),
    )


@pytest.mark.parametrize(
    ("gains", "threshold"),
    [
        # Stopping the first two at level 2 loses (0.001 + 0.003) / 5 = 0.0008 Dice, the third as well 0.002.
        ((0.001, 0.003, 0.006, 0.01, 0.02), 0.12),
        # All are worth a third level: half of the least change.
        ((0.006, 0.006, 0.006, 0.006, 0.006), 0.025),
        ((0.0, 0.0, 0.0, 0.0, -0.001), 0.25),
    ],
)
def test_the_threshold_saves_most_at_a_loss_of_a_tenth_of_a_point(gains, threshold):
    changes = (0.05, 0.1, 0.15, 0.2, 0.25)
    scores = [a_score(str(n), *both) for n, both in enumerate(zip(changes, gains, strict=True))]
    assert chosen_threshold(scores, config=three_levels()) == threshold


def test_without_held_out_cases_the_threshold_is_a_fiftieth():
    assert chosen_threshold([], config=three_levels()) == 0.02
    assert level_figures([], 1, names=["A", "B"]) == {}


def test_figures_leave_out_labels_that_the_truth_has_not():
    scores = [
        CaseScore("a", dice=((0.9, float("nan")),), changes=()),
        CaseScore("b", dice=((0.7, 0.6),), changes=()),
    ]
    figures = level_figures(scores, 1, names=["A", "B"])
    assert figures["dice_by_label"] == {"A": 0.8, "B": 0.6}
    assert figures["dice"] == pytest.approx(0.7)
    assert figures["dice_worst_case"] == pytest.approx(0.65)
    assert figures["cases"] == 2


def test_the_change_is_the_largest_over_labels():
    before = np.array([0, 1, 1, 1, 1, 2, 2], dtype=np.uint8)
    after = np.array([0, 1, 1, 1, 0, 2, 2], dtype=np.uint8)
    assert largest_change(before, after, classes=3) == pytest.approx(0.25)
    assert largest_change(before, before, classes=3) == 0
    assert largest_change(before, before, classes=5) == 0, "what neither has did not change"
    nothing, something = np.array([[0, 0], [0, 3]], dtype=np.uint8)
    assert largest_change(nothing, something, classes=4) == 1
