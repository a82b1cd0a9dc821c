import numpy as np
import pytest

from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.export import level_figures, stop_settings
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
        entropies=(0.3, 0.2, 0.1),
    )


def test_calibration_finds_the_line_between_change_and_gain():
    changes = np.linspace(0.02, 0.2, 10)
    scores = [a_score(str(n), c, 0.01 + 0.3 * c) for n, c in enumerate(changes)]
    stop = stop_settings(scores, config=three_levels())
    assert stop.unit == "dice"
    (calibration,) = stop.calibration
    assert (calibration.level, calibration.cases) == (2, 10)
    assert calibration.slope == pytest.approx(0.3)
    assert calibration.intercept == pytest.approx(0.01)


def test_cases_that_changed_alike_give_their_mean_gain():
    scores = [a_score(str(n), 0.1, gain) for n, gain in enumerate((0.01, 0.02, 0.03))]
    (calibration,) = stop_settings(scores, config=three_levels()).calibration
    assert calibration.slope == 0
    assert calibration.expected_gain(0.5) == pytest.approx(0.02)


def test_without_held_out_cases_the_rule_is_in_jaccard_change():
    stop = stop_settings([], config=three_levels())
    assert stop.unit == "jaccard"
    assert stop.calibration == ()
    assert level_figures([], 1, names=["A", "B"]) == {}


def test_figures_leave_out_labels_that_the_truth_has_not():
    scores = [
        CaseScore("a", dice=((0.9, float("nan")),), changes=(), entropies=(0.1,)),
        CaseScore("b", dice=((0.7, 0.6),), changes=(), entropies=(0.1,)),
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
    nothing, something = np.array([[0, 0], [0, 3]], dtype=np.uint8)
    assert largest_change(nothing, something, classes=4) == 1
