import dataclasses

import numpy as np
import pytest

from CompactSegLib.train.stopping import Measured, Tradeoff, best_threshold, jaccard_change
from CompactSegLib.train.validation import CaseScore


@pytest.fixture
def measured() -> Measured:
    """Forty cases; the less a case changed at level 2, the less level 3 brings."""
    random = np.random.default_rng(3)
    changes = random.uniform(0.02, 0.3, 40)
    dice = np.stack([np.full(40, 0.8), np.full(40, 0.85), 0.84 + 0.1 * changes], axis=1)
    nothing = np.full(40, np.nan)
    return Measured(
        dice=dice,
        changes=np.stack([nothing, changes, changes / 2], axis=1),
        macs=np.array([10.0, 40.0, 100.0]),
    )


def test_the_rule_goes_from_never_to_always(measured):
    outcomes = jaccard_change(measured)
    assert outcomes[0].stopped_at == (0, 0, 40)
    assert outcomes[-1].stopped_at == (0, 40, 0)  # level 1 has nothing to be compared with
    saved = [outcome.macs_saved for outcome in outcomes]
    assert saved == sorted(saved)
    assert len(set(saved)) == len(saved)


def test_a_rule_does_what_the_engine_would_do_at_its_threshold(measured):
    for outcome in jaccard_change(measured):
        goes_on = measured.changes[:, 1] >= outcome.threshold
        assert outcome.stopped_at == (0, 40 - goes_on.sum(), goes_on.sum())
        reached = np.where(goes_on, measured.dice[:, 2], measured.dice[:, 1])
        assert outcome.dice_lost == pytest.approx(np.mean(measured.dice[:, 2] - reached))


def test_the_best_threshold_saves_most_at_the_loss_that_is_allowed():
    outcomes = [
        Tradeoff(0.0, 0.0, 0.0, (0, 0, 4)),
        Tradeoff(0.0123, 0.0004, 0.2, (0, 2, 2)),
        Tradeoff(0.0189, 0.0009, 0.3, (0, 3, 1)),
        Tradeoff(0.5, 0.004, 0.4, (0, 4, 0)),
    ]
    assert best_threshold(outcomes) == 0.018
    assert best_threshold(outcomes, largest_loss=0.01) == 0.5
    assert best_threshold(outcomes[3:]) == 0.0


def test_where_every_level_is_worth_its_time_half_of_the_least_change_is_taken(measured):
    dear = dataclasses.replace(measured, dice=measured.dice * [1, 1, 1.1])
    assert best_threshold(jaccard_change(dear)) == _two_digits(measured.changes[:, 1].min() / 2)
    none = dataclasses.replace(dear, changes=np.where(np.isnan(dear.changes), np.nan, 0.0))
    assert best_threshold(jaccard_change(none)) == 0.0


def _two_digits(value: float) -> float:
    return float(np.floor(value * 1000) / 1000)


def test_cases_without_any_label_are_left_out():
    empty = CaseScore("a", dice=((np.nan,), (np.nan,)), changes=(0.0,))
    full = CaseScore("b", dice=((0.8,), (0.9,)), changes=(0.2,))
    measured = Measured.of([empty, full], [10, 20])
    assert measured.dice.tolist() == [[0.8, 0.9]]
    assert measured.changes[0, 1] == 0.2
