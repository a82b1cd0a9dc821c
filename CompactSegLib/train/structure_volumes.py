"""What training cases have of each structure, for the finished model: a result far from that can be remarked on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.labels import Label
from CompactSegLib.model.model import ExpectedVolume
from CompactSegLib.synthesis.label_maps import LabelMap
from CompactSegLib.synthesis.tissues import is_right
from CompactSegLib.train.training_plan import TrainingPlan

__all__ = ["expected_millilitres", "millilitres_of"]


def expected_millilitres(
    volumes: Sequence[Sequence[float]], *, names: Sequence[str]
) -> dict[str, ExpectedVolume]:
    """Mean, smallest and largest volume of each label over cases.

    Args:
        volumes: Per case the millilitres of each label, from `millilitres_of`.
        names: Of the labels.

    Returns:
        By label name, in millilitres; empty where there are no cases.
    """
    if not volumes:
        return {}
    table = torch.tensor(volumes, dtype=torch.float64)
    least, most = torch.aminmax(table, dim=0)
    # Sums of floats may leave that range by their last digit.
    mean = table.mean(dim=0).clamp(least, most)
    columns = zip(*(each.tolist() for each in (mean, least, most)), strict=True)
    return {
        name: ExpectedVolume(*(round(value, 3) for value in column))
        for name, column in zip(names, columns, strict=True)
    }


def millilitres_of(
    case: PreparedCase | LabelMap, labels: Sequence[Label], plan: TrainingPlan
) -> list[float]:
    """How much a training case has of each label.

    Args:
        case: The case.
        labels: The model's; only label maps know those with sides.
        plan: Spacing of cases, and which values of label maps make which class.
    """
    if isinstance(case, LabelMap):
        voxel = math.prod(case.spacing_mm) / 1000
        return [
            voxel
            * sum(
                case.voxels.get(value, 0)
                for value in plan.synthesis.classes[str(label.of_class)]
                if label.side is None or is_right(value) == (label.side == "right")
            )
            for label in labels
        ]
    counts = torch.bincount(case.labels.flatten().int(), minlength=256).tolist()
    return [counts[label.of_class] * math.prod(plan.spacing_mm) / 1000 for label in labels]
