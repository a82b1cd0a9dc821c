"""The wheel: it holds the library and its models, and both are found where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from Testing.repository import REPOSITORY


@pytest.fixture(scope="module")
def an_installed_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(REPOSITORY)).build(directory=str(folder), versions=["standard"])
    place = folder / "an installation with spaces, and Umläute"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def test_it_holds_the_library_and_its_models_and_nothing_else(an_installed_wheel: Path):
    assert {path.name.partition("-")[0] for path in an_installed_wheel.iterdir()} == {
        "CompactSegLib",
        "compactseg",
    }
    shipped = {
        path.name for path in (an_installed_wheel / "CompactSegLib/Resources/Models").iterdir()
    }
    assert shipped == {path.name for path in (REPOSITORY / "Resources/Models").iterdir()}


def test_the_models_are_found(an_installed_wheel: Path):
    code = (
        "import CompactSegLib; print(CompactSegLib.__file__)\n"
        "for model in CompactSegLib.list_models(): print(model.name)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "COMPACTSEG_MODELS"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=an_installed_wheel,
        env=environment | {"PYTHONPATH": str(an_installed_wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    where, *models = result.stdout.splitlines()
    assert Path(where).is_relative_to(an_installed_wheel)
    assert models[:2] == ["brain-mr", "hippocampus-mr"], "in the order that is stated"
