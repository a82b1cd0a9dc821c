"""A dataset small enough to train on in a test: a bright ball with a darker half in noise."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from CompactSegLib.network import NetConfig
from CompactSegLib.training.plan import AugmentationPlan, TrainingPlan

SHAPE_KJI = (12, 14, 10)


def write_image(path: Path, array: np.ndarray, *, origin=(0.0, 0.0, 0.0)) -> None:
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


@pytest.fixture
def a_dataset_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Task99_Balls"
    training = []
    for number in range(6):
        image, labels = a_case(number)
        name = f"ball_{number:03d}.nii.gz"
        write_image(folder / "imagesTr" / name, image)
        write_image(folder / "labelsTr" / name, labels)
        training.append({"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"})
    write_description(folder, training)
    return folder


def write_description(folder: Path, training: list[dict[str, str]]) -> None:
    description = {
        "name": "Balls",
        "licence": "CC0",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Front", "2": "Back"},
        "training": training,
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")


@pytest.fixture
def a_tiny_net() -> NetConfig:
    layer = {"channels": 6}
    pooled = {"layers": [layer], "pool": 2}
    return NetConfig.from_dict(
        {
            "in_channels": 1,
            "classes": 3,
            "blocks": [
                {"branches": [{"layers": [layer]}]},
                *[{"branches": [{"layers": [layer]}, pooled]} for _ in range(3)],
            ],
            "heads": [{"layers": [layer]} for _ in range(3)],
        }
    )


@pytest.fixture
def a_short_plan() -> TrainingPlan:
    return TrainingPlan(
        name="balls",
        steps=12,
        batch=2,
        patch=(12, 12, 12),
        warmup=3,
        learning_rate=0.01,
        precision="fp32",
        validate_every=6,
        checkpoint_every=4,
        log_every=1,
        workers=0,
        augmentation=AugmentationPlan(mirror_axes=(2,), elastic_probability=0.5),
    )
