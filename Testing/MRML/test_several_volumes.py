"""Several volumes and the frames of a sequence: one run after the other, one table, and Cancel for all."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from CompactSegLib.errors import InputError
from Testing.MRML.conftest import MODEL, add_volume, nodes_in, wait


@pytest.fixture
def other(warm):
    return add_volume(warm.scene, "right_hippocampus")


def run_all(logic, nodes, **options):
    outcomes = []
    logic.finished.connect(outcomes.append)
    logic.segmentAll(nodes, model=MODEL, **options)
    assert logic.state == "running"
    wait(logic, lambda: logic.state == "ready")
    logic.finished.disconnect(outcomes.append)
    return outcomes


def table_of(scene):
    node = scene.GetFirstNodeByName("CompactSeg volumes")
    table = node.GetTable()
    columns = [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())]
    return {
        name: [table.GetValueByName(row, name).ToString() for row in range(table.GetNumberOfRows())]
        for name in columns
    }


def test_each_volume_gets_its_levels_and_a_row(logic, warm, volume, other):
    outcomes = run_all(logic, [volume, other], levels=2)
    assert [each.kind for each in outcomes] == ["done", "done"]
    assert len(logic.results(volume).levels) == len(logic.results(other).levels) == 2
    table = table_of(warm.scene)
    assert table["Volume"] == [volume.GetName(), other.GetName()]
    assert table["Status"] == ["done", "done"]
    first = logic.results(volume).level(2).millilitres["Anterior hippocampus"]
    assert float(table["Anterior hippocampus (ml)"][0]) == pytest.approx(first)


def test_a_volume_that_can_not_be_segmented_is_a_row_and_the_next_one_runs(logic, warm, volume):
    empty = warm.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    run_all(logic, [empty, volume], levels=1)
    table = table_of(warm.scene)
    assert "has no voxels" in table["Status"][0]
    assert table["Status"][1] == "done"


def test_cancel_ends_all(logic, warm, volume, other):
    logic.levelReady.connect(cancel := lambda *_: logic.cancel())
    outcomes = run_all(logic, [volume, other], levels=3)
    logic.levelReady.disconnect(cancel)
    assert [each.kind for each in outcomes] == ["cancelled"]
    assert logic.results(other) is None


def test_while_they_run_nothing_else_begins(logic, volume, other):
    logic.segmentAll([volume, other], model=MODEL, levels=1)
    with pytest.raises(InputError, match="is being segmented"):
        logic.segment(volume, model=MODEL)
    logic.cancel()
    wait(logic, lambda: logic.state == "ready")


def test_all_frames_of_a_sequence_get_a_segmentation_that_follows_the_frame(logic, warm, volume):
    scene = warm.scene
    images = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "heartbeats")
    array = slicer.util.arrayFromVolume(volume).copy()
    for value, image in (("0", array), ("1", np.zeros_like(array))):
        slicer.util.updateVolumeFromArray(volume, image)
        images.SetDataNodeAtValue(volume, value)
    scene.RemoveNode(volume)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(images.GetID())
    slicer.vtkSlicerSequencesLogic().UpdateProxyNodesFromSequences(browser)
    shown = browser.GetProxyNode(images)
    outcomes = run_all(logic, [browser], levels=1)
    assert [each.kind for each in outcomes] == ["done", "done"]
    kept = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert logic.results(shown) is None
    segments = nodes_in(scene, "vtkMRMLSequenceNode")[1]
    counts = []
    for frame in (0, 1):
        node = segments.GetNthDataNode(frame)
        image = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
        counts.append(max(image.GetNumberOfPoints(), 0))
    assert counts[0] > counts[1] == 0, "nothing is found in an empty frame"
    assert kept is browser.GetProxyNode(segments)
    table = table_of(scene)
    assert table["Frame"] == ["0", "1"]
