"""Scenarios of the ordinary day: segment, look at levels, compare, edit, cancel, and change the model."""

from __future__ import annotations

import slicer

from CompactSegMRML.LevelDisplay import structuresOf
from CompactSegQt.SelfTest.Driver import BRAIN, HIPPOCAMPUS, Driver
from CompactSegQt.Structures import FIGURES, NAME


def segmentingGivesEachLevelANodeOfItsOwn(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    outcome = driver.segment()
    assert outcome.kind == "done", outcome.sentence
    results = driver.logic.results(volume)
    assert driver.levels(volume) == list(range(1, results.availableLevels + 1))
    assert len({each.segmentationNode.GetID() for each in results.levels}) == len(results.levels)
    assert driver.visibleLevels(volume) == [results.availableLevels]
    assert driver.ui.resultsTable.rowCount == results.availableLevels
    assert driver.ui.levelSlider.value == results.availableLevels
    assert str(results.availableLevels) in driver.ui.stopText.text
    tooltips = [driver.ui.resultsTable.item(row, 1).toolTip() for row in range(2)]
    assert "no level before it" in tooltips[0]
    changes = results.level(2).improvementByLabel
    assert f"“{max(changes, key=changes.get)}”" in tooltips[1]


def level1IsSeenWhileDeeperLevelsAreComputed(driver: Driver) -> None:
    volume = driver.choosing(driver.load("held"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    assert driver.logic.state == "running"
    assert driver.visibleLevels(volume) == [1]
    assert driver.ui.segmentButton.text.replace("&", "") == "Cancel"
    assert driver.ui.progressBar.visible
    driver.click(driver.ui.segmentButton)
    driver.finish()


def aThresholdStopsEarlyAndThePanelSaysSo(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    outcome = _segmentUpToLevel2(driver)
    assert outcome.stop == "threshold"
    assert driver.levels(volume) == [1, 2]
    assert "Stopped at level 2" in driver.ui.stopText.text
    assert "less than the threshold of 100 %" in driver.ui.stopText.text
    assert driver.ui.stopText.toolTip == outcome.stopReason != ""


def theSliderShowsOneLevelAndComputesOnlyWhatIsMissing(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    _segmentUpToLevel2(driver)
    before = len(driver.outcomes)
    driver.slide(driver.ui.levelSlider, 1)
    assert driver.visibleLevels(volume) == [1]
    assert len(driver.outcomes) == before, "a level that is there must not be computed"
    driver.slide(driver.ui.levelSlider, 3)
    outcome = driver.finish()
    assert outcome.kind == "done", outcome.sentence
    assert outcome.blocksRun == 1, "only block 4 was missing"
    assert driver.levels(volume) == [1, 2, 3]
    assert driver.visibleLevels(volume) == [3]
    driver.slide(driver.ui.levelSlider, 2)
    assert driver.visibleLevels(volume) == [2]


def aRowOfTheTableShowsItsLevel(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    driver.ui.resultsTable.selectRow(0)
    assert driver.visibleLevels(volume) == [1]
    assert driver.ui.levelSlider.value == 1
    driver.click(driver.ui.overlayCheckBox)
    assert driver.visibleLevels(volume) == []
    driver.click(driver.ui.overlayCheckBox)
    assert driver.visibleLevels(volume) == [1]


def comparingShowsTwoLevelsAndComesBack(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    layout = slicer.app.layoutManager().layout
    driver.click(driver.ui.compareButton)
    comparison = driver.logic.comparison
    assert (comparison.a.level, comparison.b.level) == (1, 3)
    assert driver.ui.compareButton.checked
    assert slicer.app.layoutManager().layout != layout
    assert comparison.differenceNode.GetDisplayNode().GetVisibility2DOutline()
    assert not driver.ui.editButton.enabled
    table = driver.ui.structuresTable
    assert table.rowCount == len(driver.model.labels)
    dice = [table.item(row, FIGURES + 2).text() for row in range(table.rowCount)]
    assert all(0 <= float(each) <= 1 for each in dice)
    driver.choose(driver.ui.leftComboBox, driver.ui.leftComboBox.findText("Level 2"))
    assert driver.logic.comparison.a.level == 2
    driver.click(driver.ui.compareButton)
    assert driver.logic.comparison is None
    assert slicer.app.layoutManager().layout == layout
    assert driver.visibleLevels(volume) == [3]
    assert driver.segment().kind == "done", "what the comparison showed must not be in the way"


def anEditedCopyIsLeftAloneByTheNextRun(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    driver.slide(driver.ui.levelSlider, 2)
    driver.click(driver.ui.editButton)
    editor = slicer.util.getModuleWidget("SegmentEditor").parameterSetNode
    copy = editor.GetSegmentationNode()
    assert editor.GetSourceVolumeNode() is volume
    assert copy.GetID() not in {
        each.segmentationNode.GetID() for each in driver.logic.results(volume).levels
    }
    segmentation = copy.GetSegmentation()
    segmentation.RemoveSegment(segmentation.GetNthSegmentID(0))
    changed = copy.GetSegmentation().GetMTime()
    driver.open()
    driver.segment()
    assert slicer.mrmlScene.IsNodePresent(copy)
    assert copy.GetSegmentation().GetMTime() == changed
    assert driver.levels(volume) == [1, 2, 3]


def statisticsAreAboutTheShownLevel(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    driver.slide(driver.ui.levelSlider, 1)
    driver.click(driver.ui.statisticsButton)
    statistics = slicer.util.getModuleWidget("SegmentStatistics")
    shown = driver.logic.results(volume).level(1).segmentationNode
    assert statistics.segmentationSelector.currentNode() is shown
    assert statistics.scalarSelector.currentNode() is volume


def cancellingKeepsFinishedLevelsAndNoHalfNode(driver: Driver) -> None:
    volume = driver.choosing(driver.load("held"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    driver.click(driver.ui.segmentButton)
    assert driver.finish().kind == "cancelled"
    levels = driver.levels(volume)
    assert levels
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == len(levels)
    assert driver.ui.segmentButton.text.replace("&", "") == "Segment"
    assert driver.ui.noticeText.text


def _segmentUpToLevel2(driver: Driver):
    """With a threshold that only a structure that comes or goes reaches, asked after level 2 for the first time."""
    driver.ready()
    driver.ui.thresholdSpinBox.value = 100
    return driver.segment(allLevels=False)


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
    headings = [table.horizontalHeaderItem(column).text() for column in range(table.columnCount)]
    assert headings[FIGURES:] == ["Left", "Right", "L − R"]
    millilitres = results.levels[-1].millilitres
    told = []
    for row, structure in enumerate(structures):
        if structure.left is not None:
            left, right = millilitres[structure.left], millilitres[structure.right]
            more = round(200 * (left - right) / (left + right)) if left + right else None
            told.append("–" if more is None else f"{more:+d} %" if more else "0 %")
            assert table.item(row, FIGURES + 2).text() == told[-1], structure.name
    assert len(set(told)) > 1, "structures differ in their asymmetry"


def whatARunToldStandsBelowTheLevels(driver: Driver) -> None:
    volume = driver.load("large")
    slicer.util.updateVolumeFromArray(volume, 0 * slicer.util.arrayFromVolume(volume))
    driver.choosing(volume)
    driver.segment()
    assert "Nothing was found" in driver.ui.findingsText.text
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text


def aModelForAPartOfTheHeadFindsItItself(driver: Driver) -> None:
    driver.choosing(driver.load("large"))
    driver.ready()
    assert driver.model.fieldMm is not None
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text


def aRegionThatIsLeftFromBeforeIsTold(driver: Driver) -> None:
    driver.choosing(driver.load("large"))
    driver.ready()
    driver.ui.advancedButton.collapsed = False
    driver.click(driver.ui.newRegionButton)
    assert driver.widget.panel.parameters.region is not None
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text
    driver.chooseModel(BRAIN)
    assert "Only the region" in driver.ui.noticeText.text
    driver.click(driver.ui.noticeButton)
    assert driver.widget.panel.parameters.region is None
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text


def aRegionOfAnotherVolumeIsTold(driver: Driver) -> None:
    first = driver.choosing(driver.load("large"))
    driver.ready()
    driver.ui.advancedButton.collapsed = False
    driver.click(driver.ui.newRegionButton)
    driver.choosing(driver.load("small"))
    assert f"which was placed on {first.GetName()}" in driver.ui.noticeText.text
    driver.choosing(first)
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
