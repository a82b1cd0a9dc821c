"""A Decathlon folder small enough to train and evaluate on in a test: bright balls with a darker half, in noise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK

SHAPE_KJI = (12, 14, 10)


def write_image(path: Path, array: np.ndarray, *, origin=(0.0, 0.0, 0.0)) -> None:
    """Write a NIfTI file whose axes run to right, anterior and superior."""
    image = SimpleITK.GetImageFromArray(array)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    image.SetOrigin(origin)
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path))


def a_case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels: 1 is the front half of a ball, 2 the back half."""
    random = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.arange(n) for n in SHAPE_KJI), indexing="ij")
    centre = np.array(SHAPE_KJI) / 2 + random.uniform(-1, 1, 3)
    ball = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)) < 4.2**2
    labels = np.where(ball, np.where(axes[1] > centre[1], 1, 2), 0).astype(np.uint8)
    image = 10.0 * (labels == 1) + 6.0 * (labels == 2) + random.normal(size=SHAPE_KJI)
    return image.astype(np.float32), labels


def write_dataset(folder: Path, *, cases: int = 6) -> Path:
    """Write a dataset of the cases ``ball_000``, ``ball_001`` and so on; returns its folder."""
    training = []
    for number in range(cases):
        image, labels = a_case(number)
        name = f"ball_{number:03d}.nii.gz"
        write_image(folder / "imagesTr" / name, image)
        write_image(folder / "labelsTr" / name, labels)
        training.append({"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"})
    description = {
        "name": "Balls",
        "licence": "CC0",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Front", "2": "Back"},
        "training": training,
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder
