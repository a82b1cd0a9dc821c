"""The segmentation nodes of a volume's levels: found, made, filled and taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from CompactSegMRML.LabelPatch import LabelPatch
from CompactSegMRML.LevelFacts import LevelFacts, factsOf, writeFacts
from CompactSegMRML.LevelSegments import putLabels, removeOwnSegments
from CompactSegMRML.ResultFolder import removeNode
from CompactSegMRML.VolumeInput import ijkToRAS

if TYPE_CHECKING:
    from CompactSegLib.models.labels import Label

__all__ = [
    "VOLUME_ROLE",
    "allLevelNodes",
    "levelNodes",
    "markStale",
    "placeLevel",
    "removeLevel",
    "staleNodes",
    "volumeOfNode",
]

VOLUME_ROLE = "CompactSeg.Volume"
_LEVEL, _STALE = "CompactSeg.Level", "CompactSeg.Stale"


def allLevelNodes(scene: Any) -> Iterator[Any]:
    """Those of all volumes, the ones left over from an earlier run included."""
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLSegmentationNode")
        if node.GetAttribute(_LEVEL):
            yield node


def levelNodes(volumeNode: Any) -> dict[int, Any]:
    """Level to node, in order; without those left over from an earlier run."""
    found = {}
    for node in _nodesOf(volumeNode):
        facts = factsOf(node)
        if facts is not None and not node.GetAttribute(_STALE):
            found.setdefault(facts.level, node)
    return dict(sorted(found.items()))


def staleNodes(volumeNode: Any) -> list[Any]:
    """Nodes of an earlier run whose places the present one may take."""
    return [node for node in _nodesOf(volumeNode) if node.GetAttribute(_STALE)]


def volumeOfNode(node: Any) -> Any:
    """The volume to which a level's node or a table belongs; None for others."""
    return node.GetNodeReference(VOLUME_ROLE) if node is not None else None


def markStale(volumeNode: Any) -> None:
    """A new run begins to bring levels: those that are there are no longer results, but keep their places."""
    for node in levelNodes(volumeNode).values():
        node.SetAttribute(_STALE, "1")
        node.SetDisplayVisibility(False)


def placeLevel(
    volumeNode: Any, facts: LevelFacts, patch: LabelPatch, *, labels: Sequence[Label]
) -> tuple[Any, bool]:
    """Put a level into its node, which is made where it is missing; whole or not at all.

    Returns:
        The node, and whether it is new. A new one is not visible yet.
    """
    node = next(
        (each for each in _nodesOf(volumeNode) if each.GetAttribute(_LEVEL) == str(facts.level)),
        None,
    )
    isNew = node is None
    node = _newNode(volumeNode, facts.level) if isNew else node
    wasModified = node.StartModify()
    try:
        node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        putLabels(node.GetSegmentation(), patch, labels=labels, ijkToRAS=ijkToRAS(volumeNode))
        writeFacts(node, facts)
        node.RemoveAttribute(_STALE)
    except BaseException:
        if isNew:
            volumeNode.GetScene().RemoveNode(node)
        raise
    finally:
        node.EndModify(wasModified)
    return node, isNew


def _newNode(volumeNode: Any, level: int) -> Any:
    scene = volumeNode.GetScene()
    name = scene.GenerateUniqueName(f"{volumeNode.GetName()} level {level}")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetVisibility(False)
    display.SetOpacity2DFill(0.35)  # what lies under it stays readable
    node.SetAttribute(_LEVEL, str(level))
    node.SetNodeReferenceID(VOLUME_ROLE, volumeNode.GetID())
    return node


def removeLevel(node: Any) -> None:
    """Take a level from the scene; a node to which a user added segments stays, without ours and no longer a level."""
    if removeOwnSegments(node.GetSegmentation()):
        for name in (_LEVEL, _STALE, "CompactSeg.Facts"):
            node.RemoveAttribute(name)
        node.RemoveNodeReferenceIDs(VOLUME_ROLE)
    else:
        removeNode(node)


def _nodesOf(volumeNode: Any) -> Iterator[Any]:
    scene = volumeNode.GetScene()
    if scene is not None:
        yield from (
            node
            for node in allLevelNodes(scene)
            if node.GetNodeReferenceID(VOLUME_ROLE) == volumeNode.GetID()
        )
