"""A small head for tests: an ellipsoid of white matter in grey matter, in fluid, in skull, with two thalami."""

import numpy as np
import SimpleITK
import torch

from CompactSegLib.synthesis.contrast import Contrast, outside_brain
from CompactSegLib.synthesis.label_maps import read_label_map
from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.train.training_plan import TrainingPlan

CLASSES = {"1": [2, 41], "2": [3, 42], "3": [10, 49]}
NOTHING_RANDOM = {
    "mirror_probability": 0.0,
    "rotation_degrees": 0.0,
    "scale": (1.0, 1.0),
    "shear": 0.0,
    "elastic_mm": 0.0,
    "strip_probability": 0.0,
    "crop_probability": 0.0,
    "decoy_probability": 0.0,
}


def a_plan(**synthesis) -> TrainingPlan:
    settings = {key: synthesis.pop(key) for key in ("patch", "spacing_mm") if key in synthesis}
    return TrainingPlan(
        intensity={"rule": "percentiles", "low": 0.5, "high": 99.5},
        synthesis=SynthesisPlan(classes=CLASSES, **synthesis),
        **{
            "patch": (16, 16, 16),
            "spacing_mm": (2.0, 2.0, 2.0),
            "steps": 10,
            "batch": 2,
            **settings,
        },
    )


def a_contrast(values, means, *, spread: float) -> Contrast:
    """Means by the values of the label map, 0 where none is given."""
    found = torch.tensor([float(means.get(value, 0.0)) for value in values])
    textures, shading = torch.zeros(2, len(values))
    return Contrast(
        means=found[None],
        spreads=torch.where(found > 0, spread, 0.0),
        textures=textures,
        outside=outside_brain(values),
        shading=shading,
        slopes=torch.zeros(len(values), 2),
    )


def head_array(shape=(44, 48, 40)) -> np.ndarray:
    """FreeSurfer's values ``(K, J, I)``; i runs to the left."""
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.sqrt(k**2 + j**2 + i**2)
    left = i > 0
    array = np.zeros(shape, dtype=np.int16)
    array[radius < 0.95] = 515
    array[radius < 0.8] = 24
    array[(radius < 0.7) & left], array[(radius < 0.7) & ~left] = 3, 42
    array[(radius < 0.5) & left], array[(radius < 0.5) & ~left] = 2, 41
    thalamus = (np.abs(np.abs(i) - 0.25) < 0.12) & (np.abs(j) < 0.12) & (np.abs(k) < 0.12)
    array[thalamus & left], array[thalamus & ~left] = 10, 49
    return array


def write_head(path, array=None, spacing=(1.0, 1.0, 1.0), direction=None):
    image = SimpleITK.GetImageFromArray(head_array() if array is None else array)
    image.SetSpacing(spacing)
    if direction:
        image.SetDirection(direction)
    SimpleITK.WriteImage(image, str(path))
    return path


def a_head(folder, plan=None, **file):
    return read_label_map(write_head(folder / "head.nii.gz", **file), plan or a_plan())
