"""Results follow their volume: in name, as long as nobody gave them another, and from study to study."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from CompactSegMRML.Edits import copiesOf
from CompactSegMRML.LevelNodes import everyLevelNode
from CompactSegMRML.ResultFolder import (
    folderOf,
    followParent,
    freeName,
    hierarchyOf,
    nodesOfClass,
    tablesOf,
)
from CompactSegMRML.Results import NAMED_AFTER
from CompactSegMRML.SceneWatch import SceneWatch

_GIVEN = re.compile(r"(?P<name>( \S+)? level(s| \d+)( \(edited\))?)(_\d+)?")
"""What follows the volume's name: maybe the model's, what it is, and a number where the name was taken."""


class Following:
    """Tells what follows from what a user named or put elsewhere, which stays so.

    Args:
        watch: Of the scene.
    """

    def __init__(self, watch: SceneWatch) -> None:
        watch.volumeMoved.connect(lambda volumeNode: followName(volumeNode, _resultsOf(volumeNode)))
        watch.volumeReparented.connect(
            lambda volumeNode, before: followParent(
                volumeNode, _resultsOf(volumeNode), before=before
            )
        )


def _resultsOf(volumeNode: Any) -> list[Any]:
    """Its levels, tables and edited copies."""
    if volumeNode.GetScene() is None or volumeNode.GetScene().IsImporting():
        return []
    return [*everyLevelNode(volumeNode), *tablesOf(volumeNode), *copiesOf(volumeNode)]


def followName(volumeNode: Any, nodes: Iterable[Any]) -> None:
    """Name results, and their folder, after the name that the volume has now; quick where it is the same.

    Those that a user named stay as they are, and those of a sequence's volume, whose name is each frame's.
    """
    scene, name = volumeNode.GetScene(), volumeNode.GetName() or ""
    nodes = [each for each in nodes if each.GetAttribute(NAMED_AFTER) not in (None, name)]
    browsers = nodesOfClass(scene, "vtkMRMLSequenceBrowserNode") if nodes else ()
    if not nodes or any(each.GetSequenceNode(volumeNode) for each in browsers):
        return
    hierarchy, folder = hierarchyOf(scene), folderOf(scene, nodes)
    if folder:
        before = hierarchy.GetItemAttribute(folder, NAMED_AFTER)
        rest = _restOf(hierarchy.GetItemName(folder), before)
        if rest and before != name:
            hierarchy.SetItemName(folder, f"{name}{rest}")
            hierarchy.SetItemAttribute(folder, NAMED_AFTER, name)
    for node in nodes:
        rest = _restOf(node.GetName(), node.GetAttribute(NAMED_AFTER))
        if rest:
            node.SetName(freeName(scene, f"{name}{rest}"))
            node.SetAttribute(NAMED_AFTER, name)


def _restOf(name: str, before: str) -> str:
    """What was put behind the volume's name, without a number; "" where a user gave another name."""
    found = (
        _GIVEN.fullmatch(name.removeprefix(before)) if before and name.startswith(before) else None
    )
    return found["name"] if found else ""
