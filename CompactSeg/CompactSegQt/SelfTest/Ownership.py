"""Scenarios of what is the user's: edits, views, layouts, and how things are drawn."""

from __future__ import annotations

import numpy as np
import qt
import slicer

from CompactSegQt.SelfTest.Driver import Driver
from CompactSegQt.Structures import COLOR, FIGURES, NAME, OPACITY


def aLevelThatWasEditedByHandIsKeptByTheNextRun(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    node = driver.logic.results(volume).level(2).segmentationNode
    before = _cell(driver, level=2)
    _paint(node)
    assert _cell(driver, level=2) != before, "the panel's millilitres are those that are there"
    assert "(edited)" in driver.ui.resultsTable.item(1, 0).text()
    driver.segment()
    assert slicer.mrmlScene.IsNodePresent(node)
    assert node.GetName().endswith("level 2 (edited)")
    assert driver.levels(volume) == [1, 2, 3]
    assert "(edited)" not in driver.ui.resultsTable.item(1, 0).text()
    assert _cell(driver, level=2) == before


def anEditedCopyIsComparedWithALevel(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    copy = driver.logic.editCopy(volume, 3)
    _paint(copy)
    driver.widget.panel.refresh()
    index = driver.ui.rightComboBox.findText("Level 3 (edited)")
    assert index >= 0
    driver.choose(driver.ui.leftComboBox, driver.ui.leftComboBox.findText("Level 3"))
    driver.choose(driver.ui.rightComboBox, index)
    driver.click(driver.ui.compareButton)
    comparison = driver.logic.comparison
    assert (comparison.a.level, comparison.b.node) == (3, copy)
    table = driver.ui.structuresTable
    rows = {table.item(row, NAME).text(): row for row in range(table.rowCount)}
    changed, same = (each.name for each in driver.model.labels[:2])
    assert float(table.item(rows[changed], FIGURES + 2).text()) < 1
    assert float(table.item(rows[same], FIGURES + 2).text()) == 1
    driver.click(driver.ui.compareButton)


def differencesOnlyHidesTheRestAndBringsItBack(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    driver.click(driver.ui.compareButton)
    assert _seenInComparison(driver) == ([True, True], False)
    driver.click(driver.ui.differencesCheckBox)
    assert _seenInComparison(driver) == ([False, False], True)
    driver.ui.opacitySlider.value = 40
    assert _seenInComparison(driver) == ([False, False], True), "drawn otherwise, yet hidden"
    driver.choose(driver.ui.leftComboBox, driver.ui.leftComboBox.findText("Level 2"))
    assert _seenInComparison(driver) == ([False, False], True), "of the next two, too"
    driver.click(driver.ui.differencesCheckBox)
    assert _seenInComparison(driver) == ([True, True], False)
    driver.click(driver.ui.compareButton)
    assert driver.visibleLevels(volume) == [3]


def _seenInComparison(driver: Driver) -> tuple[list[bool], bool]:
    """Whether what stands for each side is seen, and whether what differs is filled."""
    comparison = driver.logic.comparison
    difference = comparison.differenceNode.GetDisplayNode()
    assert difference.GetVisibility()
    sides = [side.node.GetSegmentation() for side in comparison.sides]
    shown = [
        node.GetDisplayNode()
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if node.GetSegmentation() in sides and node.GetHideFromEditors()
    ]
    return [bool(each.GetVisibility()) for each in shown], bool(difference.GetVisibility2DFill())


def aColourThatIsChangedElsewhereIsThatOfThePanel(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    segmentation = driver.logic.results(volume).level(3).segmentationNode.GetSegmentation()
    segment, table = segmentation.GetNthSegment(0), driver.ui.structuresTable
    rows = {table.item(row, NAME).text(): row for row in range(table.rowCount)}

    def shown() -> tuple[int, int, int]:
        color = table.item(rows[segment.GetName()], COLOR).background().color()
        return color.red(), color.green(), color.blue()

    assert shown() == driver.model.labels[0].color
    segment.SetColor(0.2, 0.4, 0.6)  # as Slicer's own tables and the Segment Editor do
    assert shown() == (51, 102, 153)


def choosingAnotherVolumeEndsAComparisonAndShowsThatVolume(driver: Driver) -> None:
    first = driver.choosing(driver.load("small"))
    driver.segment()
    second = driver.load("small")
    driver.choosing(first)
    layout = slicer.app.layoutManager().layout
    driver.click(driver.ui.compareButton)
    assert slicer.app.layoutManager().layout != layout
    driver.choosing(second)
    assert driver.logic.comparison is None
    assert slicer.app.layoutManager().layout == layout
    driver.segment()
    assert driver.visibleLevels(second) == [3]
    assert driver.visibleLevels(first) == [], "only the chosen volume's results are seen"
    assert _background() is second
    driver.choosing(first)
    assert driver.visibleLevels(first) == [3]
    assert driver.visibleLevels(second) == []
    assert _background() is first


def leavingTheModuleGivesTheLayoutBack(driver: Driver) -> None:
    driver.choosing(driver.load("small"))
    driver.segment()
    layout = slicer.app.layoutManager().layout
    driver.click(driver.ui.compareButton)
    slicer.util.selectModule("SegmentEditor")
    assert slicer.app.layoutManager().layout == layout
    driver.open()
    assert not driver.ui.compareButton.checked


def whatLimitedAnotherEditDoesNotLimitTheNext(driver: Driver) -> None:
    driver.choosing(driver.load("small"))
    driver.segment()
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.util.getModuleWidget("SegmentEditor").parameterSetNode
    editor.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
    editor.SetMaskSegmentID("of another segmentation")
    editor.SetSourceVolumeIntensityMask(True)
    editor.SetSourceVolumeIntensityMaskRange(-150, -50)  # as of fat in a CT
    driver.open()
    driver.click(driver.ui.editButton)
    assert editor.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere
    assert not editor.GetSourceVolumeIntensityMask()
    low, high = editor.GetSourceVolumeIntensityMaskRange()
    assert low == high, "the editor proposes one for this image when it is wanted"


def aVolumeLoadedElsewhereIsChosenOnReturn(driver: Driver) -> None:
    driver.choosing(driver.load("small"))
    slicer.util.selectModule("SegmentEditor")
    other = driver.load("small")
    driver.open()
    assert driver.ui.volumeSelector.currentNode() is other


def aVolumeLoadedWhileThePanelIsSeenIsChosen(driver: Driver) -> None:
    first = driver.choosing(driver.load("small"))
    driver.segment()
    driver.click(driver.ui.compareButton)
    other = driver.load("small")
    assert driver.ui.volumeSelector.currentNode() is other, "it is what the views show"
    assert driver.logic.comparison is None
    assert driver.visibleLevels(first) == []
    slicer.util.setSliceViewerLayers(background=first)
    assert driver.ui.volumeSelector.currentNode() is first
    assert driver.visibleLevels(first) == [3]


def aVolumeThatIsSeenOverAnotherStaysChosenOnReturn(driver: Driver) -> None:
    below, above = driver.load("small"), driver.load("small")
    slicer.util.setSliceViewerLayers(background=below, foreground=above, foregroundOpacity=0.5)
    driver.choosing(above)
    slicer.util.selectModule("SegmentEditor")
    driver.open()
    assert driver.ui.volumeSelector.currentNode() is above
    assert _background() is below, "the layers are the user's"


def anImageThatWasReplacedIsTold(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    assert "changed" not in driver.ui.findingsText.text
    array = slicer.util.arrayFromVolume(volume).copy()
    slicer.util.updateVolumeFromArray(volume, array[::-1].copy())
    assert "The image was changed" in driver.ui.findingsText.text
    slicer.util.updateVolumeFromArray(volume, array)
    assert "The image was changed" not in driver.ui.findingsText.text


def howALevelIsDrawnElsewhereStays(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    display = driver.logic.results(volume).level(3).segmentationNode.GetDisplayNode()
    display.SetVisibility2DFill(False)
    display.SetVisibility3D(False)
    driver.slide(driver.ui.levelSlider, 1)
    driver.slide(driver.ui.levelSlider, 3)
    driver.widget.panel.refresh()
    assert not display.GetVisibility2DFill()
    assert not display.GetVisibility3D()
    copy = driver.logic.editCopy(volume, 2)
    assert copy.GetDisplayNode().GetVisibility3D(), "the Segment Editor's Show 3D shows it"


def theTableOfStructuresActs(driver: Driver) -> None:
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    table = driver.ui.structuresTable
    name = driver.model.labels[0].name
    rows = [row for row in range(table.rowCount) if table.item(row, NAME).text() in name]
    item = table.item(rows[0], 0)
    item.setCheckState(qt.Qt.Unchecked)
    for each in driver.logic.results(volume).levels:
        node = each.segmentationNode
        segment = node.GetSegmentation().GetSegmentIdBySegmentName(name)
        assert not node.GetDisplayNode().GetSegmentVisibility(segment)
    display, other = node.GetDisplayNode(), node.GetSegmentation().GetNthSegmentID(1)
    driver.ui.opacitySlider.value = 40
    assert display.GetSegmentOpacity2DFill(segment) == 0.4
    assert display.GetSegmentOpacity2DFill(other) == 0.4
    for typed, opacity in (("70", 0.7), ("much", 0.7), ("12,5 %", 0.125), ("300", 1.0)):
        table.item(rows[0], OPACITY).setText(typed)
        assert display.GetSegmentOpacity2DFill(segment) == opacity
        assert display.GetSegmentOpacity2DFill(other) == 0.4
        assert table.item(rows[0], OPACITY).text() == f"{100 * opacity:.0f} %"
    slice_ = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    slice_.JumpSliceByOffsetting(0.0, 0.0, 500.0)
    table.cellClicked.emit(rows[0], FIGURES)
    centre = node.GetSegmentCenterRAS(segment)
    assert abs(slice_.GetSliceOffset() - centre[2]) < 2


def severalVolumesAreSegmentedOneAfterTheOther(driver: Driver) -> None:
    first, second = driver.load("small"), driver.load("small")
    driver.choosing(first)
    driver.ready()
    driver.ui.thresholdSpinBox.value = 0
    driver.ui.severalButton.collapsed = False
    listed = driver.ui.severalList
    for row in range(listed.count):
        listed.item(row).setCheckState(qt.Qt.Checked)
    before = len(driver.outcomes)
    driver.click(driver.ui.segmentSeveralButton)
    driver.waitUntil(lambda: len(driver.outcomes) >= before + 2, "both runs")
    assert driver.levels(first) == driver.levels(second) == [1, 2, 3]
    tables = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLTableNode")]
    assert any("volumes" in name for name in tables)
    driver.waitUntil(lambda: driver.logic.state == "ready", "the end")


def _cell(driver: Driver, *, level: int) -> str:
    """Text of the first structure's millilitres at a level."""
    driver.slide(driver.ui.levelSlider, level)
    table = driver.ui.structuresTable
    return "|".join(table.item(0, column).text() for column in range(FIGURES, table.columnCount))


def _paint(node) -> None:
    """As a brush does: voxels of the first segment are changed in place."""
    segment = node.GetSegmentation().GetNthSegmentID(0)
    voxels = slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, segment)
    value = node.GetSegmentation().GetNthSegment(0).GetLabelValue()
    free = np.flatnonzero(voxels.ravel() == 0)[:500]
    voxels.ravel()[free] = value
    image = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    image.Modified()
    node.GetSegmentation().InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)


def _background():
    widget = slicer.app.layoutManager().sliceWidget("Red")
    return widget.mrmlSliceCompositeNode() and slicer.mrmlScene.GetNodeByID(
        widget.mrmlSliceCompositeNode().GetBackgroundVolumeID()
    )
