"""Scenes are saved and opened, closed, and the module is loaded anew."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import slicer


def labels_of(driver, volume, level):
    """A level's labels on the grid of the volume."""
    node = driver.logic.results(volume).level(level).segmentationNode
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.ExportAllSegmentsToLabelmapNode(
        node, labels, slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY
    )
    array = slicer.util.arrayFromVolume(labels).copy()
    slicer.mrmlScene.RemoveNode(labels)
    return array


def test_a_saved_scene_opened_again_has_everything(driver, desktop, tmp_path):
    volume = driver.choosing(driver.load("small"))
    driver.segment()
    driver.slide(driver.ui.levelSlider, 2)
    before = labels_of(driver, volume, 2)
    row = [driver.ui.resultsTable.item(1, column).text() for column in range(3)]
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.close_scene()
    assert driver.ui.resultsTable.rowCount == 0
    desktop.open_scene(tmp_path / "scene.mrb")
    again = slicer.util.getFirstNodeByClassByName("vtkMRMLScalarVolumeNode", volume.GetName())
    assert driver.ui.volumeSelector.currentNode() is again
    assert driver.levels(again) == [1, 2, 3]
    assert driver.visibleLevels(again) == [2]
    assert driver.ui.levelSlider.value == 2
    assert driver.ui.thresholdSpinBox.value == 0
    assert [driver.ui.resultsTable.item(1, column).text() for column in range(3)] == row
    assert before.any()
    np.testing.assert_array_equal(before, labels_of(driver, again, 2))
    driver.click(driver.ui.compareButton)
    assert driver.logic.comparison.b.level == 3
    driver.click(driver.ui.compareButton)
    assert driver.segment().kind == "done"
    assert driver.levels(again) == [1, 2, 3]


def test_of_two_volumes_the_one_that_was_chosen_is_chosen_in_the_opened_scene(
    driver, desktop, tmp_path
):
    """While the scene is read, views show nothing or what they showed before."""
    first, second, third = (driver.load("small") for _ in range(3))
    for volume, name in ((first, "first"), (second, "second"), (third, "third")):
        volume.SetName(name)
    driver.choosing(second)
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.open_scene(tmp_path / "scene.mrb")
    assert driver.ui.volumeSelector.currentNode().GetName() == "second"


def test_a_volume_that_was_loaded_in_a_batch_is_chosen_after_it(driver, desktop):
    """As some extensions load several files, so that nothing is drawn in between."""
    driver.choosing(driver.load("small"))
    scene = slicer.mrmlScene
    scene.StartState(scene.BatchProcessState)
    other = driver.load("small")
    scene.EndState(scene.BatchProcessState)
    assert driver.ui.volumeSelector.currentNode() is other


def test_closing_the_scene_leaves_no_button_down(driver, desktop):
    driver.choosing(driver.load("small"))
    driver.segment()
    button = driver.ui.show3DButton
    driver.click(button)
    assert button.checked
    desktop.close_scene()
    assert (button.checked, button.enabled) == (False, False)


def test_a_background_that_is_taken_away_is_not_put_back(driver, desktop):
    driver.load("small")
    volume = driver.choosing(driver.load("small"))
    slicer.util.setSliceViewerLayers(background=None)
    view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert not view.GetBackgroundVolumeID()
    assert driver.ui.volumeSelector.currentNode() is volume


@pytest.mark.cold_worker
def test_loading_the_module_anew_in_the_middle_ends_the_run_and_the_new_panel_works(
    driver, desktop
):
    volume = driver.choosing(driver.load("large"))
    driver.begin()
    driver.waitForLevel(volume, 1)
    old, process = driver.logic, driver.logic.workerProcessId
    classes = type(old)
    desktop.reload()
    assert type(driver.logic) is not classes, "our packages must be read anew"
    assert type(driver.logic).__module__ in sys.modules
    driver.waitUntil(lambda: not is_alive(process), "the old worker to be gone")
    driver.logic.finished.connect(driver.remember)
    driver.choosing(driver.load("small"))
    assert driver.segment().kind == "done"
    assert driver.levels(volume)[:1] == [1]


def test_what_was_chosen_is_kept_in_the_scene(driver, desktop):
    driver.choosing(driver.load("small"))
    driver.ready()
    driver.ui.thresholdSpinBox.value = 7.5
    node = slicer.mrmlScene.GetSingletonNode("CompactSeg", "vtkMRMLScriptedModuleNode")
    assert float(node.GetParameter("thresholdPercent")) == 7.5
    assert not [name for name in node.GetParameterNames() if "command" in name.lower()], (
        "a scene from someone else must not say what is executed"
    )


def test_a_region_is_named_after_its_volume_and_its_handles_hide_after_the_run(driver, desktop):
    volume = driver.choosing(driver.load("small"))
    driver.ready()
    driver.ui.advancedButton.collapsed = False
    driver.click(driver.ui.newRegionButton)
    region = driver.widget.panel.parameters.region
    assert region.GetName() == f"{volume.GetName()} region"
    region.GetDisplayNode().SetHandlesInteractive(True)
    driver.segment()
    assert not region.GetDisplayNode().GetHandlesInteractive()


def test_leaving_the_module_does_not_end_a_run(driver, desktop):
    volume = driver.choosing(driver.load("small"))
    driver.begin()
    desktop.select("SegmentEditor")
    assert driver.finish().kind == "done"
    desktop.select("CompactSeg")
    assert driver.levels(volume) == [1, 2, 3]
    assert driver.ui.resultsTable.rowCount == 3


def is_alive(process: int) -> bool:
    import psutil

    return psutil.pid_exists(process) and psutil.Process(process).status() != "zombie"
