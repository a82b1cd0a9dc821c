"""The command, run in this process, and something for it to work on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner, Result

from CompactSegLib.cli.app import app
from CompactSegLib.files import write_picture


@pytest.fixture(autouse=True)
def only_the_tiny_model(the_tiny_model, monkeypatch):
    """By name there is ``tiny`` and nothing else, whatever ships."""

    def nothing_ships(_name: str) -> Path:
        raise FileNotFoundError

    monkeypatch.setenv("COMPACTSEG_MODELS", str(the_tiny_model.folder.parent))
    monkeypatch.setattr("CompactSegLib.model.registry.find_resource", nothing_ships)


@pytest.fixture
def drawn_pictures(monkeypatch) -> None:
    """Pictures as users get them, with fewer pixels."""
    monkeypatch.setattr("CompactSegLib.output.picture._DPI", 30)
    monkeypatch.setattr("CompactSegLib.judge.chart._DPI", 30)


@pytest.fixture(autouse=True)
def blank_pictures(request, monkeypatch) -> None:
    """A dot in the place of each picture, but for a test that takes ``drawn_pictures``."""
    if "drawn_pictures" in request.fixturenames:
        return
    request.getfixturevalue("blank_figures")

    def draw(volume, levels, *, labels, path, subtitle=""):
        write_picture(path, Figure())

    monkeypatch.setattr("CompactSegLib.output.picture.draw_levels", draw)


def refusal_of(result: Result, tmp_path: Path) -> str:
    """The one sentence of a command that could not do as asked, and wrote nothing to ``out``."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").strip()


@pytest.fixture
def compactseg() -> Callable[..., Result]:
    """``compactseg("models", "--json")`` runs the command; arguments may be paths and numbers."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def segment(compactseg, a_volume_file: Path, tmp_path: Path) -> Callable[..., Result]:
    """Segment ``brain.nii.gz`` with the tiny model into ``out``; more options may be given."""

    def run(*options: object, volume: Path = a_volume_file) -> Result:
        return compactseg(
            "segment",
            volume,
            "--model",
            "tiny",
            "--output",
            tmp_path / "out",
            "--device",
            "cpu",
            *options,
        )

    return run


@pytest.fixture
def a_folder_of_cases(a_volume_file: Path, tmp_path: Path) -> Path:
    """Two good cases with a bad one between them, and a file that is none."""
    folder = tmp_path / "cases"
    folder.mkdir()
    shutil.copy(a_volume_file, folder / "a.nii.gz")
    (folder / "b.nii.gz").write_bytes(b"no image")
    shutil.copy(a_volume_file, folder / "c.nii.gz")
    (folder / "notes.txt").write_text("notes")
    return folder
