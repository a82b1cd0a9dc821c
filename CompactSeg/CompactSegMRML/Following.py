"""Levels go where their volume goes: under another transform, and to another place when that is hardened.

Where the volume's voxels are replaced they stay, and it can be asked whether they are still those of the image.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from CompactSegMRML.Labels import VoxelBox
from CompactSegMRML.LevelFacts import LevelFacts, factsOf
from CompactSegMRML.LevelNodes import everyLevelNode
from CompactSegMRML.LevelSegments import moveSegments
from CompactSegMRML.VolumeInput import checksumOf, ijkToRAS, stampOf, wholeBox

__all__ = ["followVolume", "isImageChanged", "rememberImage"]

# By volume, what its voxels were found to be; they are read again only where the image has another time.
_SEEN: weakref.WeakKeyDictionary[Any, tuple[Any, int]] = weakref.WeakKeyDictionary()


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


def rememberImage(volumeNode: Any, box: VoxelBox, stamp: Any, checksum: int) -> None:
    """What the voxels of a volume were found to be when it had this stamp."""
    _SEEN[volumeNode] = ((stamp, box), checksum)


def isImageChanged(volumeNode: Any, facts: LevelFacts) -> bool:
    """Whether a volume holds another image than the one that was segmented, as a sequence's next frame."""
    image = volumeNode.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return True
    whole = wholeBox(volumeNode)
    if whole.size != facts.gridSize or not facts.box.within(whole):
        return True
    if facts.imageCrc is None:
        return False
    times = (stampOf(volumeNode), facts.box)
    seen = _SEEN.get(volumeNode)
    if seen is None or seen[0] != times:
        seen = _SEEN[volumeNode] = (times, checksumOf(volumeNode, facts.box))
    return seen[1] != facts.imageCrc
