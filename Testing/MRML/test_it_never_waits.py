"""The event loop is never held up for long, also by large volumes.

What is held against the limit is the processor time of the main thread: other programs of the machine are not ours.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import slicer

from CompactSegMRML.Labels import VoxelBox, patchOf
from CompactSegMRML.RunParts import RunOptions
from Testing.MRML.conftest import MODEL, run, wait

MOST_SECONDS = 0.1


@pytest.fixture
def a_large_volume(warm):
    """As a head with 1 mm voxels."""
    generator = np.random.default_rng(0)
    array = generator.normal(100, 30, (180, 256, 256)).astype(np.int16)
    node = warm.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "head")
    slicer.util.updateVolumeFromArray(node, array)
    return node


def test_neither_the_click_nor_a_poll_takes_long(logic, heard, a_large_volume):
    begin = time.thread_time()
    logic.segment(a_large_volume, model=MODEL)
    click = time.thread_time() - begin
    longest = wait(logic, lambda: heard.named("progressed")[-1][2] > 0.05)
    print(f"\nclick {click:.3f} s, longest poll {longest:.3f} s")
    assert click < MOST_SECONDS
    assert longest < MOST_SECONDS


def place(logic, volume, level, labels):
    """Put labels into the scene as if the worker had sent them; return the seconds that took."""
    event = {
        "level": level, "improvement": None, "improvement_by_label": None, "seconds": 1.0, "millilitres": {},
        "blocks_run": 2, "stop": None, "stop_reason": None, "device_name": "",
        "precision": "", "messages": [],
    }  # fmt: skip
    patch, box = patchOf(labels), VoxelBox((0, 0, 0), labels.shape[::-1])
    model = next(each for each in logic.models if each.name == MODEL)
    begin = time.thread_time()
    options = RunOptions(model.name)
    logic._results.place(
        volume, event, patch, model=model, options=options, box=box, isRefining=level > 1
    )
    return time.thread_time() - begin


def test_labels_that_fill_a_large_volume_are_placed_and_compared_quickly(logic, a_large_volume):
    shape = a_large_volume.GetImageData().GetDimensions()[::-1]
    labels = [np.random.default_rng(seed).integers(0, 3, shape, dtype=np.uint8) for seed in (1, 2)]
    wait(logic, lambda: logic.models)
    took = [place(logic, a_large_volume, 1 + n % 2, labels[n % 2]) for n in range(4)]
    begin = time.thread_time()
    logic.compare(a_large_volume, 1, 2)
    compare = time.thread_time() - begin
    logic.endComparison()
    print(f"\nlongest placing {max(took):.3f} s, comparison {compare:.3f} s")
    assert max(took) < MOST_SECONDS


def test_levels_that_wait_are_taken_one_at_a_time(logic, heard, volume):
    logic.segment(volume, model=MODEL, allLevels=True)
    time.sleep(2)
    polls = 0
    while not heard.outcomes:
        ready = len(heard.named("levelReady"))
        logic.poll()
        polls += 1
        assert len(heard.named("levelReady")) <= ready + 1  # the views are drawn between two levels
        time.sleep(0.003)
        assert polls < 5000
    assert len(heard.named("levelReady")) == 3


def test_the_first_level_comes_soon_after_the_click(logic, volume):
    run(logic, volume, levels=1)  # warm
    begin, seconds = time.perf_counter(), []
    logic.levelReady.connect(receive := lambda *_: seconds.append(time.perf_counter() - begin))
    begin = time.perf_counter()
    run(logic, volume, allLevels=True)
    logic.levelReady.disconnect(receive)
    print(f"\nfrom click to level 1, warm: {seconds[0]:.2f} s")
    assert seconds[0] < 10
