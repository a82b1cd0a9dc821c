"""A model that knows nothing and is small: what tests of the library need where no training is involved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model
    from CompactSegLib.network.net import MultiLevelNet
    from CompactSegLib.volume.volume import Volume


def make_tiny_net(*, seed: int = 0, classes: int = 3) -> MultiLevelNet:
    """Three levels of a few channels, with a pooled branch; untrained, but with batch norm that does something."""
    from CompactSegLib.network.config import (
        BlockConfig,
        BranchConfig,
        HeadConfig,
        LayerConfig,
        NetConfig,
    )
    from Testing.Lib.nets import random_net

    serial = BlockConfig((BranchConfig((LayerConfig(3),)),))
    parallel = BlockConfig(
        (BranchConfig((LayerConfig(2),)), BranchConfig((LayerConfig(2, dilation=2),), pool=2))
    )
    config = NetConfig(
        in_channels=1,
        classes=classes,
        blocks=(serial, parallel, parallel, serial),
        heads=(HeadConfig((LayerConfig(3, kernel=1),)),) * 3,
    )
    return random_net(config, seed=seed)


def make_tiny_model(folder: Path, **changes: Any) -> Model:
    """Write the tiny net as a model; `changes` go to ``write_model``."""
    from CompactSegLib.labels import Code, Label, Terminology
    from CompactSegLib.model.folder import write_model
    from CompactSegLib.volume.intensities import IntensityRule

    anatomy = Code("SCT", "123037004", "Anatomical Structure")
    hippocampus = Code("SCT", "5366008", "Hippocampus")
    front = Terminology(anatomy, hippocampus, Code("SCT", "255549009", "Anterior"))
    settings: dict[str, Any] = {
        "net": make_tiny_net(),
        "name": folder.name,
        "title": "A tiny model",
        "description": "It was never trained and segments nothing in particular.",
        "labels": (
            Label(1, "Anterior hippocampus", (230, 159, 0), front),
            Label(2, "Posterior hippocampus", (86, 180, 233)),
        ),
        "modality": "MR T1",
        "orientation": "RAS",
        "spacing_mm": (1.0, 1.0, 1.0),
        "intensity": IntensityRule("zscore"),
        "validation": [
            {"dice": 0.81, "dice_by_label": {"Anterior hippocampus": 0.82}, "cases": 7},
            {"dice": 0.85, "dice_by_label": {"Anterior hippocampus": 0.86}, "cases": 7},
            {},
        ],
        "threshold": 0.01,
        "provenance": {"data": {"name": "noise", "cases": 0}, "limits": ["Knows nothing."]},
        "licence": "CC-BY-SA-4.0",
    }
    return write_model(folder, **(settings | changes))


@pytest.fixture(scope="session")
def the_tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Read only; a test that changes its folder takes ``a_model_folder``."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def a_model_folder(tmp_path: Path) -> Path:
    """A model folder of the test's own, to be damaged."""
    return make_tiny_model(tmp_path / "tiny").folder


@pytest.fixture
def write_tiny_model() -> Callable[..., Model]:
    """``write_model`` with everything filled in but what the test changes."""
    return make_tiny_model


@pytest.fixture
def a_tiny_net() -> MultiLevelNet:
    return make_tiny_net()


@pytest.fixture
def a_volume_file(tmp_path: Path, an_oblique_volume: Volume) -> Path:
    """A NIfTI file called ``brain.nii.gz``."""
    return write_nifti(an_oblique_volume, tmp_path / "brain.nii.gz")


@pytest.fixture
def a_dataset_folder(tmp_path: Path) -> Path:
    """A Decathlon folder of six small balls with a front and a back half."""
    from Testing.Lib.dataset_files import write_dataset

    return write_dataset(tmp_path / "Task99_Balls")


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What matplotlib would render is written as a dot: in a run as small as a test's it takes longer than all else."""
    from matplotlib.image import imsave

    def write_dot(_figure: Any, path: Path, **_options: Any) -> None:
        imsave(path, np.zeros((1, 1, 3)), format="png")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", write_dot)


def write_nifti(volume: Volume, path: Path) -> Path:
    import SimpleITK

    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(volume.geometry.to_sitk(volume.array[0]), str(path))
    return path
