"""CompactSeg as Slicer's build would install it, made once with CMake and stand-ins of Slicer's macros."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import cmake
import pytest

from Testing.repository import REPOSITORY

STANDIN = Path(__file__).resolve().parent / "standin"
MODULES = Path("lib/Slicer-5.12/qt-scripted-modules")


@dataclass(frozen=True)
class Extension:
    """A build folder and what was installed from it."""

    build: Path
    modules: Path


@pytest.fixture(scope="session")
def the_installed_extension(tmp_path_factory: pytest.TempPathFactory) -> Extension:
    program = Path(cmake.CMAKE_BIN_DIR) / "cmake"
    folder = tmp_path_factory.mktemp("eine Erweiterung für 3D Slicer – 医用画像")
    build, place = folder / "build", folder / "Slicer"
    switches = {
        "CMAKE_TOOLCHAIN_FILE": STANDIN / "NoCompiler.cmake",
        "Slicer_DIR": STANDIN,
    }
    for command in (
        ["-S", REPOSITORY, "-B", build, *(f"-D{name}={value}" for name, value in switches.items())],
        ["--build", build],
        ["--install", build, "--prefix", place],
    ):
        subprocess.run([program, *command], check=True, capture_output=True, text=True)
    return Extension(build, place / MODULES)
