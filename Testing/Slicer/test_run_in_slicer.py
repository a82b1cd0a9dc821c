"""The script that runs the self-test in Slicer: what it says of a Slicer that passes, fails, hangs or runs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ONE = "a label map is refused with a sentence"


def run_in(slicer: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, HERE / "run_in_slicer.py", slicer, *map(str, arguments)],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def a_program(tmp_path: Path):
    """Makes a program that does what a line of shell says."""

    def make(line: str) -> Path:
        program = tmp_path / "Slicer"
        program.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def a_module(tmp_path: Path):
    """Makes a module whose self-test has these scenarios."""

    def make(scenarios: str) -> Path:
        folder = tmp_path / "module"
        package = folder / "CompactSegQt/SelfTest"
        package.mkdir(parents=True)
        (folder / "CompactSeg.py").write_text(MODULE, encoding="utf-8")
        (folder / "CompactSegQt/__init__.py").touch()
        (folder / "CompactSegQt/Packages.py").write_text(PACKAGES, encoding="utf-8")
        (package / "Driver.py").write_text("class Driver: pass\n", encoding="utf-8")
        (package / "__init__.py").write_text(RUN + scenarios, encoding="utf-8")
        return folder

    return make


MODULE = """
from slicer.ScriptedLoadableModule import ScriptedLoadableModule
class CompactSeg(ScriptedLoadableModule):
    pass
"""
PACKAGES = """
class Packages:
    def missing(self):
        return []
"""
RUN = """
sentence = str
def runScenario(driver, scenario):
    scenario()
def first(): pass
def second(): assert 1 == 2, "one is not two"
def third(): import os; os._exit(3)
"""


def test_a_scenario_that_passes_gives_status_0(a_slicer):
    result = run_in(a_slicer, "--only", ONE)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"passed: {ONE}" in result.stdout
    assert "1 of 1 scenarios passed" in result.stdout


def test_words_that_no_scenario_has_are_no_success(a_slicer):
    result = run_in(a_slicer, "--only", "no such scenario")
    assert result.returncode == 2
    assert "0 of 0 scenarios passed" in result.stdout


def test_a_scenario_that_fails_gives_status_1_its_traceback_and_lets_the_others_run(
    a_slicer, a_module
):
    result = run_in(a_slicer, "--module", a_module("SCENARIOS = (second, first)"))
    assert result.returncode == 1
    assert "FAILED: second" in result.stdout
    assert "one is not two" in result.stdout
    assert "passed: first" in result.stdout


def test_a_slicer_that_crashes_says_how_far_it_came(a_slicer, a_module):
    result = run_in(a_slicer, "--module", a_module("SCENARIOS = (first, third, second)"))
    assert result.returncode == 2
    assert "passed: first" in result.stdout
    assert "DID NOT RUN: third" in result.stdout
    assert "DID NOT RUN: second" in result.stdout
    assert "status 3" in result.stdout


def test_no_scenarios_are_no_success(a_slicer, a_module):
    result = run_in(a_slicer, "--module", a_module("SCENARIOS = ()"))
    assert result.returncode == 2


def test_a_module_that_can_not_be_loaded_is_no_success(a_slicer, tmp_path):
    (tmp_path / "CompactSeg.py").write_text("import no_such_package\n", encoding="utf-8")
    result = run_in(a_slicer, "--module", tmp_path)
    assert result.returncode == 2
    assert "0 of 0 scenarios passed" in result.stdout


def test_a_slicer_that_never_runs_the_script_is_no_success(a_program):
    result = run_in(a_program("exit 0"))
    assert result.returncode == 2
    assert "did not run the script" in result.stdout


def test_a_slicer_that_hangs_is_ended_with_what_it_started(a_program, tmp_path):
    child = tmp_path / "child"
    result = run_in(a_program(f"sleep 60 & echo $! > '{child}'; wait"), "--timeout", "1")
    assert result.returncode == 2
    assert "still running after 1 s" in result.stdout
    assert not is_alive(int(child.read_text()))


def test_a_program_that_is_not_there_is_told(tmp_path):
    result = run_in(tmp_path / "Slicer")
    assert result.returncode == 2
    assert "expected the program Slicer" in result.stderr


def test_a_folder_without_the_module_is_told(a_program, tmp_path):
    result = run_in(a_program("exit 0"), "--module", tmp_path)
    assert result.returncode == 2
    assert "expected the folder of CompactSeg.py" in result.stderr


def is_alive(process: int) -> bool:
    import psutil

    return psutil.pid_exists(process) and psutil.Process(process).status() != "zombie"
