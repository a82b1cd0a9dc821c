"""A whole head and the model for the hippocampus, with the real worker: both sides, each with its parts."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import slicer
import vtk

from CompactSegMRML.ResultFolder import tableOf
from CompactSegQt.Structures import FIGURES, NAME
from Testing.segments import edited, segments_of

PARTS = [
    f"{side} {part} hippocampus" for part in ("anterior", "posterior") for side in ("Left", "Right")
]


@pytest.fixture
def a_coarse_head(driver):
    """All of the template with voxels of 2 mm, in which the hippocampi are found and seen, and quickly."""
    volume = driver.load("head")
    array = slicer.util.arrayFromVolume(volume)[::2, ::2, ::2]
    volume.SetSpacing(*(2 * mm for mm in volume.GetSpacing()))
    slicer.util.updateVolumeFromArray(volume, array.copy())
    return driver.choosing(volume)


def terms_of(segment):
    entry = vtk.reference("")
    assert segment.GetTag(segment.GetTerminologyEntryTagName(), entry)
    return str(entry).split("~")


def identities_of(node):
    """Name to colour and terms of each segment."""
    return {
        each.GetName(): (np.round(each.GetColor(), 3).tolist(), terms_of(each))
        for each in segments_of(node)
    }


def voxels_of(node, name, volume):
    """Indices (k, j, i) of a structure's voxels in the volume."""
    segment = node.GetSegmentation().GetSegmentIdBySegmentName(name)
    return np.argwhere(slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume))


def test_each_side_of_a_whole_head_gets_its_segments(driver, desktop, a_coarse_head):
    driver.ready()
    assert not driver.ui.noticeFrame.visible, driver.ui.noticeText.text
    assert driver.segment().kind == "done"
    results = driver.logic.results(a_coarse_head)
    assert [each.level for each in results.levels] == [1, 2, 3]
    colors = {}
    for level in results.levels:
        segments = segments_of(level.segmentationNode)
        assert sorted(each.GetName() for each in segments) == sorted(PARTS)
        assert level.millilitres.keys() == set(PARTS)
        for segment in segments:
            colors.setdefault(segment.GetName(), set()).add(segment.GetColor())
            terms = terms_of(segment)
            assert "Hippocampus" in terms[2]
            assert segment.GetName().partition(" ")[0] in terms[3]
            part = segment.GetName().split()[1].capitalize()
            assert any(part in term for term in terms[4:]), terms
    assert all(len(found) == 1 for found in colors.values()), "a structure keeps its colour"
    last = results.levels[-1]
    for segment in segments_of(last.segmentationNode):
        identity = last.segmentationNode.GetSegmentation().GetSegmentIdBySegment(segment)
        isLeft = last.segmentationNode.GetSegmentCenterRAS(identity)[0] < 0
        assert isLeft == segment.GetName().startswith("Left")
        assert 0.3 < last.millilitres[segment.GetName()] < 4

    table = driver.ui.structuresTable
    rows = {table.item(row, NAME).text(): row for row in range(table.rowCount)}
    assert list(rows) == ["Anterior hippocampus", "Posterior hippocampus"]
    assert table.columnCount == FIGURES + 3, "left, right and how much they differ"
    tooltip = table.item(rows["Anterior hippocampus"], FIGURES).toolTip()
    assert "Training cases" in tooltip, "what one side has is known of each"
    node = tableOf(a_coarse_head, results.model).GetTable()
    columns = [node.GetColumnName(n) for n in range(node.GetNumberOfColumns())]
    assert columns[3:] == [f"{name} (ml)" for name in last.millilitres]

    driver.click(driver.ui.compareButton)
    assert {each.name for each in driver.logic.comparison.structures} == set(PARTS)
    driver.click(driver.ui.compareButton)
    driver.slide(driver.ui.levelSlider, 1)
    driver.click(driver.ui.statisticsButton)
    statistics = slicer.util.getModuleWidget("SegmentStatistics")
    assert statistics.segmentationSelector.currentNode() is results.level(1).segmentationNode


def test_what_comes_out_of_a_whole_head_is_named_and_lies_on_its_side(
    driver, desktop, a_coarse_head, tmp_path
):
    """Export, table, statistics and an edit after the run, each of the level that is seen."""
    volume = a_coarse_head
    driver.segment()
    level = driver.logic.results(volume).levels[-1]
    placed = identities_of(level.segmentationNode)

    path = tmp_path / "level.seg.nrrd"
    save(level.segmentationNode, path, "SegmentationFile")
    exported = slicer.util.loadSegmentation(str(path))
    assert identities_of(exported) == placed
    matrix = slicer.util.arrayFromVTKMatrix(ijk_to_ras(volume))
    voxel_ml = abs(np.linalg.det(matrix[:3, :3])) / 1000
    centres = {}
    for name in PARTS:
        voxels = voxels_of(exported, name, volume)
        assert len(voxels) * voxel_ml == pytest.approx(level.millilitres[name], rel=1e-6)
        centres[name] = (matrix @ [*voxels.mean(axis=0)[::-1], 1.0])[:3]
        assert (centres[name][0] < 0) == name.startswith("Left")
    for side in ("Left", "Right"):
        front, back = (centres[f"{side} {part} hippocampus"] for part in ("anterior", "posterior"))
        assert front[1] > back[1] + 5, "the anterior part lies in front, in millimetres"

    labelmap = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    export = slicer.vtkSlicerSegmentationsModuleLogic.ExportAllSegmentsToLabelmapNode
    assert export(exported, labelmap, slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY)
    colors = labelmap.GetDisplayNode().GetColorNode()
    array = slicer.util.arrayFromVolume(labelmap)
    named = {colors.GetColorName(int(value)): value for value in np.unique(array) if value}
    assert named.keys() == set(PARTS)
    for name, value in named.items():
        np.testing.assert_array_equal(
            np.argwhere(array == value), voxels_of(exported, name, volume)
        )

    written = tmp_path / "levels.csv"
    save(tableOf(volume, level.model), written, "TableFile")
    with written.open(encoding="utf-8", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert int(last["Level"]) == level.level
    for name in PARTS:
        assert float(last[f"{name} (ml)"]) == pytest.approx(level.millilitres[name], rel=1e-4)

    driver.click(driver.ui.statisticsButton)
    statistics = slicer.util.getModuleWidget("SegmentStatistics")
    assert statistics.segmentationSelector.currentNode() is level.segmentationNode
    assert statistics.scalarSelector.currentNode() is volume

    desktop.select("CompactSeg")
    driver.click(driver.ui.editButton)
    copy = slicer.util.getModuleWidget("SegmentEditor").parameterSetNode.GetSegmentationNode()
    assert identities_of(copy) == placed
    erase(copy, "Left anterior hippocampus")
    desktop.select("CompactSeg")
    driver.logic.compare(volume, level.level, copy)
    dice = {each.name: each.dice for each in driver.logic.comparison.structures}
    assert dice.pop("Left anterior hippocampus") == 0
    assert dice == dict.fromkeys(dice, 1.0), "the other side and part are as they were"
    driver.logic.endComparison()

    erase(level.segmentationNode, "Right posterior hippocampus")
    edited = driver.logic.results(volume).levels[-1]
    assert edited.isEdited
    assert edited.millilitres == {**level.millilitres, "Right posterior hippocampus": 0.0}


def save(node, path, kind):
    """As the Save dialog does."""
    properties = {"nodeID": node.GetID(), "fileName": str(path)}
    assert slicer.app.coreIOManager().saveNodes(kind, properties)


def erase(node, name):
    """Take all voxels of a segment away, as the Segment Editor's eraser does."""
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegmentIdBySegmentName(name)
    with edited(node, segment) as voxels:
        voxels[voxels == segmentation.GetSegment(segment).GetLabelValue()] = 0


def test_a_crop_of_the_same_volume_has_the_models_own_labels_afterwards(driver, a_coarse_head):
    driver.ready()
    driver.segment()
    head = slicer.util.arrayFromVolume(a_coarse_head)
    matrix = np.linalg.inv(slicer.util.arrayFromVTKMatrix(ijk_to_ras(a_coarse_head)))
    centre = np.round(matrix @ [-25.0, -23.0, -13.0, 1.0])[:3].astype(int)
    box = tuple(slice(n - 12, n + 13) for n in centre[::-1])
    slicer.util.updateVolumeFromArray(a_coarse_head, head[box].copy())
    assert driver.segment().kind == "done"
    for level in driver.logic.results(a_coarse_head).levels:
        names = [each.GetName() for each in segments_of(level.segmentationNode)]
        assert names == ["Anterior hippocampus", "Posterior hippocampus"]


def ijk_to_ras(volume):
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix
