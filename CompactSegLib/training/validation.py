"""How good each level is on held-out cases, on the model's grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from monai.metrics import compute_dice
from torch import Tensor
from torch.nn import functional

from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.training.dataset import PreparedCase


@dataclass(frozen=True)
class CaseScore:
    """A held-out case.

    Attributes:
        name: The case.
        dice: Per level, per label (background excluded); NaN where the truth has no such label.
        changes: For levels 2, 3 and so on the largest over labels of 1 - Jaccard to the level before.
        entropies: Per level the mean over voxels of the entropy of the classes, in nats.
    """

    name: str
    dice: tuple[tuple[float, ...], ...]
    changes: tuple[float, ...]
    entropies: tuple[float, ...]

    def mean_dice(self, level: int) -> float:
        """Mean over the labels that the truth has."""
        return float(np.nanmean(self.dice[level - 1]))


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
    predictions = [level.argmax(dim=1) for level in logits]

    def one_hot(labels: Tensor) -> Tensor:
        return functional.one_hot(labels.long(), classes).movedim(-1, 1)

    truth = one_hot(case.labels[None].to(predictions[0].device))
    levels = [one_hot(prediction) for prediction in predictions]
    dice = [compute_dice(level, truth, include_background=False)[0] for level in levels]
    changes = [largest_change(before, after) for before, after in pairwise(predictions)]
    return CaseScore(
        name=case.name,
        dice=tuple(tuple(map(float, values)) for values in dice),
        changes=tuple(changes),
        entropies=tuple(mean_entropy(level) for level in logits),
    )


def mean_entropy(logits: Tensor) -> float:
    """Mean over voxels of the entropy of the classes, in nats, from logits ``(N, classes, D, H, W)``."""
    log_shares = functional.log_softmax(logits.float(), dim=1)
    return float(-(log_shares.exp() * log_shares).sum(dim=1).mean())


def largest_change(before: Tensor, after: Tensor) -> float:
    """The improvement of a level: largest over labels of 1 - Jaccard; labels absent from both are unchanged."""
    change = 0.0
    for value in torch.cat([before.unique(), after.unique()]).unique().tolist():
        if value != 0:
            a, b = before == value, after == value
            change = max(change, 1 - float((a & b).sum() / (a | b).sum()))
    return change


def mean_dice(scores: Sequence[CaseScore]) -> list[list[float]]:
    """Mean over cases, per level and label."""
    return np.nanmean(np.array([score.dice for score in scores]), axis=0).tolist()


def dice_columns(scores: Sequence[CaseScore]) -> dict[str, float]:
    """Mean Dice as columns of a run's log."""
    row: dict[str, float] = {}
    for level, labels in enumerate(mean_dice(scores), start=1):
        row[f"dice_level_{level}"] = sum(labels) / len(labels)
        row |= {f"dice_level_{level}_label_{v}": dice for v, dice in enumerate(labels, start=1)}
    return row


def dice_text(scores: Sequence[CaseScore]) -> str:
    """Mean Dice as a line for people."""
    levels = (" ".join(f"{100 * dice:.2f}" for dice in labels) for labels in mean_dice(scores))
    return "Dice per level and label: " + " | ".join(levels)
