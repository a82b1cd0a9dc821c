"""What the engine tells of a run stands in the panel, until another volume is chosen."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import qt
import slicer

from CompactSegQt.SelfTest.FakeWorker import commandOf


def test_that_nothing_was_found_in_an_empty_image_is_said(driver):
    empty = driver.load("small")
    slicer.util.updateVolumeFromArray(empty, np.zeros_like(slicer.util.arrayFromVolume(empty)))
    driver.choosing(empty)
    driver.ready()
    driver.begin()
    assert driver.finish().kind == "done"
    driver.waitUntil(lambda: driver.ui.findingsText.visible, "the sentence")
    assert "Nothing was found: all voxels of" in driver.ui.findingsText.text
    driver.choosing(driver.load("small"))
    driver.waitUntil(lambda: not driver.ui.findingsText.visible, "the sentence to go")


@pytest.mark.cold_worker
def test_how_long_a_level_still_takes_is_said_while_it_is_computed(driver):
    level_seconds = 6.0
    driver.logic.restartWorker(commandOf(sys.executable, seconds=level_seconds))
    driver.choosing(driver.load("small"))
    driver.begin()
    text = driver.ui.progressText
    driver.waitUntil(lambda: "level 1" in text.text, "level 1")
    assert "about" not in text.text, "nothing is known of a level that has just begun"
    driver.waitUntil(lambda: "about" in text.text, "a guess")
    told = re.fullmatch(r"left_hippocampus: level 1 of 3, about (\d+) s left", text.text)
    assert told, text.text
    left_seconds = level_seconds * (1 - driver.ui.progressBar.value / 100)
    assert abs(int(told[1]) - left_seconds) <= 2
    driver.click(driver.ui.segmentButton)
    driver.finish()
    assert not text.visible


def test_a_model_for_a_region_that_finds_none_itself_asks_for_one_on_a_whole_head(driver):
    driver.choosing(driver.load("large"))
    driver.ready()
    client = driver.logic._client
    models = tuple(replace(each, region=None) for each in client.offer.models)
    client.offer = replace(client.offer, models=models)
    client.changed()
    assert "was made for a region of about 42 × 58 × 45 mm" in driver.ui.noticeText.text
    driver.click(driver.ui.noticeButton)
    region = driver.widget.panel.parameters.region
    np.testing.assert_allclose(region.GetSize(), driver.model.fieldMm)
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text


def test_texts_from_a_scene_are_plain_text_everywhere(driver, desktop):
    """On Windows a label would fetch such a picture, from a foreign host, when a scene is opened."""
    evil = '<img src="//host/share/x.png">'
    volume = driver.load("small")
    volume.SetName(evil)
    driver.choosing(volume)
    driver.segment()
    copy = driver.logic.editCopy(volume, 2)
    node = driver.logic.results(volume).level(3).segmentationNode
    data = json.loads(node.GetAttribute("CompactSeg.Facts"))
    data["messages"], data["stopReason"] = [evil], evil
    node.SetAttribute("CompactSeg.Facts", json.dumps(data))
    node.GetSegmentation().GetNthSegment(0).SetName(evil)
    assert evil in copy.GetName()
    driver.widget.panel.refresh()
    driver.click(driver.ui.compareButton)
    assert evil in driver.ui.findingsText.text
    for widget in slicer.util.findChildren(driver.widget.parent):
        for text in (getattr(widget, "toolTip", ""), *item_tooltips(widget)):
            assert "<img" not in text, f"{widget.objectName}: {text}"
        is_label = widget.inherits("QLabel") and "<img" in widget.text
        assert not is_label or widget.textFormat == qt.Qt.PlainText, widget.objectName
    driver.click(driver.ui.compareButton)
    slicer.util.updateVolumeFromArray(volume, np.zeros((0, 3, 3), np.int16))
    desktop.dialogs.answer("OK")
    driver.widget.panel.actions.segment()
    assert "<img" not in desktop.dialogs.take().text


def item_tooltips(widget):
    if not widget.inherits("QTableWidget"):
        return []
    cells = [widget.item(r, c) for r in range(widget.rowCount) for c in range(widget.columnCount)]
    heads = [widget.horizontalHeaderItem(c) for c in range(widget.columnCount)]
    return [item.toolTip() for item in (*cells, *heads) if item is not None]
