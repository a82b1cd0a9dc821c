"""What a person made of a level: an edit of its own node, or a copy. No run touches either.

A level's node is ours as long as it is as we placed it. Once its voxels are others it is theirs: it becomes an edited
copy, under a name that says so, before anything of ours takes its place.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from CompactSegMRML.Labels import BINARY_LABELMAP, CLOSED_SURFACE, gridOf, voxelsOf
from CompactSegMRML.LevelSegments import (
    forgetOwner,
    namesOf,
    ownSegments,
    patchOfSegments,
    segmentsOf,
)
from CompactSegMRML.ResultFolder import freeName, isNoClone, nodesOfClass, putBeside
from CompactSegMRML.Results import (
    EDITED_ROLE,
    LEVEL_ATTRIBUTES,
    NAMED_AFTER,
    SELF_ROLE,
    VOLUME_ROLE,
    factsOf,
)
from CompactSegMRML.VolumeInput import toWorld

_GEOMETRY_ROLE = "referenceImageGeometryRef"
"""Slicer's own, from a segmentation to the image that it was drawn on."""
_GIVEN_NAME = re.compile(r" level \d+(_\d+)?$")
"""Of a level, as long as nobody gave it another."""


@dataclass(frozen=True)
class _Seen:
    """What was found when a node was looked at."""

    times: tuple[Any, ...]
    checksum: int


# Labels are read again only where a segment's image has another time.
_SEEN: weakref.WeakKeyDictionary[Any, _Seen] = weakref.WeakKeyDictionary()


def rememberPlaced(node: Any, checksum: int) -> None:
    """The node was just given labels with this checksum."""
    _SEEN[node] = _Seen(_timesOf(node), checksum)


def isEdited(node: Any) -> bool:
    """Whether a level's labels are others than those that were placed; False where that is not known."""
    facts = factsOf(node)
    if facts is None or facts.labelsCrc is None:
        return False
    times, seen = _timesOf(node), _SEEN.get(node)
    if seen is None or seen.times != times:
        segments = ownSegments(node.GetSegmentation())
        images = (each.GetRepresentation(BINARY_LABELMAP) for each in segments.values())
        image = next((each for each in images if each is not None), None)
        grid = gridOf(image) if image is not None else np.eye(4)
        seen = _SEEN[node] = _Seen(times, patchOfSegments(segments, grid).checksum)
    return seen.checksum != facts.labelsCrc


def measure(node: Any) -> dict[str, float]:
    """Millilitres of each segment by its names, counted now, in the world; those of its surface without a label map."""
    scale = abs(float(np.linalg.det(toWorld(node)[:3, :3]))) / 1000.0
    counts, found = {}, {}
    for _segmentID, segment in segmentsOf(node.GetSegmentation()):
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None:
            if image not in counts:
                values, numbers = np.unique(voxelsOf(image), return_counts=True)
                voxel = abs(float(np.linalg.det(gridOf(image)[:3, :3]))) * scale
                counts[image] = dict(zip(values.tolist(), (numbers * voxel).tolist(), strict=True))
            count = counts[image].get(int(segment.GetLabelValue()), 0.0)
        else:
            count = _inside(segment.GetRepresentation(CLOSED_SURFACE)) * scale
        found.update(dict.fromkeys(namesOf(segment), count))
    return found


def voxelMm3Of(node: Any) -> float | None:
    """Cubic millimetres in the world of a voxel of a level's labels; None where it has none, or not one for all."""
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        return None
    for segment in ownSegments(node.GetSegmentation()).values():
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None:
            grid = toWorld(node) @ gridOf(image)
            return abs(float(np.linalg.det(grid[:3, :3])))
    return None


def _inside(surface: Any) -> float:
    """Cubic millimetres in a closed surface."""
    if surface is None or not surface.GetNumberOfCells():
        return 0.0
    properties = vtk.vtkMassProperties()
    properties.SetInputData(surface)
    return float(properties.GetVolume())


def handOver(volumeNode: Any, node: Any) -> None:
    """Let a level's node be an edited copy: no longer a level, beside the volume, named so unless by a user."""
    facts = factsOf(node)
    releaseLevel(node)
    if _GIVEN_NAME.search(node.GetName()):
        node.SetName(_freeName(volumeNode, facts.level))
        node.SetAttribute(NAMED_AFTER, volumeNode.GetName())
    node.SetNodeReferenceID(EDITED_ROLE, volumeNode.GetID())
    putBeside(volumeNode, node)


def releaseLevel(node: Any) -> None:
    """Take all marks of a level off a node."""
    for name in LEVEL_ATTRIBUTES:
        node.RemoveAttribute(name)
    for role in (VOLUME_ROLE, SELF_ROLE):
        node.RemoveNodeReferenceIDs(role)
    forgetOwner(node.GetSegmentation())


def copyLevel(volumeNode: Any, source: Any, level: int) -> Any:
    """Copy a level's node, and show the copy as the level is shown."""
    name = _freeName(volumeNode, level)
    copy = volumeNode.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    copy.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    segmentation = slicer.vtkSegmentation()
    segmentation.DeepCopy(source.GetSegmentation())
    forgetOwner(segmentation)
    copy.SetAndObserveSegmentation(segmentation)
    copy.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    copy.SetNodeReferenceID(EDITED_ROLE, volumeNode.GetID())
    copy.SetAttribute(NAMED_AFTER, volumeNode.GetName())
    copy.CreateDefaultDisplayNodes()
    display = copy.GetDisplayNode()
    if source.GetDisplayNode() is not None:
        display.CopyContent(source.GetDisplayNode())
    display.RemoveAllViewNodeIDs()
    putBeside(volumeNode, copy)
    copy.SetDisplayVisibility(True)
    return copy


def isLevel(node: Any) -> bool:
    """Whether a segmentation node is a level's, that a run placed."""
    return bool(node.GetAttribute(LEVEL_ATTRIBUTES[0])) and isNoClone(node)


def copiesOf(volumeNode: Any) -> Iterator[Any]:
    """Edited copies of a volume's levels, and edited levels that were handed over."""
    for node in nodesOfClass(volumeNode.GetScene(), "vtkMRMLSegmentationNode"):
        if node.GetNodeReferenceID(EDITED_ROLE) == volumeNode.GetID():
            yield node


def othersOf(volumeNode: Any) -> Iterator[Any]:
    """Segmentations of a volume that are no levels: edited copies, clones, and what others drew on it."""
    for node in nodesOfClass(volumeNode.GetScene(), "vtkMRMLSegmentationNode"):
        roles = (EDITED_ROLE, VOLUME_ROLE, _GEOMETRY_ROLE)
        isOf = volumeNode.GetID() in [node.GetNodeReferenceID(role) for role in roles]
        if isOf and not node.GetHideFromEditors() and not isLevel(node):
            yield node


def _freeName(volumeNode: Any, level: int) -> str:
    return freeName(volumeNode.GetScene(), f"{volumeNode.GetName()} level {level} (edited)")


def _timesOf(node: Any) -> tuple[Any, ...]:
    times = []
    for value, segment in ownSegments(node.GetSegmentation()).items():
        image = segment.GetRepresentation(BINARY_LABELMAP)
        time = image.GetMTime() if image is not None else 0
        times.append((value, segment.GetLabelValue(), time))
    return tuple(times)
