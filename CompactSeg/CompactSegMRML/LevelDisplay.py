"""Which level of a volume is visible, and that other volumes' are not."""

from __future__ import annotations

from typing import Any

import slicer

from CompactSegMRML.Edits import EDITED_ROLE
from CompactSegMRML.LevelNodes import ASIDE, STALE, VOLUME_ROLE, everyLevelNode, levelNodes

__all__ = ["hasSurface", "keepAside", "setVisible", "showOnly", "shownLevel"]

_HIDDEN = "CompactSeg.HiddenForOtherVolume"


def showOnly(volumeNode: Any, level: int | None) -> None:
    """Show exactly this level of the model that is looked at, in all views; None hides all, those of others too."""
    shown = levelNodes(volumeNode).get(level) if level is not None else None
    for node in everyLevelNode(volumeNode):
        setVisible(node, node is shown)


def shownLevel(volumeNode: Any) -> int | None:
    """The level that is visible; None where none or several are."""
    visible = [
        number
        for number, node in levelNodes(volumeNode).items()
        if node.GetDisplayNode() is not None and node.GetDisplayNode().GetVisibility()
    ]
    return visible[0] if len(visible) == 1 else None


def hasSurface(node: Any) -> bool:
    """Whether a user had the surface of a segmentation made, for the 3D views."""
    name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    return bool(node.GetSegmentation().ContainsRepresentation(name))


def setVisible(node: Any, isVisible: bool) -> None:
    """Show a node or hide it, where that is another state than its own: each change draws the views anew."""
    if isVisible and node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    for index in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(index)
        display.RemoveAttribute(_HIDDEN)
        if bool(display.GetVisibility()) != isVisible:
            display.SetVisibility(isVisible)


def keepAside(scene: Any, volumeNode: Any) -> None:
    """Hide the results and edited copies of other volumes, and show again those of this one that were hidden so.

    Args:
        scene: vtkMRMLScene.
        volumeNode: Whose results may be seen; None for all.
    """
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLSegmentationNode")
        owner = node.GetNodeReferenceID(VOLUME_ROLE) or node.GetNodeReferenceID(EDITED_ROLE)
        if owner is None:
            continue
        isOther = volumeNode is not None and owner != volumeNode.GetID()
        for number in range(node.GetNumberOfDisplayNodes()):
            display = node.GetNthDisplayNode(number)
            if isOther and display.GetVisibility():
                display.SetAttribute(_HIDDEN, "1")
                display.SetVisibility(False)
            elif not isOther and display.GetAttribute(_HIDDEN):
                display.RemoveAttribute(_HIDDEN)
                display.SetVisibility(not (node.GetAttribute(ASIDE) or node.GetAttribute(STALE)))
