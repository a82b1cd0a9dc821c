"""Scenarios of images that lie askew or are none, and of what goes wrong in the middle of a run."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import slicer
import vtk

from CompactSegQt.SelfTest.Driver import Driver


def theResultMovesWithAVolumeUnderATransform(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    shift = vtk.vtkTransform()
    shift.Translate(30.0, -20.0, 10.0)
    shift.RotateZ(25.0)
    transform.SetMatrixTransformToParent(shift.GetMatrix())
    volume.SetAndObserveTransformNodeID(transform.GetID())
    assert driver.segment().kind == "done"
    for each in driver.logic.results(volume).levels:
        assert each.segmentationNode.GetParentTransformNode() is transform
        _assertInside(each.segmentationNode, volume)


def anObliqueVolumeIsSegmentedWhereItLies(driver: Driver) -> None:
    _segmentsWith(driver, _rotation(20.0, 35.0))


def aLeftHandedVolumeIsSegmentedWhereItLies(driver: Driver) -> None:
    _segmentsWith(driver, np.diag([1.0, -1.0, 1.0]))


def aLabelMapIsRefusedWithASentence(driver: Driver) -> None:
    volume = driver.load("small")
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.util.updateVolumeFromArray(
        labels, (slicer.util.arrayFromVolume(volume) > 0).astype("uint8")
    )
    _assertRefused(driver, labels)


def aColourImageIsRefusedWithASentence(driver: Driver) -> None:
    color = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photograph")
    slicer.util.updateVolumeFromArray(color, np.zeros((8, 9, 10, 3), np.uint8))
    _assertRefused(driver, color)


def oneFrameOfASequenceIsSegmented(driver: Driver) -> None:
    volume = driver.load("small")
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "heartbeats")
    for time in ("0", "1"):
        sequence.SetDataNodeAtValue(volume, time)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.AddProxyNode(volume, sequence, False)
    driver.choosing(volume)
    assert driver.segment().kind == "done"
    assert driver.levels(volume) == [1, 2, 3]


def _segmentsWith(driver: Driver, direction: np.ndarray) -> None:
    volume = driver.load("small")
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASDirectionMatrix(matrix)
    before = np.array([[matrix.GetElement(r, c) for c in range(3)] for r in range(3)])
    volume.SetIJKToRASDirections(*(direction @ before).ravel())
    driver.choosing(volume)
    assert driver.segment().kind == "done"
    for each in driver.logic.results(volume).levels:
        _assertInside(each.segmentationNode, volume)


def _assertInside(segmentation: Any, volume: Any) -> None:
    """What was segmented lies within the image, in the world as it is seen; nothing lies anywhere."""
    inside, outside = [0.0] * 6, [0.0] * 6
    segmentation.GetRASBounds(inside)
    if inside[0] > inside[1]:
        return
    volume.GetRASBounds(outside)
    for low in (0, 2, 4):
        assert outside[low] - 1 <= inside[low] <= inside[low + 1] <= outside[low + 1] + 1


def _assertRefused(driver: Driver, node: Any) -> None:
    driver.choosing(node)
    driver.waitUntil(lambda: driver.ui.noticeFrame.visible, "the sentence that tells why")
    sentence = driver.logic.whyNotSegmentable(node)
    assert sentence
    assert driver.ui.noticeText.text == sentence
    assert not driver.ui.segmentButton.enabled
    assert driver.ui.segmentButton.toolTip == sentence


def _rotation(aboutZ: float, aboutX: float) -> np.ndarray:
    a, b = np.deg2rad([aboutZ, aboutX])
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return z @ x


def aKilledWorkerIsAMessageAndTheNextClickWorks(driver: Driver) -> None:
    volume = driver.choosing(driver.load("held"))
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
    volume = driver.choosing(driver.load("held"))
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
    volume = driver.choosing(driver.load("held"))
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
