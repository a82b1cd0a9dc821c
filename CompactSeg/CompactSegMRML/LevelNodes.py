"""The segmentation nodes of a volume's levels: found, made, filled, moved with the volume and taken away.

Several models may have segmented a volume. One of them is looked at; the nodes of the others are *aside*: they stay as
they are, hidden, until their model is looked at again.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegMRML.Edits import (
    handOver,
    isEdited,
    isLevel,
    measure,
    releaseLevel,
    rememberPlaced,
    voxelMm3Of,
)
from CompactSegMRML.Labels import LabelPatch, VoxelBox
from CompactSegMRML.LevelSegments import moveSegments, putLabels, removeOwnSegments
from CompactSegMRML.ResultFolder import freeName, nodesOfClass, removeNode
from CompactSegMRML.Results import (
    NAMED_AFTER,
    SELF_ROLE,
    VOLUME_ROLE,
    LevelFacts,
    factsOf,
    writeFacts,
)
from CompactSegMRML.RunRequest import checksumOf
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.VolumeInput import ijkToRAS, stampOf, wholeBox

if TYPE_CHECKING:
    from CompactSegLib.labels import Label

ASIDE = "CompactSeg.Aside"
_LEVEL, STALE = "CompactSeg.Level", "CompactSeg.Stale"


def allLevelNodes(scene: Any) -> Iterator[Any]:
    """Those of all volumes, the ones left over from an earlier run included."""
    yield from filter(isLevel, nodesOfClass(scene, "vtkMRMLSegmentationNode"))


def levelNodes(volumeNode: Any, *, model: str | None = None) -> dict[int, Any]:
    """Level to node, in order; without those left over from an earlier run.

    Args:
        volumeNode: The volume.
        model: Whose levels; None for the model that is looked at.
    """
    found = {}
    for node in everyLevelNode(volumeNode):
        facts = factsOf(node)
        if facts is None or node.GetAttribute(STALE):
            continue
        if not node.GetAttribute(ASIDE) if model is None else facts.model == model:
            found.setdefault(facts.level, node)
    return dict(sorted(found.items()))


def everyLevelNode(volumeNode: Any) -> Iterator[Any]:
    """The volume's levels of all models, with those left over from an earlier run."""
    for node in allLevelNodes(volumeNode.GetScene()):
        if node.GetNodeReferenceID(VOLUME_ROLE) == volumeNode.GetID():
            yield node


def lookAtModel(volumeNode: Any, model: str) -> None:
    """Look at the levels of this model; those of others are put aside and hidden."""
    for node in everyLevelNode(volumeNode):
        isOther = modelOf(node) != model
        if isOther != bool(node.GetAttribute(ASIDE)):
            node.SetAttribute(ASIDE, "1" if isOther else None)
        if isOther and node.GetDisplayNode() is not None and node.GetDisplayVisibility():
            node.SetDisplayVisibility(False)


def modelOf(node: Any) -> str:
    """Name of the model that made a level."""
    facts = factsOf(node)
    return facts.model if facts is not None else ""


def staleNodes(volumeNode: Any) -> list[Any]:
    """Nodes of an earlier run whose places the present one may take."""
    return [node for node in everyLevelNode(volumeNode) if node.GetAttribute(STALE)]


def volumeOfNode(node: Any) -> Any:
    """The volume to which a level's node or a table belongs; None for others."""
    return node.GetNodeReference(VOLUME_ROLE) if node is not None else None


def markStale(volumeNode: Any) -> None:
    """A new run begins to bring levels: those that are there are no longer results, but keep their places."""
    for node in levelNodes(volumeNode).values():
        node.SetAttribute(STALE, "1")
        node.SetDisplayVisibility(False)


def placeLevel(
    volumeNode: Any, facts: LevelFacts, patch: LabelPatch, *, labels: Sequence[Label]
) -> tuple[Any, bool]:
    """Put a level into its node, which is made where it is missing; whole or not at all.

    A node that a user edited is handed over to them, and a new one takes its place.

    Returns:
        The node, and whether it is new. A new one is not visible yet.
    """
    node = next(
        (
            each
            for each in everyLevelNode(volumeNode)
            if each.GetAttribute(_LEVEL) == str(facts.level) and modelOf(each) == facts.model
        ),
        None,
    )
    if node is not None and isEdited(node):
        node.SetDisplayVisibility(False)  # the new one is where it was
        handOver(volumeNode, node)
        node = None
    isNew = node is None
    node = _newNode(volumeNode, facts) if isNew else node
    wasModified = node.StartModify()
    try:
        node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        putLabels(node.GetSegmentation(), patch, labels=labels, ijkToRAS=ijkToRAS(volumeNode))
        writeFacts(node, facts)
        rememberPlaced(node, facts.labelsCrc)
        node.RemoveAttribute(STALE)
    except BaseException:
        if isNew:
            volumeNode.GetScene().RemoveNode(node)
        raise
    finally:
        node.EndModify(wasModified)
    return node, isNew


def _newNode(volumeNode: Any, facts: LevelFacts) -> Any:
    scene = volumeNode.GetScene()
    name = freeName(scene, f"{nameOfResults(volumeNode, facts.model)} level {facts.level}")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetVisibility(False)
    display.SetOpacity2DFill(0.35)  # what lies under it stays readable
    node.SetAttribute(_LEVEL, str(facts.level))
    node.SetAttribute(NAMED_AFTER, volumeNode.GetName())
    node.SetNodeReferenceID(VOLUME_ROLE, volumeNode.GetID())
    node.SetNodeReferenceID(SELF_ROLE, node.GetID())
    return node


def nameOfResults(volumeNode: Any, model: str) -> str:
    """The volume's name, with the model's where the scene has another model's levels of it too."""
    name = volumeNode.GetName()
    hasOther = any(modelOf(each) not in ("", model) for each in everyLevelNode(volumeNode))
    return f"{name} {model}" if hasOther else name


def removeLevel(volumeNode: Any, node: Any) -> None:
    """Take a level from the scene, unless a user edited it: then it is handed over to them.

    A node to which a user added segments stays, without ours and no longer a level.
    """
    if isEdited(node):
        handOver(volumeNode, node)
    elif removeOwnSegments(node.GetSegmentation()):
        releaseLevel(node)
    else:
        removeNode(node)


# By volume, what its voxels were found to be; they are read again only where the image has another time.
_SEEN: weakref.WeakKeyDictionary[Any, tuple[Any, int]] = weakref.WeakKeyDictionary()


def followVolume(volumeNode: Any) -> bool:
    """Bring the levels of a volume that was moved to where it is now; quick where nothing moved.

    Labels belong to voxels. So where the volume's own geometry changed, as on hardening a transform or centring it,
    they get that geometry, unless the volume has become another image.

    Returns:
        Whether any was moved.
    """
    if volumeNode.GetImageData() is None:
        return False
    isAnyMoved = False
    grid, size = ijkToRAS(volumeNode), wholeBox(volumeNode).size
    for node in everyLevelNode(volumeNode):
        wasModified = node.StartModify()
        if node.GetTransformNodeID() != volumeNode.GetTransformNodeID():
            node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
            isAnyMoved = True
        facts = factsOf(node)
        isSameImage = facts is not None and facts.gridSize == size
        if isSameImage and abs(np.linalg.det(grid[:3, :3])) > 0:
            isMoved = moveSegments(node.GetSegmentation(), grid)
            isAnyMoved |= isMoved
            if isMoved:
                node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        node.EndModify(wasModified)
    return isAnyMoved


def rememberImage(volumeNode: Any, box: VoxelBox, stamp: Any, checksum: int) -> None:
    """What the voxels of a volume were found to be when it had this stamp."""
    _SEEN[volumeNode] = ((stamp, box), checksum)


def isImageChanged(volumeNode: Any, facts: LevelFacts) -> bool:
    """Whether a volume holds another image than the one that was segmented, as a sequence's next frame.

    One with another spacing is another, since the net saw structures larger or smaller than they are.
    """
    image = volumeNode.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return True
    whole = wholeBox(volumeNode)
    if whole.size != facts.gridSize or not facts.box.within(whole):
        return True
    before = facts.spacingMm
    if before is not None and not np.allclose(before, volumeNode.GetSpacing(), rtol=1e-3, atol=0):
        return True
    if facts.imageCrc is None:
        return False
    times = (stampOf(volumeNode), facts.box)
    seen = _SEEN.get(volumeNode)
    if seen is None or seen[0] != times:
        seen = _SEEN[volumeNode] = (times, checksumOf(volumeNode, facts.box))
    return seen[1] != facts.imageCrc


def factsNow(node: Any) -> LevelFacts:
    """What holds of a level: once it was edited, or its voxels have another size, the millilitres are those of now."""
    facts = factsOf(node)
    if not isEdited(node):
        now = voxelMm3Of(node) if facts.voxelMm3 else None
        scale = now / facts.voxelMm3 if now else 1.0
        if np.isclose(scale, 1.0, rtol=1e-6, atol=0):
            return facts
        return replace(facts, millilitres={k: scale * v for k, v in facts.millilitres.items()})
    now = measure(node)
    return replace(facts, millilitres={name: now.get(name, 0.0) for name in facts.millilitres})


def levelNode(volumeNode: Any, level: int) -> Any:
    """The segmentation node of a level.

    Raises:
        InputError: It is not there.
    """
    nodes = levelNodes(volumeNode)
    if level not in nodes:
        there = ", ".join(map(str, nodes)) or _("none")
        name = volumeNode.GetName()
        raise InputError(
            _("{name}: level {level} is not there (computed: {there}); segment it first.").format(
                name=name, level=level, there=there
            )
        )
    return nodes[level]
