"""What all tests share: volumes named after what is special about them, and equal conditions."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

if TYPE_CHECKING:
    from CompactSegLib.volume.volume import Volume

# Before anything imports torch, ITK or matplotlib, and inherited by the processes that tests start.
# One thread: the arrays of tests are so small that a second one costs more than it gives.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# It comes with PyTorch for CUDA, and its LLVM ends a process that has drawn with Mesa's before.
with suppress(ImportError):
    import triton  # noqa: F401

# CI draws the same examples each time, so that a change fails for what it changed.
# To look for new ones: HYPOTHESIS_PROFILE=explore make test
hypothesis.settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=30
)
hypothesis.settings.register_profile(
    "quick", derandomize=True, deadline=None, database=None, max_examples=4
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=500)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

REPOSITORY = Path(__file__).resolve().parent.parent

# What is imported and collected stays until the end, and need not be looked through for garbage: 209 tests of three
# files, with all that is collected beside them, take 13.6 CPU seconds, and took 16.2.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take longest begins first: at the end one core would wait for it."""
    items.sort(key=lambda item: -_most_seconds(item))


def _most_seconds(item: pytest.Item) -> float:
    usual = float(item.config.getini("timeout") or 0)
    marker = item.get_closest_marker("timeout")
    return max(usual, marker.args[0]) if marker else usual


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int):
    """Skips are not green: a run in which each test was skipped fails."""
    result = yield
    if hasattr(
        session.config, "workerinput"
    ):  # one of several processes, whose share may all be skipped
        return result
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    looks_green = exitstatus == pytest.ExitCode.OK and not session.config.option.collectonly
    if looks_green and not any(reporter.stats.get(kind) for kind in ("passed", "xfailed")):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        reporter.write_line("Nothing ran: every test was skipped.", red=True)
    return result


@pytest.fixture
def an_oblique_volume() -> Volume:
    """Axes turned by 20 and 10 degrees, three different spacings, an origin far from zero."""
    a, b = np.deg2rad([20.0, 10.0])
    about_s = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_l = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return _volume("oblique", spacing_mm=(0.9, 1.1, 1.7), direction=about_s @ about_l)


@pytest.fixture
def a_left_handed_volume() -> Volume:
    """One axis mirrored, as some converters write it: the direction's determinant is -1."""
    return _volume("left-handed", direction=np.diag([-1.0, 1.0, 1.0]))


@pytest.fixture
def a_sagittal_volume() -> Volume:
    """Thick sagittal slices: i runs to posterior, j to inferior, k to left."""
    direction = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    return _volume("sagittal", spacing_mm=(0.8, 0.8, 3.0), direction=direction)


@pytest.fixture(scope="session")
def the_hippocampus_data() -> Path:
    """The Decathlon's hippocampus crops, which lie beside the repository and are not part of it."""
    folder = REPOSITORY.parent / "shared" / "data" / "hippocampus"
    if not (folder / "dataset.json").is_file():
        pytest.skip("needs the hippocampus crops (Decathlon Task04) in ../shared/data/hippocampus")
    return folder


@pytest.fixture(scope="session")
def a_slicer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that takes Slicer's switches and runs a module in the desktop of Testing/Qt."""
    if os.name == "nt":
        pytest.skip("the stand-in for Slicer is started by a shell script")
    program = tmp_path_factory.mktemp("Slicer") / "Slicer"
    code = REPOSITORY / "Testing/Slicer/standin_slicer.py"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{code}' \"$@\"\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def _volume(name: str, *, spacing_mm=(1.0, 1.0, 1.0), direction: np.ndarray) -> Volume:
    """A bright ball on smooth noise, so that nearby voxels resemble each other as in an image."""
    from CompactSegLib.volume.geometry import Geometry
    from CompactSegLib.volume.volume import Volume

    geometry = Geometry(
        size_ijk=(22, 19, 17),
        spacing_mm=spacing_mm,
        origin_lps_mm=(-31.5, 47.25, 112.0),
        direction_lps=tuple(direction.ravel()),
    )
    generator = np.random.default_rng(0)
    kji = np.indices(geometry.shape_kji)
    centre = np.array(geometry.shape_kji).reshape(3, 1, 1, 1) / 2
    ball = np.sum((kji - centre) ** 2, axis=0) < 30
    array = 100 * ball + 20 * np.sin(kji / 3).sum(axis=0) + generator.normal(0, 2, ball.shape)
    return Volume(array=array[None].astype(np.float32), geometry=geometry, name=name)
