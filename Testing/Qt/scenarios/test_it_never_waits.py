"""The window stays alive whatever the worker does. Times are printed, and decide nothing: they are the machine's."""

from __future__ import annotations

import psutil
import pytest

from CompactSegQt.SelfTest.Driver import BRAIN


@pytest.fixture
def held(driver):
    """Holds the worker up, so that it answers nothing; it goes on at the end."""
    stopped = []

    def hold():
        stopped.append(driver.logic.workerProcessId)
        psutil.Process(stopped[-1]).suspend()

    yield hold
    for process in stopped:
        psutil.Process(process).resume()


def test_each_level_of_a_head_is_placed_in_a_turn_of_its_own(driver, desktop, measured):
    volume = driver.choosing(driver.load("head"), model=BRAIN)
    driver.ready()
    turns = []
    with desktop.watch() as pauses:
        driver.logic.levelReady.connect(ready := lambda *_: turns.append(pauses.ticks))
        driver.segment()
        driver.logic.levelReady.disconnect(ready)
        driver.slide(driver.ui.levelSlider, 1)
        desktop.wait(0.1)
    measured["longest pause of the event loop, whole head at 1 mm (ms)"] = pauses.longest_ms
    measured["of which the main thread computed at most (ms)"] = pauses.busiest_ms
    assert driver.levels(volume) == [1, 2, 3]
    assert len(set(turns)) == 3, "two levels were placed before the views could be drawn"


def test_a_worker_that_does_not_answer_holds_nobody_up(driver, desktop, held):
    driver.choosing(driver.load("large"))
    driver.ready()
    held()
    driver.begin()
    desktop.wait(0.1)
    assert driver.logic.state == "running"
    driver.click(driver.ui.advancedButton)
    assert not driver.ui.advancedButton.collapsed
    driver.click(driver.ui.segmentButton)
    assert driver.logic.state != "running", "a click on Cancel is taken at once"
