"""Scenarios of what goes wrong in the middle: the worker dies, the volume or the whole scene goes."""

from __future__ import annotations

import os
import signal

import slicer

from CompactSegQt.SelfTest.Driver import Driver

__all__ = ["SCENARIOS"]


def aKilledWorkerIsAMessageAndTheNextClickWorks(driver: Driver) -> None:
    volume = driver.choosing(driver.load("large"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    driver.answerNextMessage()
    os.kill(driver.logic.workerProcessId, getattr(signal, "SIGKILL", signal.SIGTERM))
    outcome = driver.finish()
    assert outcome.kind == "failed"
    assert driver.ui.noticeText.text == outcome.sentence
    assert "request" not in outcome.sentence, "the log is for helpers, not for the user"
    assert 1 in driver.levels(volume)
    driver.choosing(driver.load("small"))
    assert driver.segment().kind == "done"


def closingTheSceneInTheMiddleEndsTheRun(driver: Driver) -> None:
    volume = driver.choosing(driver.load("large"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    del volume
    slicer.mrmlScene.Clear(0)
    driver.waitUntil(lambda: driver.logic.run is None, "the end of the run")
    assert driver.outcomes[-1].kind != "done"
    assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert not driver.ui.segmentButton.enabled
    driver.choosing(driver.load("small"))
    assert driver.segment().kind == "done"


def deletingTheVolumeInTheMiddleEndsTheRun(driver: Driver) -> None:
    volume = driver.choosing(driver.load("large"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    slicer.mrmlScene.RemoveNode(volume)
    driver.waitUntil(lambda: driver.logic.run is None, "the end of the run")
    assert driver.outcomes[-1].kind != "done"
    driver.choosing(driver.load("small"))
    assert driver.segment().kind == "done"


def twoVolumesOneAfterTheOtherKeepTheirResults(driver: Driver) -> None:
    first = driver.choosing(driver.load("small"))
    driver.segment()
    second = driver.choosing(driver.load("small"))
    assert driver.ui.resultsTable.rowCount == 0
    driver.segment()
    driver.choosing(first)
    assert driver.levels(first) == driver.levels(second) == [1, 2, 3]
    assert driver.ui.resultsTable.rowCount == 3
    nodes = {
        each.segmentationNode.GetID()
        for volume in (first, second)
        for each in driver.logic.results(volume).levels
    }
    assert len(nodes) == 6


def aDeeperLevelOfAnEarlierVolumeIsComputedAnew(driver: Driver) -> None:
    first = driver.choosing(driver.load("small"))
    driver.ready()
    driver.ui.thresholdSpinBox.value = 100
    driver.segment(allLevels=False)
    assert driver.levels(first) == [1, 2]
    driver.choosing(driver.load("small"))
    driver.segment()
    driver.choosing(first)
    driver.slide(driver.ui.levelSlider, 3)
    assert driver.finish().kind == "done"
    assert driver.levels(first) == [1, 2, 3]
    assert driver.visibleLevels(first) == [3]


SCENARIOS = (
    aKilledWorkerIsAMessageAndTheNextClickWorks,
    closingTheSceneInTheMiddleEndsTheRun,
    deletingTheVolumeInTheMiddleEndsTheRun,
    twoVolumesOneAfterTheOtherKeepTheirResults,
    aDeeperLevelOfAnEarlierVolumeIsComputedAnew,
)
