"""Where two levels differ, as a segmentation of its own that is there for a comparison only."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from CompactSegMRML.LabelImage import BINARY_LABELMAP, imageOf
from CompactSegMRML.LabelPatch import LabelPatch, patchOf
from CompactSegMRML.LevelSegments import patchOfSegments
from CompactSegMRML.VolumeInput import ijkToRAS, ijkToWorld
from CompactSegMRML.VoxelBox import VoxelBox

__all__ = ["KINDS", "addDifferenceNode", "differenceOf", "fullestWorld", "millilitresOf"]

KINDS = ("onlyA", "onlyB", "another")
"""Values 1, 2 and 3 of a difference: what only A has, what only B has, and where they have different labels."""

_COLORS = ((240, 228, 66), (0, 158, 115), (204, 121, 167))  # told apart by color-blind eyes too


def differenceOf(volumeNode: Any, nodeA: Any, nodeB: Any) -> LabelPatch:
    """The difference of two levels' nodes, on the volume's grid."""
    grid = ijkToRAS(volumeNode)
    a, b = (patchOfSegments(node.GetSegmentation(), grid) for node in (nodeA, nodeB))
    boxes = [patch.box for patch in (a, b) if not patch.box.isEmpty]
    if not boxes:
        return a
    low = np.min([box.start for box in boxes], axis=0)
    high = np.max([np.array(box.start) + box.size for box in boxes], axis=0)
    first, second = (_within(patch, low, high) for patch in (a, b))
    result = (first != second).astype(np.uint8)
    isAnother = result * ((first > 0) & (second > 0))
    result += (first == 0) & (result > 0)
    result += 2 * isAnother
    return patchOf(result, tuple(map(int, low)))


def millilitresOf(volumeNode: Any, difference: LabelPatch) -> dict[str, float]:
    """Of each kind of difference, in the world."""
    voxel = abs(float(np.linalg.det(ijkToWorld(volumeNode)[:3, :3]))) / 1000.0
    return {
        kind: float(np.count_nonzero(difference.labels == value)) * voxel
        for value, kind in enumerate(KINDS, start=1)
    }


def fullestWorld(volumeNode: Any, patch: LabelPatch) -> np.ndarray | None:
    """A labelled voxel in the slice k that has most of them, in world millimetres; None where there is none."""
    if not patch.labels.any():
        return None
    k = int(np.argmax(np.count_nonzero(patch.labels, axis=(1, 2))))
    j = int(np.argmax(np.count_nonzero(patch.labels[k], axis=1)))
    row = np.flatnonzero(patch.labels[k, j])
    ijk = np.add(patch.box.start, (row[len(row) // 2], j, k))
    return (ijkToWorld(volumeNode) @ [*ijk, 1.0])[:3]


def addDifferenceNode(volumeNode: Any, difference: LabelPatch, *, levels: tuple[int, int]) -> Any:
    """Add the difference to the scene, drawn as outlines, not visible yet. It is never saved."""
    scene = volumeNode.GetScene()
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(f"{volumeNode.GetName()}: level {levels[0]} and {levels[1]}")
    node.SetSaveWithScene(False)
    node.SetHideFromEditors(True)
    scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility(False)
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetVisibility3D(False)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    image = imageOf(difference, ijkToRAS(volumeNode))
    names = (
        f"Only in level {levels[0]}",
        f"Only in level {levels[1]}",
        "Another structure in each",
    )
    for value, (name, color) in enumerate(zip(names, _COLORS, strict=True), start=1):
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetColor(*(part / 255 for part in color))
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segment.SetLabelValue(value)
        node.GetSegmentation().AddSegment(segment, KINDS[value - 1])
    return node


def _within(patch: LabelPatch, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    array = np.zeros((high - low)[::-1], np.uint8)
    if not patch.box.isEmpty:
        box = VoxelBox(tuple(map(int, np.array(patch.box.start) - low)), patch.box.size)
        array[box.slicesKJI] = patch.labels
    return array
