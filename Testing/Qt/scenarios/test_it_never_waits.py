"""The window stays alive: how soon the first overlay is there, and how long events ever waited."""

from __future__ import annotations

import time

import pytest

from CompactSegQt.SelfTest.Driver import BRAIN, HIPPOCAMPUS

LONGEST_PAUSE_MS = 100
# Far more than on a free machine, whose figures are in the documents; a hang is what this would find.
LATEST_FIRST_OVERLAY_SECONDS = 60
LATEST_END_AFTER_CANCEL_SECONDS = 1


@pytest.mark.parametrize("model", [BRAIN, HIPPOCAMPUS])
def test_the_window_answers_within_a_tenth_of_a_second_all_the_time(
    driver, desktop, measured, model
):
    volume = driver.choosing(driver.load("head"), model=model)
    driver.ready()
    with desktop.watch() as pauses:
        driver.segment()
        driver.slide(driver.ui.levelSlider, 1)
        desktop.wait(0.3)
    longest = f"longest pause of the event loop, whole head at 1 mm, {model} (ms)"
    measured[longest] = pauses.longest_ms
    measured[f"of which the main thread computed at most, {model} (ms)"] = pauses.busiest_ms
    assert driver.levels(volume) == [1, 2, 3]
    # Others may have the processor meanwhile; what the panel itself takes is what it can be held to.
    assert pauses.busiest_ms <= LONGEST_PAUSE_MS


@pytest.mark.parametrize(("model", "name"), [(BRAIN, "head"), (HIPPOCAMPUS, "small")])
def test_the_first_overlay_is_there_soon_cold_and_warm(driver, desktop, measured, model, name):
    volume = driver.choosing(driver.load(name), model=model)
    driver.ready()
    driver.logic.stopWorker()
    driver.waitUntil(lambda: driver.logic.state == "stopped", "the worker to be gone")
    cold = _seconds_to_first_overlay(driver, volume)
    driver.finish()
    second = driver.choosing(driver.load(name), model=model)
    warm = _seconds_to_first_overlay(driver, second)
    driver.finish()
    measured[f"click to first overlay, worker started by the click, {model} (s)"] = cold
    measured[f"click to first overlay, worker warm, {model} (s)"] = warm
    results = driver.logic.results(second)
    measured[f"of which level 1 was computed for, {model} (s)"] = results.level(1).seconds
    assert warm < cold < LATEST_FIRST_OVERLAY_SECONDS


def test_cancel_is_answered_at_once(driver, desktop, measured):
    volume = driver.choosing(driver.load("large"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    begin = time.perf_counter()
    driver.click(driver.ui.segmentButton)
    driver.waitUntil(lambda: driver.logic.run is None, "the end of the run")
    measured["click on Cancel to the end of the run (s)"] = time.perf_counter() - begin
    assert time.perf_counter() - begin < LATEST_END_AFTER_CANCEL_SECONDS


def _seconds_to_first_overlay(driver, volume):
    driver.ui.thresholdSpinBox.value = 0
    begin = time.perf_counter()
    driver.click(driver.ui.segmentButton)
    driver.waitUntil(
        lambda: 1 in driver.levels(volume) and driver.visibleLevels(volume), "the first overlay"
    )
    return time.perf_counter() - begin
