"""The event loop is never held up for long, also by large volumes.

What counts is how much is done between two turns of the loop, not how long that takes on some machine.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
import slicer

from CompactSegMRML import RunRequest
from CompactSegMRML.Labels import VoxelBox, cropLevels, patchOf
from CompactSegMRML.RunRequest import STEP_BYTES, Current, RunOptions
from Testing.MRML.conftest import MODEL, wait

MOST_COPIES = 1.5
"""Of all labels of a level, by NumPy, while it is placed."""


@pytest.fixture
def a_large_volume(warm):
    """As a head with 1 mm voxels."""
    generator = np.random.default_rng(0)
    array = generator.normal(100, 30, (180, 256, 256)).astype(np.int16)
    node = warm.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "head")
    slicer.util.updateVolumeFromArray(node, array)
    return node


def test_a_large_volume_is_copied_in_steps_between_which_events_are_handled(
    logic, heard, a_large_volume, monkeypatch
):
    monkeypatch.setattr(RunRequest, "COPY_SECONDS", 0)
    wait(logic, lambda: logic.state == "ready")
    logic.segment(a_large_volume, model=MODEL)
    polls = 0
    while heard.named("progressed")[-1][3] != "Sending the volume":
        logic.poll()
        polls += 1
    size = slicer.util.arrayFromVolume(a_large_volume).nbytes
    assert size // STEP_BYTES <= polls <= size // STEP_BYTES + 2


def place(logic, volume, level, labels):
    """Put labels into the scene as if the worker had sent them."""
    event = {
        "level": level, "improvement": None, "improvement_by_label": None, "seconds": 1.0, "millilitres": {},
        "blocks_run": 2, "stop": None, "stop_reason": None, "device_name": "",
        "precision": "", "messages": [],
    }  # fmt: skip
    patch, box = patchOf(labels), VoxelBox((0, 0, 0), labels.shape[::-1])
    model = next(each for each in logic.models if each.name == MODEL)
    kept = "of a level before" if level > 1 else None
    current = Current(None, volume, RunOptions(model.name), box, "this", kept, began=0.0)
    logic._results.place(current, event, patch, model=model, sent=None)


def test_labels_that_fill_a_large_volume_are_placed_without_copies_of_them(logic, a_large_volume):
    shape = a_large_volume.GetImageData().GetDimensions()[::-1]
    labels = [np.random.default_rng(seed).integers(0, 3, shape, dtype=np.uint8) for seed in (1, 2)]
    wait(logic, lambda: logic.models)
    for n in range(4):  # into a new node, and into one that has labels
        tracemalloc.start()
        try:
            place(logic, a_large_volume, 1 + n % 2, labels[n % 2])
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert most < MOST_COPIES * labels[0].nbytes


def test_levels_that_wait_are_taken_one_at_a_time(logic, heard, volume, monkeypatch):
    wait(logic, lambda: logic.state == "ready")
    said = []

    def cropped(frame):
        said.append(frame.message["event"])
        return cropLevels(frame)

    monkeypatch.setattr("CompactSegMRML.WorkerProcess.cropLevels", cropped)
    logic.segment(volume, model=MODEL, allLevels=True)
    while "done" not in said:  # nothing is taken meanwhile
        logic._running.step()
        time.sleep(0.005)
    while not heard.outcomes:
        ready = len(heard.named("levelReady"))
        logic.poll()
        assert len(heard.named("levelReady")) <= ready + 1  # the views are drawn between two levels
    assert len(heard.named("levelReady")) == 3
