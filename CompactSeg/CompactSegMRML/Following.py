"""Levels go where their volume goes: under another transform, and to another place when that is hardened."""

from __future__ import annotations

from typing import Any

import numpy as np

from CompactSegMRML.LevelFacts import factsOf
from CompactSegMRML.LevelNodes import everyLevelNode
from CompactSegMRML.LevelSegments import moveSegments
from CompactSegMRML.VolumeInput import ijkToRAS, wholeBox

__all__ = ["followVolume"]


def followVolume(volumeNode: Any) -> None:
    """Bring the levels of a volume that was moved to where it is now; quick where nothing moved.

    Labels belong to voxels. So where the volume's own geometry changed, as on hardening a transform or centring it,
    they get that geometry, unless the volume has become another image.
    """
    if volumeNode.GetImageData() is None:
        return
    grid, size = ijkToRAS(volumeNode), wholeBox(volumeNode).size
    for node in everyLevelNode(volumeNode):
        wasModified = node.StartModify()
        if node.GetTransformNodeID() != volumeNode.GetTransformNodeID():
            node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        facts = factsOf(node)
        isSameImage = facts is not None and facts.gridSize == size
        if isSameImage and abs(np.linalg.det(grid[:3, :3])) > 0:
            isMoved = moveSegments(node.GetSegmentation(), grid)
            if isMoved:
                node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        node.EndModify(wasModified)
