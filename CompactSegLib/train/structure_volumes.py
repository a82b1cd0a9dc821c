"""What training cases have of each structure, for the finished model: a result far from that can be remarked on."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.labels import Label
from CompactSegLib.model.model import ExpectedVolume
from CompactSegLib.synthesis.label_maps import LabelMap
from CompactSegLib.synthesis.tissues import AROUND, is_right
from CompactSegLib.train.training_plan import TrainingPlan


def expected_of_cases(
    cases: Sequence[PreparedCase | LabelMap], labels: Sequence[Label], plan: TrainingPlan
) -> dict[str, ExpectedVolume]:
    """What a model of these labels states of the cases it was trained on, in millilitres by label name.

    Args:
        cases: Of the training.
        labels: The model's.
        plan: That the model was trained with.
    """
    return expected_millilitres(
        [millilitres_of(case, labels, plan) for case in cases],
        names=[label.name for label in labels],
        may_lack=lost_with_the_skull(labels, plan),
    )


def expected_millilitres(
    volumes: Sequence[Sequence[float]], *, names: Sequence[str], may_lack: Collection[str] = ()
) -> dict[str, ExpectedVolume]:
    """Mean, smallest and largest volume of each label over cases.

    Args:
        volumes: Per case the millilitres of each label, from `millilitres_of`.
        names: Of the labels.
        may_lack: Names of labels that images of the training also had none of.

    Returns:
        By label name, in millilitres; empty where there are no cases.
    """
    if not volumes:
        return {}
    table = torch.tensor(volumes, dtype=torch.float64)
    least, most = torch.aminmax(table, dim=0)
    # Sums of floats may leave that range by their last digit.
    mean = table.mean(dim=0).clamp(least, most)
    least[[name in may_lack for name in names]] = 0
    columns = zip(*(each.tolist() for each in (mean, least, most)), strict=True)
    return {
        name: ExpectedVolume(*(round(value, 3) for value in column))
        for name, column in zip(names, columns, strict=True)
    }


def lost_with_the_skull(labels: Sequence[Label], plan: TrainingPlan) -> set[str]:
    """Names of labels of which images without a skull may have nothing: the fluid around the brain."""
    if not (plan.synthetic and plan.synthesis.strip_probability):
        return set()
    return {
        label.name for label in labels if plan.synthesis.classes[str(label.of_class)] == [AROUND]
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
