"""What trains in a test: a small net and a short plan."""

import pytest

from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.training_plan import AugmentationPlan, TrainingPlan


@pytest.fixture(autouse=True)
def blank_curves(blank_figures) -> None:
    """Each finished run draws its curves; those of `test_curves` are looked at."""


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
