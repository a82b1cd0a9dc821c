"""A copy of a level for the Segment Editor, which no run touches."""

from __future__ import annotations

from typing import Any

import slicer

from CompactSegMRML.LevelDisplay import showOnly
from CompactSegMRML.LevelSegments import forgetOwner
from CompactSegMRML.ResultFolder import putBeside
from CompactSegMRML.StoredResults import levelNode

__all__ = ["editCopy"]


def editCopy(volumeNode: Any, level: int) -> Any:
    """Copy a level, show the copy and hide the levels.

    Raises:
        InputError: The level is not there.
    """
    source = levelNode(volumeNode, level)
    scene = volumeNode.GetScene()
    name = scene.GenerateUniqueName(f"{volumeNode.GetName()} level {level} (edited)")
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    copy.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    copy.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    segmentation = slicer.vtkSegmentation()
    segmentation.DeepCopy(source.GetSegmentation())
    forgetOwner(segmentation)
    copy.SetAndObserveSegmentation(segmentation)
    copy.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    copy.CreateDefaultDisplayNodes()
    _copyDisplay(source.GetDisplayNode(), copy.GetDisplayNode())
    putBeside(volumeNode, copy)
    showOnly(volumeNode, None)
    copy.SetDisplayVisibility(True)
    return copy


def _copyDisplay(source: Any, copy: Any) -> None:
    """Opacities and the segments' own settings, in all views."""
    if source is not None:
        copy.CopyContent(source)
    copy.RemoveAllViewNodeIDs()
    copy.SetVisibility(True)
