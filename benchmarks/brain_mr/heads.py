"""The label maps that a model was not trained on, with the truth in the model's labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from CompactSegLib import Geometry, InputError, Model
from CompactSegLib.datasets.trained_on import NO, training_membership
from CompactSegLib.synthesis.label_maps import classes_of, find_label_maps
from CompactSegLib.synthesis.tissues import tissue_of
from CompactSegLib.train.training_plan import TrainingPlan


@dataclass(frozen=True)
class Head:
    """A head as tissues, on the label map's own grid.

    Attributes:
        name: The case.
        geometry: The grid.
        tissues: ``(K, J, I)`` uint8, indices into `values`; left and right are one tissue.
        values: FreeSurfer's value of each tissue, 0 (air) first.
        truth: ``(K, J, I)`` uint8, labels of the model.
    """

    name: str
    geometry: Geometry
    tissues: NDArray[np.uint8]
    values: tuple[int, ...]
    truth: NDArray[np.uint8]


def held_out_heads(folder: Path, model: Model) -> list[Head]:
    """Read the label maps of a folder that the model says it was not trained on.

    Raises:
        InputError: There are none, or the model was not trained on synthetic images.
    """
    plan = TrainingPlan.from_dict(model.provenance.get("plan"))
    if not plan.synthesis.classes:
        raise InputError(
            f"model {model.name}: expected one trained on synthetic images, whose plan says which values make "
            "which label; give such a model."
        )
    dataset = find_label_maps(folder, plan)
    seen = training_membership(model, dataset)
    files = [case.labels for case in dataset.cases if seen[case.name] == NO]
    if not files:
        raise InputError(
            f"{folder}: expected label maps that {model.name} was not trained on, found none among "
            f"{len(dataset.cases)}; give the model of a fold."
        )
    return [_read(file, plan) for file in files]


def _read(file: Path, plan: TrainingPlan) -> Head:
    image = SimpleITK.ReadImage(str(file))
    found, inverse = np.unique(SimpleITK.GetArrayFromImage(image), return_inverse=True)
    values = sorted({0, *(tissue_of(int(value)) for value in found)})
    index = np.array([values.index(tissue_of(int(value))) for value in found], np.uint8)
    tissues = index[inverse.reshape(image.GetSize()[::-1])]
    truth = classes_of(values, plan.synthesis).numpy()[tissues]
    name = file.name.removesuffix(".gz").rpartition(".")[0]
    return Head(name, Geometry.from_sitk(image), tissues, tuple(values), truth)
