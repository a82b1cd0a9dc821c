"""The cases that a model can be judged by, prepared as it was trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from CompactSegLib.models.model import Model
from CompactSegLib.training.cases import load_cases
from CompactSegLib.training.dataset import PreparedCase
from CompactSegLib.training.folders import read_dataset
from CompactSegLib.training.plan import TrainingPlan
from CompactSegLib.training.seen import choose_cases, seen_in_training


def held_out_cases(data: Path, model: Model) -> list[PreparedCase]:
    """Those of a dataset that the model was not trained on.

    Raises:
        CompactSegError: There are none, or they cannot be read.
    """
    dataset = read_dataset(data)
    files = choose_cases(dataset, seen_in_training(model, dataset), which=None)
    plan = TrainingPlan.from_dict(model.provenance["plan"])
    return load_cases(dataclasses.replace(dataset, cases=tuple(files)), plan)
