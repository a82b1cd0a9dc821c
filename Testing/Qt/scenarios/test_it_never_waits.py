"""The window stays alive: how soon the first overlay is there, and how long events ever waited."""

from __future__ import annotations

import time

LONGEST_PAUSE_MS = 100
# Far more than on a free machine, whose figures are in the documents; a hang is what this would find.
LATEST_FIRST_OVERLAY_SECONDS = 60
LATEST_END_AFTER_CANCEL_SECONDS = 1


def test_the_window_answers_within_a_tenth_of_a_second_all_the_time(driver, desktop, measured):
    volume = driver.choosing(driver.load("head"))
    driver.ready()
    with desktop.watch() as pauses:
        driver.segment()
        driver.slide(driver.ui.levelSlider, 1)
        desktop.wait(0.3)
    measured["longest pause of the event loop, whole head at 1 mm (ms)"] = pauses.longest_ms
    measured["of which the main thread computed at most (ms)"] = pauses.busiest_ms
    assert driver.levels(volume) == [1, 2, 3]
    # Others may have the processor meanwhile; what the panel itself takes is what it can be held to.
    assert pauses.busiest_ms <= LONGEST_PAUSE_MS


def test_the_first_overlay_is_there_soon_cold_and_warm(driver, desktop, measured):
    volume = driver.choosing(driver.load("small"))
    driver.ready()
    driver.logic.stopWorker()
    driver.waitUntil(lambda: driver.logic.state == "stopped", "the worker to be gone")
    cold = _seconds_to_first_overlay(driver, volume)
    driver.finish()
    second = driver.choosing(driver.load("small"))
    warm = _seconds_to_first_overlay(driver, second)
    driver.finish()
    measured["click to first overlay, worker started by the click (s)"] = cold
    measured["click to first overlay, worker warm (s)"] = warm
    results = driver.logic.results(second)
    measured["of which level 1 was computed for (s)"] = results.level(1).seconds
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
    driver.check(driver.ui.allLevelsCheckBox, True)
    begin = time.perf_counter()
    driver.click(driver.ui.segmentButton)
    driver.waitUntil(
        lambda: 1 in driver.levels(volume) and driver.visibleLevels(volume), "the first overlay"
    )
    return time.perf_counter() - begin
