"""A small window: what follows on a run stays in sight, what is cut is told in full by the tooltip, and no text widens
the panel.
"""

from __future__ import annotations

import re
import sys

import pytest
import qt
import slicer

from CompactSegQt.Levels import LevelSlider
from CompactSegQt.Notices import Notice
from CompactSegQt.SelfTest.Driver import BRAIN
from CompactSegQt.SelfTest.FakeWorker import commandOf
from CompactSegQt.Structures import NAME, OPACITY
from Testing.repository import REPOSITORY

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
    assert copy.GetName() == f"{LONG} level 2 (edited)"
    row = box.findText("Level 2 (edited)")
    assert box.itemData(row, qt.Qt.ToolTipRole) == "Level 2 (edited)"
    driver.choose(box, row)
    assert "Level 2 (edited)" in box.toolTip
    room = box.width - box.height  # beside the arrow
    assert box.fontMetrics().horizontalAdvance(box.currentText) < room, "it is seen in full"


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


def is_in_sight(widget):
    """Whether all of a widget is seen without scrolling the panel."""
    area = slicer.util.mainWindow()._scroll
    top = widget.mapTo(area.viewport(), qt.QPoint(0, 0)).y()
    return widget.visible and top >= 0 and top + widget.height <= area.viewport().height


@pytest.mark.cold_worker
def test_what_follows_on_a_run_is_in_sight_and_every_structure_is_named_in_full(driver, desktop):
    """Of three levels and 17 structures, in windows of three heights, from a worker that takes no time to find them."""
    driver.logic.restartWorker(commandOf(sys.executable, seconds=0))
    driver.choosing(driver.load("large"), model=BRAIN)
    assert driver.segment().kind == "done"
    ui, table = driver.ui, driver.ui.structuresTable
    assert table.rowCount == 17
    metrics = table.fontMetrics()
    for row in range(table.rowCount):
        name = table.item(row, NAME).text()
        assert metrics.horizontalAdvance(name) < table.columnWidth(NAME), name
    for height, least in ((700, 5), (900, 12), (1200, 17)):
        desktop.window.resize(1400, height)
        desktop.wait(0.05)
        for widget in (ui.segmentButton, ui.levelSlider, ui.resultsTable, table):
            assert is_in_sight(widget), (height, widget.objectName)
        for button in (ui.compareButton, ui.editButton, ui.show3DButton, ui.exportButton):
            assert is_in_sight(button), (height, button.objectName)
        rows = table.viewport().height // table.rowHeight(0)
        assert rows >= least, "the rest of them scrolls in the table"
        driver.click(ui.compareButton)
        desktop.wait(0.05)
        for widget in (ui.compareButton, ui.compareText, ui.differencesCheckBox, table):
            assert is_in_sight(widget), (height, widget.objectName)
        driver.click(ui.compareButton)


def a_text(points):
    text = qt.QLabel()
    font = text.font
    font.setPointSize(points)
    text.font = font
    return text


@pytest.mark.parametrize("points", [9, 18])
def test_the_icon_of_a_sentence_grows_with_its_text(driver, points):
    frame, icon, text = qt.QFrame(), qt.QLabel(), a_text(points)
    notice = Notice(frame, icon, text, qt.QPushButton())
    notice.inform("Something that is good to know.")
    height = text.fontMetrics().lineSpacing()
    assert height > points
    assert icon.sizeHint.height() == pytest.approx(4 * height / 3, abs=1)


@pytest.mark.parametrize("points", [9, 18])
def test_a_level_that_is_not_there_yet_does_not_move_the_slider(driver, points):
    slider, text, overlay = qt.QSlider(), a_text(points), qt.QCheckBox()
    level = LevelSlider(slider, text, overlay)
    widths = set()
    for computed in (frozenset({1, 2, 3}), frozenset({1})):
        level.setLevels(3, computed=computed, level=3, isVisible=True)
        widths.add(max(text.minimumWidth, text.sizeHint.width()))
    assert text.text == "3 of 3 (new)"
    assert len(widths) == 1


def test_eight_lines_of_the_log_are_seen_and_no_size_is_fixed_in_pixels(driver):
    log = driver.ui.logView
    assert log.minimumHeight == 8 * log.fontMetrics().lineSpacing()
    written = (REPOSITORY / "Resources" / "UI" / "CompactSeg.ui").read_text(encoding="utf-8")
    assert not re.findall("(?:minimum|maximum)(?:Size|Width|Height)", written)


@pytest.fixture
def large_text():
    import standin

    application = standin.the_application()
    before = qt.QApplication.font()
    larger = qt.QFont(before)
    larger.setPointSize(14)
    application.setFont(larger)
    yield
    application.setFont(before)


@pytest.mark.cold_worker
def test_a_narrow_panel_with_large_text_is_not_cut_and_has_room_for_names(
    large_text, driver, desktop
):
    """At 14 points in a panel of 460 pixels, with a long name of a volume, and all sections open."""
    driver.logic.restartWorker(commandOf(sys.executable, seconds=0))
    volume = driver.load("large")
    volume.SetName(LONG)
    driver.choosing(volume, model=BRAIN)
    assert driver.segment().kind == "done"
    ui, area = driver.ui, slicer.util.mainWindow()._scroll
    driver.click(ui.compareButton)
    driver.click(ui.compareButton)
    ui.severalButton.collapsed = ui.advancedButton.collapsed = False
    desktop.wait(0.05)
    assert area.widget().minimumSizeHint.width() <= area.viewport().width <= 460
    table = ui.structuresTable
    assert table.isColumnHidden(OPACITY), "its place is the names'"
    advance = table.fontMetrics().horizontalAdvance
    names = [table.item(row, NAME).text() for row in range(table.rowCount)]
    assert all(advance(f"{name[:9]}…") < table.columnWidth(NAME) for name in names)
    area.setMinimumWidth(700)
    desktop.wait(0.05)
    assert not table.isColumnHidden(OPACITY)
    assert all(advance(name) < table.columnWidth(NAME) for name in names)
    area.setMinimumWidth(0)


def test_a_copy_whose_place_a_level_took_is_told_and_comes_back_by_a_click(driver):
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    copy = driver.logic.editCopy(volume, 2)
    driver.widget.panel.refresh()
    driver.slide(driver.ui.levelSlider, 1)
    assert not copy.GetDisplayVisibility()
    assert copy.GetName() in driver.ui.noticeText.text
    driver.click(driver.ui.noticeButton)
    assert copy.GetDisplayVisibility()
    assert driver.visibleLevels(volume) == []
    assert not driver.ui.noticeFrame.visible
