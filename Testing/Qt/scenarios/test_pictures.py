"""Pictures of the panel in all its states; COMPACTSEG_SCREENSHOTS names a folder to keep them."""

from __future__ import annotations

import numpy as np
import slicer
from PySide6.QtGui import QImage

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
    for left, right in driver.logic.comparison.viewNames:
        assert desktop.view(left).visible
        assert desktop.view(right).visible
    assert has_color(desktop.shown_image(driver.logic.comparison.viewNames[1][0]), POSTERIOR)
    desktop.screenshot("panel-compare")
    driver.click(driver.ui.compareButton)
    driver.click(driver.ui.advancedButton)
    driver.check(driver.ui.outlineCheckBox, True)
    driver.check(driver.ui.show3DCheckBox, True)
    desktop.wait(0.3)
    desktop.screenshot("panel-advanced")
    driver.check(driver.ui.outlineCheckBox, False)
    driver.click(driver.ui.editButton)
    assert (
        slicer.util.getModuleWidget("SegmentEditor").parameterSetNode.GetSourceVolumeNode()
        is volume
    )
    desktop.screenshot("panel-edit")


def test_pictures_of_a_run_on_a_whole_head(driver, desktop):
    volume = driver.choosing(driver.load("large"))
    driver.ready()
    desktop.screenshot("panel-whole-head")
    driver.begin()
    driver.waitForLevel(volume, 1)
    desktop.wait(0.2)
    assert driver.logic.state == "running"
    desktop.screenshot("panel-during")
    driver.click(driver.ui.segmentButton)
    driver.finish()
    desktop.screenshot("panel-cancelled")
