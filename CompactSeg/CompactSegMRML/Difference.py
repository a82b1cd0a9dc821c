"""Where two segmentations of a volume differ, structure by structure and voxel by voxel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer

from CompactSegMRML.Labels import (
    BINARY_LABELMAP,
    LabelPatch,
    VoxelBox,
    imageOf,
    patchOf,
)
from CompactSegMRML.LevelSegments import patchOfSegments, segmentsOf, withLabelmaps
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.VolumeInput import ijkToRAS, ijkToWorld

KINDS = ("onlyA", "onlyB", "another")
"""Values 1, 2 and 3 of a difference: what only A has, what only B has, and where they have different structures."""

_COLORS = ((240, 228, 66), (0, 158, 115), (204, 121, 167))  # told apart by color-blind eyes too
_MOST_STRUCTURES = 255


@dataclass(frozen=True, eq=False)
class Side:
    """Something of a volume that can be compared.

    Attributes:
        node: vtkMRMLSegmentationNode.
        name: For people: ``Level 2``, or the node's name without that of the volume.
        level: Where it is one; None for an edited copy or another segmentation.
    """

    node: Any
    name: str
    level: int | None = None


@dataclass(frozen=True)
class StructureOverlap:
    """A structure on both sides of a comparison.

    Attributes:
        name: Of the structure.
        millilitres: On the left and on the right.
        dice: Overlap, 0 to 1; None where neither side has it.
    """

    name: str
    millilitres: tuple[float, float]
    dice: float | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two segmentations of a volume side by side.

    Attributes:
        volumeNode: The volume.
        a: Shown left.
        b: Shown right.
        differenceNode: vtkMRMLSegmentationNode: what only A has, what only B has, and where they disagree.
        millilitres: Of each kind of difference.
        structures: Of both sides, those of A first.
    """

    volumeNode: Any
    a: Side
    b: Side
    differenceNode: Any
    millilitres: Mapping[str, float] = field(default_factory=dict)
    structures: tuple[StructureOverlap, ...] = ()

    @property
    def sides(self) -> tuple[Side, Side]:
        """Left and right."""
        return self.a, self.b


@dataclass(frozen=True, eq=False)
class Difference:
    """What differs.

    Attributes:
        patch: Values of `KINDS`, on the volume's grid.
        millilitres: Of each kind, in the world.
        structures: Of both sides, those of A first.
        ofA: The labels of A, for where nothing differs.
    """

    patch: LabelPatch
    millilitres: dict[str, float]
    structures: tuple[StructureOverlap, ...]
    ofA: LabelPatch


def differenceOf(volumeNode: Any, nodeA: Any, nodeB: Any) -> Difference:
    """The difference of two segmentation nodes; structures are the same where their names are."""
    grid = ijkToRAS(volumeNode)
    voxel = abs(float(np.linalg.det(ijkToWorld(volumeNode)[:3, :3]))) / 1000.0
    names = list(dict.fromkeys([*_namesOf(nodeA), *_namesOf(nodeB)]))[:_MOST_STRUCTURES]
    a, b = (_patchOfNames(node, names, grid) for node in (nodeA, nodeB))
    boxes = [patch.box for patch in (a, b) if not patch.box.isEmpty]
    if not boxes:
        nothing = tuple(StructureOverlap(name, (0.0, 0.0), None) for name in names)
        return Difference(a, dict.fromkeys(KINDS, 0.0), nothing, a)
    low = np.min([box.start for box in boxes], axis=0)
    high = np.max([np.array(box.start) + box.size for box in boxes], axis=0)
    first, second = (_within(patch, low, high) for patch in (a, b))
    result = (first != second).astype(np.uint8)
    isAnother = result * ((first > 0) & (second > 0))
    result += (first == 0) & (result > 0)
    result += 2 * isAnother
    counts = np.bincount(result.ravel(), minlength=len(KINDS) + 1)
    return Difference(
        patchOf(result, tuple(map(int, low))),
        {kind: float(counts[n] * voxel) for n, kind in enumerate(KINDS, start=1)},
        _overlaps(first, second, names, voxel),
        a,
    )


def _overlaps(
    first: np.ndarray, second: np.ndarray, names: list[str], voxel: float
) -> tuple[StructureOverlap, ...]:
    size = len(names) + 1
    joint = first.astype(np.uint16) * size + second
    table = np.bincount(joint.ravel(), minlength=size * size).reshape(size, size)
    ofA, ofB, both = table.sum(axis=1), table.sum(axis=0), table.diagonal()
    return tuple(
        StructureOverlap(
            name,
            (float(ofA[n] * voxel), float(ofB[n] * voxel)),
            float(2 * both[n] / (ofA[n] + ofB[n])) if ofA[n] + ofB[n] else None,
        )
        for n, name in enumerate(names, start=1)
    )


def fullestWorld(volumeNode: Any, patch: LabelPatch) -> np.ndarray | None:
    """A labelled voxel in the slice k that has most of them, in world millimetres; None where there is none."""
    if not patch.labels.any():
        return None
    k = int(np.argmax(np.count_nonzero(patch.labels, axis=(1, 2))))
    j = int(np.argmax(np.count_nonzero(patch.labels[k], axis=1)))
    row = np.flatnonzero(patch.labels[k, j])
    ijk = np.add(patch.box.start, (row[len(row) // 2], j, k))
    return (ijkToWorld(volumeNode) @ [*ijk, 1.0])[:3]


def addUnsavedNode(scene: Any, name: str) -> Any:
    """Add a vtkMRMLSegmentationNode that is never saved, nor offered for editing."""
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(name)
    node.SetSaveWithScene(False)
    node.SetHideFromEditors(True)
    return scene.AddNode(node)


def addDifferenceNode(volumeNode: Any, difference: Difference, *, names: tuple[str, str]) -> Any:
    """Add the difference to the scene, drawn as outlines, not visible yet. It is never saved."""
    name = f"{volumeNode.GetName()}: {names[0]} | {names[1]}"
    node = addUnsavedNode(volumeNode.GetScene(), name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility(False)
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetVisibility3D(False)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    image = imageOf(difference.patch, ijkToRAS(volumeNode))
    texts = (
        _("Only in {name}").format(name=names[0]),
        _("Only in {name}").format(name=names[1]),
        _("Another structure in each"),
    )
    for value, (name, color) in enumerate(zip(texts, _COLORS, strict=True), start=1):
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetColor(*(part / 255 for part in color))
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segment.SetLabelValue(value)
        node.GetSegmentation().AddSegment(segment, KINDS[value - 1])
    return node


def _namesOf(node: Any) -> list[str]:
    return [segment.GetName() for _segmentID, segment in segmentsOf(node.GetSegmentation())]


def _patchOfNames(node: Any, names: list[str], grid: np.ndarray) -> LabelPatch:
    """The labels of a node, each with the place of its name, from 1."""
    values = {name: value for value, name in enumerate(names, start=1)}
    segmentation = withLabelmaps(node.GetSegmentation())
    segments = (segment for _segmentID, segment in segmentsOf(segmentation))
    wanted = {values[each.GetName()]: each for each in segments if each.GetName() in values}
    return patchOfSegments(wanted, grid)


def _within(patch: LabelPatch, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    array = np.zeros((high - low)[::-1], np.uint8)
    if not patch.box.isEmpty:
        box = VoxelBox(tuple(map(int, np.array(patch.box.start) - low)), patch.box.size)
        array[box.slicesKJI] = patch.labels
    return array
