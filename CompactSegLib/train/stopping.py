"""What a stop rule costs in Dice and saves in operations, over all its thresholds, on cases whose truth is known.

A rule looks at a case after each level and stops when a signal falls below a threshold; that of models is the Jaccard
change to the level before. ``benchmarks/stop_rule.py`` has others beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.train.validation import CaseScore

Floats = NDArray[np.float64]

# Tenth of a point of Dice: what two trainings of the same net differ by anyway.
LARGEST_LOSS = 0.001


@dataclass(frozen=True)
class Tradeoff:
    """What a rule does at one threshold.

    Attributes:
        threshold: Of its signal; for fixed depth the level.
        dice_lost: Mean over cases of Dice at the last level minus Dice where the rule stopped.
        macs_saved: Mean share of the multiply-accumulates of all levels that were not executed.
        stopped_at: How many cases stopped at each level, level 1 first.
    """

    threshold: float
    dice_lost: float
    macs_saved: float
    stopped_at: tuple[int, ...]


@dataclass(frozen=True)
class Measured:
    """Cases with their Dice and signals; the costs of a net's levels.

    Attributes:
        dice: ``(cases, levels)``, mean over labels.
        changes: ``(cases, levels)``, largest 1 - Jaccard to the level before; NaN at level 1.
        macs: ``(levels,)``, multiply-accumulates per voxel to get a level and all before it.
    """

    dice: Floats
    changes: Floats
    macs: Floats

    @classmethod
    def of(cls, scores: Sequence[CaseScore], macs_per_voxel: Sequence[float]) -> Measured:
        """From the scores of held-out cases; those without any label in the truth are left out.

        Args:
            scores: Of cases that the net was not trained on.
            macs_per_voxel: Per level, with all levels before it.
        """
        levels = range(1, len(macs_per_voxel) + 1)
        usable = [score for score in scores if np.isfinite(score.dice).any()]
        return cls(
            dice=np.array([[score.mean_dice(level) for level in levels] for score in usable]),
            changes=np.array([[np.nan, *score.changes] for score in usable]),
            macs=np.array(macs_per_voxel, dtype=float),
        )

    @property
    def levels(self) -> int:
        return len(self.macs)

    def outcome(self, threshold: float, stops: NDArray[np.intp]) -> Tradeoff:
        """The outcome of stopping each case at index ``stops`` (0 is level 1)."""
        reached = np.take_along_axis(self.dice, stops[:, None], axis=1)[:, 0]
        return Tradeoff(
            threshold=float(threshold),
            dice_lost=float(np.mean(self.dice[:, -1] - reached)),
            macs_saved=float(1 - np.mean(self.macs[stops]) / self.macs[-1]),
            stopped_at=tuple(int(n) for n in np.bincount(stops, minlength=self.levels)),
        )


def jaccard_change(measured: Measured) -> list[Tradeoff]:
    """Stop when a level changed less than a threshold; level 1 has nothing to be compared with."""
    return over_thresholds(measured, measured.changes)


def best_threshold(outcomes: Sequence[Tradeoff], *, largest_loss: float = LARGEST_LOSS) -> float:
    """The threshold that saves most among those that lose at most so much Dice; 0 where all lose more.

    Of a range of thresholds that do the same it is the middle, rounded down to two digits, for people. So where all
    levels of all cases are worth their time, levels still stop at half of the least change that these had.
    """
    fit = [outcome for outcome in outcomes if outcome.dice_lost <= largest_loss]
    best = max(fit, key=lambda outcome: outcome.macs_saved, default=None)
    return _readable(best.threshold) if best else 0.0


def over_thresholds(measured: Measured, signals: Floats) -> list[Tradeoff]:
    """Every threshold that makes a difference, from one that stops no case to one that stops all.

    Args:
        measured: The cases.
        signals: ``(cases, levels)``; a case stops where its own is below the threshold, NaN stops none.
    """
    known = np.unique(signals[:, : measured.levels - 1])
    known = np.append(0.0, known[np.isfinite(known)])
    # A rule stops below its threshold: midway between two signals, and beyond the largest.
    thresholds = [*((known[:-1] + known[1:]) / 2), known[-1] * (1 + 1e-6) + 1e-9]
    outcomes = []
    for threshold in thresholds:
        below = np.nan_to_num(signals, nan=np.inf) < threshold
        below[:, -1] = True
        outcomes.append(measured.outcome(threshold, np.argmax(below, axis=1)))
    return without_repeats(outcomes)


def without_repeats(outcomes: Sequence[Tradeoff]) -> list[Tradeoff]:
    """Of neighbours that stop the same cases the first."""
    different: list[Tradeoff] = []
    for outcome in outcomes:
        if not different or outcome.stopped_at != different[-1].stopped_at:
            different.append(outcome)
    return different


def _readable(threshold: float) -> float:
    if threshold <= 0:
        return 0.0
    digits = 1 - int(np.floor(np.log10(threshold)))
    return float(np.floor(threshold * 10**digits + 1e-9) / 10**digits)
