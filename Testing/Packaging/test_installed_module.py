"""The installed module works with nothing of the checkout: it is imported from there, and segments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.repository import REPOSITORY

# The main ones; all of them run on the checkout (Testing/Qt/scenarios), and in Slicer (Testing/Slicer).
SCENARIOS = (
    "segmenting gives each level a node of its own",
    "a threshold stops early and the panel says so",
    "the slider shows one level and computes only what is missing",
    "comparing shows two levels and comes back",
    "an edited copy is left alone by the next run",
)


def test_the_library_is_found_beside_the_module_and_its_models_with_it(the_installed_extension):
    place = the_installed_extension.modules
    code = (
        "import CompactSegLib, CompactSegMRML; print(CompactSegLib.__file__); print(CompactSegMRML.__file__)\n"
        "for model in CompactSegLib.list_models(): print(model.folder)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "COMPACTSEG_MODELS"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place.parent,
        env=environment | {"PYTHONPATH": str(place), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    lines = [Path(line) for line in result.stdout.splitlines()]
    assert len(lines) >= 3
    assert all(line.is_relative_to(place) for line in lines)


@pytest.mark.timeout(600)
def test_the_main_scenarios_pass(the_installed_extension, a_slicer):
    """The stand-in of Slicer refuses a module that takes anything from the checkout."""
    only = [word for name in SCENARIOS for word in ("--only", name)]
    result = subprocess.run(
        [
            sys.executable,
            REPOSITORY / "Testing/Slicer/run_in_slicer.py",
            a_slicer,
            "--module",
            the_installed_extension.modules,
            *only,
        ],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(SCENARIOS)} of {len(SCENARIOS)} scenarios passed" in result.stdout
