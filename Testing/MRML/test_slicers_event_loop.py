"""Slicer's event loop keeps the GIL between calls into Python: threads of the module run only while one of its slots
does. PySide6's loop, which the other tests have, frees it. Here both kinds are tried, with the same worker.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
import time

import numpy as np
import pytest
import slicer

from CompactSegMRML.CompactSegLogic import CompactSegLogic
from Testing.MRML.conftest import FAKE_WORKER, MODEL
from Testing.waiting import LONGEST_SECONDS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the event loop is played by libc, an end heard by a pidfd"
)

POLL_MICROSECONDS = 30_000
MOST_MILLISECONDS = 20_000
MOST_POLLS = 20
"""Until a level is shown: 2 or 3 in a loop that keeps the GIL, and 100 to 300 before the polls let the threads run."""


class Asked(ctypes.Structure):
    """C's pollfd, here of a process: it can be read when the process ended."""

    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


@pytest.fixture(scope="module")
def loops():
    """By name, what the event loop does between two polls: a C function that keeps the GIL, or one that frees it."""
    return {
        "keeps": lambda: ctypes.PyDLL(None).usleep(POLL_MICROSECONDS),
        "frees": lambda: ctypes.CDLL(None).usleep(POLL_MICROSECONDS),
    }


@pytest.fixture
def a_logic(scene):
    logic = CompactSegLogic(scene, workerCommand=f'"{sys.executable}" "{FAKE_WORKER}" 0.1')
    yield logic
    logic.close()


@pytest.fixture
def a_head(scene):
    """9 million voxels: labels of as many bytes come back for each level."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "head")
    array = np.random.default_rng(0).integers(0, 200, (176, 224, 224), dtype=np.int16)
    slicer.util.updateVolumeFromArray(node, array)
    return node


def until(condition, step):
    end = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        step()


def polls_from_log_to_levels(logic, volume, loop):
    """The worker writes a line when it has a level; how many polls until each of them was shown."""
    said, shown, done, polls = [], [], [], 0

    def hear(line):
        if "blocks run" in line:
            said.append(polls)

    def see(_volume, _level):
        shown.append(polls - said[-1])

    def step():
        nonlocal polls
        polls += 1
        logic.poll()
        loop()

    signals = {logic.logged: hear, logic.levelReady: see, logic.finished: done.append}
    for signal, receiver in signals.items():
        signal.connect(receiver)
    logic.startWorker()
    until(lambda: logic.state == "ready", step)
    logic.segment(volume, model=MODEL, allLevels=True)
    until(lambda: done, step)
    for signal, receiver in signals.items():
        signal.disconnect(receiver)
    assert done[0].kind == "done", done[0].sentence
    return shown


@pytest.mark.parametrize("kind", ["keeps", "frees"])
def test_a_level_is_shown_soon_in_a_loop_that_keeps_the_gil_or_frees_it(
    kind, a_logic, a_head, loops
):
    took = polls_from_log_to_levels(a_logic, a_head, loops[kind])
    print(f"\npolls from the worker's word to the level on the screen: {took}")
    assert np.median(took) < MOST_POLLS


def test_a_worker_that_is_stopped_hears_of_it_though_nobody_polls_any_more(a_logic, loops):
    a_logic.startWorker()
    until(lambda: a_logic.state == "ready", lambda: (a_logic.poll(), loops["keeps"]()))
    asked = Asked(os.pidfd_open(a_logic.workerProcessId), select.POLLIN)
    a_logic.stopWorker()
    # No Python meanwhile, and so none of the threads that could still send.
    ended = ctypes.PyDLL(None).poll(ctypes.byref(asked), 1, MOST_MILLISECONDS)
    os.close(asked.fd)
    assert ended == 1, "it waits for a message that no thread could send"


WITHOUT_PACKAGES = """
import runpy, sys
sys.modules.update(dict.fromkeys(["torch", "safetensors", "SimpleITK", "nibabel", "monai", "typer"]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_fake_worker_needs_only_what_slicers_python_has(scene, a_head, tmp_path):
    starter = tmp_path / "without_packages.py"
    starter.write_text(WITHOUT_PACKAGES, encoding="utf-8")
    logic = CompactSegLogic(
        scene, workerCommand=f'"{sys.executable}" "{starter}" "{FAKE_WORKER}" 0'
    )
    outcomes = []
    logic.finished.connect(outcomes.append)
    logic.startWorker()
    until(lambda: logic.state != "starting", logic.poll)
    assert logic.problem is None
    logic.segment(a_head, model=MODEL, levels=2, allLevels=True)
    until(lambda: outcomes, logic.poll)
    logic.close()
    assert outcomes[0].kind == "done", outcomes[0].sentence
