"""What the engine tells of a run stands in the panel, until another volume is chosen."""

from __future__ import annotations

import numpy as np
import slicer


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
