"""Pictures of the panel in all its states; COMPACTSEG_SCREENSHOTS names a folder to keep them."""

from __future__ import annotations

import numpy as np
import psutil
import slicer
from PySide6.QtGui import QImage

from CompactSegMRML.LevelDisplay import structuresOf
from CompactSegMRML.SliceViews import VIEW_NAMES
from CompactSegQt.Structures import NAME

LEFT_HIPPOCAMPUS = (-25.0, -23.0, -12.0)
ANTERIOR, POSTERIOR = (230, 159, 0), (86, 180, 233)


def has_color(image, color):
    """Whether some pixels have the hue of a segment, which is drawn half transparent on gray."""
    rgb = image.reshape(-1, 3).astype(float)
    rgb -= rgb.mean(axis=1, keepdims=True)
    wanted = np.array(color, float) - np.mean(color)
    strength = rgb @ wanted / (wanted @ wanted)
    return bool(((strength > 0.2) & (np.linalg.norm(rgb, axis=1) > 15)).sum() > 20)


def test_pictures_of_a_session(driver, desktop):
    desktop.screenshot("panel-empty")
    volume = driver.choosing(driver.load("small"))
    driver.ready()
    driver.waitUntil(lambda: driver.logic.devices, "the devices")
    assert not has_color(desktop.shown_image("Yellow"), POSTERIOR)
    desktop.screenshot("panel-before")
    driver.segment()
    driver.slide(driver.ui.levelSlider, 1)
    desktop.screenshot("panel-level-1")
    driver.slide(driver.ui.levelSlider, 3)
    assert has_color(desktop.shown_image("Yellow"), ANTERIOR)
    assert has_color(desktop.shown_image("Yellow"), POSTERIOR)
    picture = QImage(str(desktop.screenshot("panel-after")))
    assert (picture.width(), picture.height()) == (1400, 900)
    driver.click(driver.ui.compareButton)
    desktop.wait(0.3)
    for left, right in VIEW_NAMES:
        assert desktop.view(left).visible
        assert desktop.view(right).visible
    assert has_color(desktop.shown_image(VIEW_NAMES[1][0]), POSTERIOR)
    desktop.screenshot("panel-compare")
    driver.click(driver.ui.compareButton)
    driver.click(driver.ui.show3DButton)
    driver.click(driver.ui.advancedButton)
    driver.check(driver.ui.outlineCheckBox, True)
    desktop.wait(0.3)
    desktop.screenshot("panel-advanced")
    driver.check(driver.ui.outlineCheckBox, False)
    driver.click(driver.ui.editButton)
    assert (
        slicer.util.getModuleWidget("SegmentEditor").parameterSetNode.GetSourceVolumeNode()
        is volume
    )
    desktop.screenshot("panel-edit")


def test_pictures_of_a_brain(driver, desktop):
    """Fifteen structures: as rows with their colours, and as a comparison."""
    driver.choosing(driver.load("large"), model=None)
    driver.ready()
    desktop.screenshot("panel-brain-before")
    driver.segment()
    table = driver.ui.structuresTable
    names = [table.item(row, NAME).text() for row in range(table.rowCount)]
    assert names == [
        each.name for each in structuresOf(label.name for label in driver.model.labels)
    ]
    widths = [table.columnWidth(column) for column in range(table.columnCount)]
    assert sum(widths) <= table.width, "no sideways scrolling"
    desktop.screenshot("panel-brain-after")
    driver.click(driver.ui.compareButton)
    desktop.wait(0.3)
    desktop.screenshot("panel-brain-compare")


def test_pictures_of_a_run_in_a_region_of_a_whole_head(driver, desktop):
    """The worker is held after level 1, since what it does in a region takes no longer than a glance."""
    volume = driver.choosing(driver.load("head"))
    driver.ready()
    look_at(LEFT_HIPPOCAMPUS)
    desktop.screenshot("panel-whole-head")
    driver.click(driver.ui.advancedButton)
    driver.click(driver.ui.newRegionButton)
    region = driver.widget.panel.parameters.region
    np.testing.assert_allclose(region.GetSize(), driver.model.fieldMm)
    np.testing.assert_allclose(region.GetCenter(), LEFT_HIPPOCAMPUS, atol=1)
    desktop.screenshot("panel-region")

    process = psutil.Process(driver.logic.workerProcessId)
    driver.logic.levelReady.connect(lambda _, level: level == 1 and process.suspend())
    driver.begin()
    try:
        driver.waitForLevel(volume, 1)
        desktop.wait(0.3)
        desktop.screenshot("panel-during")
        assert driver.logic.state == "running"
    finally:
        process.resume()
    assert driver.finish().kind == "done"
    desktop.screenshot("panel-region-after")
    bounds = [0.0] * 6
    driver.logic.results(volume).level(3).segmentationNode.GetRASBounds(bounds)
    low = np.array(region.GetCenter()) - np.array(region.GetSize()) / 2
    assert (np.array(bounds[::2]) >= low - 1).all()
    assert (np.array(bounds[1::2]) <= low + region.GetSize() + 1).all()
    millilitres = driver.logic.results(volume).level(3).millilitres
    assert 2 < sum(millilitres.values()) < 7, "as large as a hippocampus is"


def look_at(ras):
    """Put all slices to a place."""
    slicer.vtkMRMLSliceNode.JumpAllSlices(
        slicer.mrmlScene, *ras, slicer.vtkMRMLSliceNode.OffsetJumpSlice
    )
