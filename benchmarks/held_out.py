"""The cases that a model can be judged by, prepared as it was trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.datasets.trained_on import choose_cases, training_membership
from CompactSegLib.model.model import Model
from CompactSegLib.train.training_plan import TrainingPlan


def held_out_cases(data: Path, model: Model) -> list[PreparedCase]:
    """Those of a dataset that the model was not trained on.

    Raises:
        CompactSegError: There are none, or they cannot be read.
    """
    dataset = read_dataset(data)
    files = choose_cases(dataset, training_membership(model, dataset), which=None)
    plan = TrainingPlan.from_dict(model.provenance["plan"])
    return load_cases(dataclasses.replace(dataset, cases=tuple(files)), plan)
