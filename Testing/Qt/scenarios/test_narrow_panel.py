"""A panel too narrow for its texts: what is cut is told in full by the tooltip, and no text widens it."""

from __future__ import annotations

import qt
import slicer

from CompactSegQt.Structures import NAME

LONG = "sub-01_ses-02_acq-mprage_run-1_desc-defaced_res-1mm_T1w"


def test_names_that_are_cut_are_told_in_full(driver, desktop):
    volume = driver.load("small")
    volume.SetName(LONG)
    driver.choosing(volume)
    driver.segment()
    copy = driver.logic.editCopy(volume, 2)
    driver.widget.panel.refresh()
    levels = driver.ui.resultsTable
    for row in range(levels.rowCount):
        for column in range(levels.columnCount):
            item = levels.item(row, column)
            assert item.text() in item.toolTip()
    structures = driver.ui.structuresTable
    names = [structures.item(row, NAME) for row in range(structures.rowCount)]
    assert [each.text() for each in names] == ["Anterior hippocampus", "Posterior hippocampus"]
    for item in names:
        assert item.toolTip().startswith(item.text())

    box = driver.ui.leftComboBox
    row = box.findText(copy.GetName())
    assert box.itemData(row, qt.Qt.ToolTipRole) == copy.GetName()
    driver.choose(box, row)
    assert copy.GetName() in box.toolTip


def test_a_long_name_of_a_volume_does_not_widen_the_panel_while_it_is_segmented(driver):
    volume = driver.load("large")
    volume.SetName(LONG)
    driver.choosing(volume)
    driver.begin()
    driver.waitForLevel(volume, 1)
    text = driver.ui.progressText
    driver.waitUntil(lambda: "level" in text.text, "the level that is being computed")
    assert LONG in text.toolTip
    assert text.sizeHint.width() < text.fontMetrics().horizontalAdvance(LONG)
    driver.click(driver.ui.segmentButton)
    driver.finish()


def test_volumes_in_the_list_of_several_are_told_in_full(driver, desktop):
    driver.waitUntil(lambda: driver.logic.models, "the models")
    driver.load("small").SetName(LONG)
    driver.ui.severalButton.collapsed = False
    listed = driver.ui.severalList
    assert [listed.item(row).toolTip() for row in range(listed.count)] == [LONG]


def test_a_notice_is_told_in_full(driver):
    driver.waitUntil(lambda: driver.ui.noticeFrame.visible, "the notice")
    assert driver.ui.noticeText.toolTip == driver.ui.noticeText.text != ""
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
