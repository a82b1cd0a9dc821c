"""Scenarios with more than one model: the first is ready to be used, and what each found is kept."""

from __future__ import annotations

import slicer

from CompactSegMRML.LevelDisplay import structuresOf
from CompactSegQt.SelfTest.Driver import BRAIN, HIPPOCAMPUS, Driver
from CompactSegQt.Structures import NAME

__all__ = ["SCENARIOS"]


def theFirstModelNeedsNoChoiceAndNoRegion(driver: Driver) -> None:
    volume = driver.choosing(driver.load("large"), model=None)
    driver.ready()
    assert driver.model.name == BRAIN
    assert driver.ui.modelTable.currentRow() == 0
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text
    assert driver.segment().kind == "done"
    results = driver.logic.results(volume)
    assert results.model == BRAIN
    names = [label.name for label in driver.model.labels]
    segmentation = results.levels[-1].segmentationNode.GetSegmentation()
    assert [
        segmentation.GetNthSegment(index).GetName()
        for index in range(segmentation.GetNumberOfSegments())
    ] == names
    table = driver.ui.structuresTable
    assert table.visible
    structures = structuresOf(names)
    shown = [table.item(row, NAME).text() for row in range(table.rowCount)]
    assert shown == [structure.name for structure in structures]
    assert len({name for each in structures for name in each.segments}) == len(names)


def aWarningBeforeTheRunDoesNotHideWhatTheRunTold(driver: Driver) -> None:
    volume = driver.load("large")
    slicer.util.updateVolumeFromArray(volume, 0 * slicer.util.arrayFromVolume(volume))
    driver.choosing(volume)
    driver.segment()
    assert "Nothing was found" in driver.ui.findingsText.text
    assert "made for a region" in driver.ui.noticeText.text
    assert driver.ui.noticeButton.visible


def aModelForARegionStillSaysSoOnAWholeHead(driver: Driver) -> None:
    driver.choosing(driver.load("large"))
    driver.ready()
    assert driver.ui.noticeFrame.visible
    assert "region" in driver.ui.noticeText.text
    driver.chooseModel(BRAIN)
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text


def aRegionThatIsLeftFromBeforeIsTold(driver: Driver) -> None:
    driver.choosing(driver.load("large"))
    driver.ready()
    driver.click(driver.ui.noticeButton)
    assert driver.widget.panel.parameters.region is not None
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text
    driver.chooseModel(BRAIN)
    assert "Only the region" in driver.ui.noticeText.text
    driver.click(driver.ui.noticeButton)
    assert driver.widget.panel.parameters.region is None
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text


def switchingModelsKeepsBothResults(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"), model=BRAIN)
    driver.segment()
    brain = driver.logic.results(volume)
    driver.chooseModel(HIPPOCAMPUS)
    assert driver.logic.results(volume).model == BRAIN, "seen until there is something else"
    assert "Brain" in driver.ui.stopText.text
    driver.segment()
    hippocampus = driver.logic.results(volume)
    assert hippocampus.model == HIPPOCAMPUS
    assert driver.ui.structuresTable.rowCount == len(driver.model.labels)
    ours = [each.segmentationNode for each in (*brain.levels, *hippocampus.levels)]
    assert len(set(ours)) == len(brain.levels) + len(hippocampus.levels)
    assert all(slicer.mrmlScene.IsNodePresent(node) for node in ours)
    assert _visible(ours) == [hippocampus.levels[-1].segmentationNode]
    driver.chooseModel(BRAIN)
    again = driver.logic.results(volume)
    assert [each.segmentationNode for each in again.levels] == ours[: len(brain.levels)]
    assert [each.millilitres for each in again.levels] == [
        each.millilitres for each in brain.levels
    ]
    assert _visible(ours) == [again.levels[-1].segmentationNode]
    assert driver.ui.structuresTable.rowCount > 2
    assert "Hippocampus in" not in driver.ui.stopText.text


def _visible(nodes: list) -> list:
    return [node for node in nodes if node.GetDisplayNode().GetVisibility()]


SCENARIOS = (
    theFirstModelNeedsNoChoiceAndNoRegion,
    aWarningBeforeTheRunDoesNotHideWhatTheRunTold,
    aModelForARegionStillSaysSoOnAWholeHead,
    aRegionThatIsLeftFromBeforeIsTold,
    switchingModelsKeepsBothResults,
)
