"""The panel by keyboard, and what it says of itself."""

from __future__ import annotations

import re

import qt
import slicer

BUTTONS = (
    "segmentButton",
    "compareButton",
    "editButton",
    "statisticsButton",
    "exportButton",
    "removeButton",
)


def test_a_disabled_button_says_why_and_an_enabled_one_what_it_does(driver, desktop):
    driver.waitUntil(lambda: driver.logic.models, "the models")
    for name in BUTTONS:
        button = getattr(driver.ui, name)
        assert not button.enabled
        assert "volume" in button.toolTip, f"{name}: {button.toolTip}"
    driver.choosing(driver.load("small"))
    assert driver.ui.segmentButton.enabled
    for name in BUTTONS[1:]:
        button = getattr(driver.ui, name)
        assert not button.enabled
        assert button.toolTip == "Segment the volume first."
    driver.segment()
    for name in BUTTONS:
        button = getattr(driver.ui, name)
        assert button.enabled
        assert button.toolTip


def test_ctrl_return_segments_and_escape_cancels(driver, desktop):
    volume = driver.choosing(driver.load("large"))
    driver.ready()
    driver.ui.levelSlider.setFocus()
    desktop.press(driver.ui.volumeSelector, "Ctrl+Return")
    driver.waitForLevel(volume, 1)
    desktop.press(driver.ui.volumeSelector, "Esc")
    assert driver.finish().kind == "cancelled"


def test_keys_work_on_after_ctrl_return_in_a_field_that_is_disabled_while_running(driver, desktop):
    volume = driver.choosing(driver.load("large"))
    driver.ready()
    desktop.press(driver.ui.thresholdSpinBox, "Ctrl+Return")
    driver.waitForLevel(volume, 1)
    focused = slicer.app.focusWidget()
    assert focused is driver.ui.segmentButton
    desktop.press(focused, "Esc")
    assert driver.finish().kind == "cancelled"


def test_the_search_finds_models_by_what_they_segment(driver, desktop):
    driver.waitUntil(lambda: driver.logic.models, "the models")
    table, box = driver.ui.modelTable, driver.ui.modelSearchBox
    rows = range(table.rowCount)
    desktop.type(box, "anterior t1")
    assert [row for row in rows if not table.isRowHidden(row)]
    box.text = ""
    desktop.type(box, "spleen")
    assert not [row for row in rows if not table.isRowHidden(row)]
    assert "spleen" in box.toolTip
    assert driver.widget.panel.parameters.model, "a search does not unchoose"


def test_a_models_tooltip_tells_what_it_is(driver, desktop):
    driver.waitUntil(lambda: driver.logic.models, "the models")
    tooltip = driver.ui.modelTable.item(0, 0).toolTip()
    model = driver.logic.models[0]
    for said in (model.modality, model.licence, model.labels[0].name, "MB"):
        assert said in tooltip


def test_everything_that_takes_a_click_has_a_tooltip_or_a_text(driver, desktop):
    driver.choosing(driver.load("small"))
    driver.segment()
    silent = [
        widget.objectName
        for widget in slicer.util.findChildren(driver.widget.parent)
        if hasattr(widget, "toolTip")
        and widget.objectName in vars(driver.ui)
        and re.search("Button|Selector|ComboBox|SpinBox|Slider|CheckBox|Edit$", widget.objectName)
        and not widget.toolTip
        and not re.search("advancedButton|noticeButton", widget.objectName)
    ]
    assert not silent


def test_no_two_things_share_an_accelerator(driver, desktop):
    keys = {}
    for name, widget in vars(driver.ui).items():
        text = getattr(widget, "text", None)
        if isinstance(text, str) and (found := re.search("&([^&])", text)):
            keys.setdefault(found.group(1).lower(), []).append(name)
    assert not {key: names for key, names in keys.items() if len(names) > 1}


def test_tab_goes_from_top_to_bottom(driver, desktop):
    driver.choosing(driver.load("small"))
    driver.segment()
    driver.ui.segmentButton.setFocus()
    tops = []
    widget = driver.ui.segmentButton
    for _ in range(6):
        tops.append(widget.mapToGlobal(qt.QPoint(0, 0)).y())
        widget = widget.nextInFocusChain()
        while not (widget.visible and widget.focusPolicy & qt.Qt.TabFocus and widget.enabled):
            widget = widget.nextInFocusChain()
    assert tops == sorted(tops)
