"""How good each level is on held-out cases, on the model's grid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from monai.metrics import DiceHelper
from numpy.typing import NDArray
from torch import Tensor

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.inference.stop import jaccard_distances, overlap_counts
from CompactSegLib.network.net import MultiLevelNet


@dataclass(frozen=True)
class CaseScore:
    """A held-out case.

    Attributes:
        name: The case.
        dice: Per level, per label (background excluded); NaN where the truth has no such label.
        changes: For levels 2, 3 and so on the largest over labels of 1 - Jaccard to the level before.
    """

    name: str
    dice: tuple[tuple[float, ...], ...]
    changes: tuple[float, ...]

    def mean_dice(self, level: int) -> float:
        """Mean over the labels that the truth has; NaN where it has none."""
        return float(torch.tensor(self.dice[level - 1], dtype=torch.float64).nanmean())


def score_cases(
    net: MultiLevelNet,
    cases: Iterable[PreparedCase],
    *,
    device: torch.device,
    precision: AbstractContextManager,
) -> list[CaseScore]:
    """Segment whole cases with all levels and compare with the truth.

    Args:
        net: In evaluation mode.
        cases: Held-out cases.
        device: Where the net is.
        precision: The autocast context to compute in.
    """
    scores = []
    with torch.inference_mode(), precision:
        for case in cases:
            image = case.image[None].to(device, memory_format=torch.channels_last_3d)
            scores.append(_score(case, net(image), classes=net.config.classes))
    return scores


def _score(case: PreparedCase, logits: Sequence[Tensor], *, classes: int) -> CaseScore:
    predictions = [level.argmax(dim=1, keepdim=True).byte() for level in logits]
    truth = case.labels[None, None].to(predictions[0].device)
    # One label at a time: of whole heads, all labels at once would not fit where a training does.
    dice_of = DiceHelper(
        include_background=False, reduction="none", get_not_nans=False, num_classes=classes
    )
    dice = [dice_of(prediction, truth)[0] for prediction in predictions]
    maps = [prediction.cpu().numpy() for prediction in predictions]
    changes = [largest_change(before, after, classes=classes) for before, after in pairwise(maps)]
    return CaseScore(
        name=case.name,
        dice=tuple(tuple(map(float, values)) for values in dice),
        changes=tuple(changes),
    )


def largest_change(before: NDArray[np.uint8], after: NDArray[np.uint8], *, classes: int) -> float:
    """The improvement of a level as a run computes it: the largest over labels of 1 - Jaccard."""
    return max(jaccard_distances(overlap_counts(before, after, classes=classes)).values())


def mean_dice(scores: Sequence[CaseScore]) -> list[list[float]]:
    """Mean over cases, per level and label; NaN where no case has the label."""
    dice = torch.tensor([score.dice for score in scores], dtype=torch.float64)
    return dice.nanmean(dim=0).tolist()


def log_columns(levels: int, classes: int) -> list[str]:
    """The columns of a run's log."""
    numbers = range(1, levels + 1)
    columns = ["seconds", "learning_rate", "loss", *(f"loss_level_{n}" for n in numbers)]
    columns += [f"dice_level_{n}" for n in numbers]
    return columns + [f"dice_level_{n}_label_{v}" for n in numbers for v in range(1, classes)]


def dice_columns(scores: Sequence[CaseScore]) -> dict[str, float]:
    """Mean Dice as columns of a run's log."""
    row: dict[str, float] = {}
    for level, labels in enumerate(mean_dice(scores), start=1):
        found = {v: dice for v, dice in enumerate(labels, start=1) if not math.isnan(dice)}
        if found:
            row[f"dice_level_{level}"] = sum(found.values()) / len(found)
        row |= {f"dice_level_{level}_label_{v}": dice for v, dice in found.items()}
    return row


def dice_text(scores: Sequence[CaseScore]) -> str:
    """Mean Dice as a line for people."""
    levels = (" ".join(map(_percent, labels)) for labels in mean_dice(scores))
    return "Dice in % per level and label: " + " | ".join(levels)


def _percent(dice: float) -> str:
    return "–" if math.isnan(dice) else f"{100 * dice:.2f}"
