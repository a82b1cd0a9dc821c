"""What stopping early would cost on images whose truth is known: the threshold that a model states is chosen on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.brain_mr.real_heads import RealResult
from benchmarks.brain_mr.synthetic import SyntheticResult
from CompactSegLib import Model
from CompactSegLib.train.stopping import LARGEST_LOSS, Measured, best_threshold, jaccard_change

_SHOWN = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


def on_synthetic(found: SyntheticResult, model: Model) -> Measured:
    """Mean Dice and changes of the synthetic images, level by level."""
    return _measured(
        [[case.mean_dice(n) for n in range(len(case.dice))] for case in found.cases],
        [case.changes for case in found.cases],
        model,
    )


def on_heads(results: Sequence[RealResult], model: Model) -> Measured:
    """The same of real heads."""
    return _measured(
        [[one.mean_dice(n + 1) for n in range(len(one.scores))] for one in results],
        [[float(level.improvement or 0) for level in one.result.levels[1:]] for one in results],
        model,
    )


def _measured(
    dice: Sequence[Sequence[float]], changes: Sequence[Sequence[float]], model: Model
) -> Measured:
    seen = [[float("nan"), *values] for values in changes]
    macs = [level.macs_per_voxel_all_levels for level in model.levels]
    return Measured(np.array(dice), np.array(seen), np.array(macs))


def stop_rows(measured: Measured) -> list[dict[str, object]]:
    """A row per threshold: Dice lost, operations saved, images that stopped at each level."""
    levels = range(1, measured.levels + 1)
    rows: list[dict[str, object]] = []
    for threshold in _SHOWN:
        below = measured.changes < threshold
        below[:, -1] = True
        outcome = measured.outcome(threshold, np.argmax(below, axis=1))
        rows.append(
            {
                "stop below": f"{threshold:g}",
                "points of Dice lost": 100 * outcome.dice_lost,
                "operations saved": f"{outcome.macs_saved:.0%}",
            }
            | {f"stopped at level {n}": outcome.stopped_at[n - 1] for n in levels}
        )
    return rows


def chosen(measured: Measured) -> float:
    """The largest saving that loses at most a tenth of a point of Dice; 0 where none does."""
    return best_threshold(jaccard_change(measured), largest_loss=LARGEST_LOSS)
