"""The subject-hierarchy folder that holds a volume's levels and table, in the volume's study where it has one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer

__all__ = ["folderOf", "putBeside", "putIntoFolder", "removeIfEmpty", "removeNode"]

_ATTRIBUTE = "CompactSeg.Folder"


def folderOf(scene: Any, nodes: Iterable[Any]) -> int:
    """The item of the folder in which one of these nodes lies; 0 for none."""
    hierarchy = _hierarchy(scene)
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        parent = hierarchy.GetItemParent(item) if item else 0
        if parent and hierarchy.HasItemAttribute(parent, _ATTRIBUTE):
            return parent
    return 0


def putIntoFolder(volumeNode: Any, newNodes: Iterable[Any], *, others: Iterable[Any]) -> int:
    """Put new nodes where the volume's other results are, in a folder made for them where there are none.

    Args:
        volumeNode: The volume.
        newNodes: To be put; nodes that were there before stay where a user moved them.
        others: Results of the volume that are there already.

    Returns:
        The folder's item.
    """
    scene = volumeNode.GetScene()
    hierarchy = _hierarchy(scene)
    folder = folderOf(scene, others)
    if not folder:
        parent = hierarchy.GetItemParent(_itemOf(hierarchy, volumeNode))
        folder = hierarchy.CreateFolderItem(parent, f"{volumeNode.GetName()} levels")
        hierarchy.SetItemAttribute(folder, _ATTRIBUTE, "1")
    for node in newNodes:
        hierarchy.SetItemParent(_itemOf(hierarchy, node), folder)
    return folder


def putBeside(volumeNode: Any, node: Any) -> None:
    """Put a node where the volume is, as its own and not among the levels."""
    hierarchy = _hierarchy(volumeNode.GetScene())
    parent = hierarchy.GetItemParent(_itemOf(hierarchy, volumeNode))
    hierarchy.SetItemParent(_itemOf(hierarchy, node), parent)


def removeIfEmpty(scene: Any, folder: int) -> None:
    """Take a folder of ours away that holds nothing any more."""
    hierarchy = _hierarchy(scene)
    isOurs = folder and hierarchy.HasItemAttribute(folder, _ATTRIBUTE)
    if isOurs and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder, False, False)


def removeNode(node: Any) -> None:
    """Take a node of ours from the scene with its item, which nobody else removes without Slicer's plugins."""
    scene = node.GetScene()
    hierarchy = _hierarchy(scene)
    item = hierarchy.GetItemByDataNode(node)
    parent = hierarchy.GetItemParent(item) if item else 0
    scene.RemoveNode(node)
    if parent and item in _childrenOf(hierarchy, parent):
        hierarchy.RemoveItem(item, False, False)


def _childrenOf(hierarchy: Any, parent: int) -> list[int]:
    items: list[int] = []
    hierarchy.GetItemChildren(parent, items, False)
    return items


def _itemOf(hierarchy: Any, node: Any) -> int:
    """In Slicer each node has its item as soon as it is in the scene; without its plugins it has to be made."""
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(
        hierarchy.GetSceneItemID(), node
    )


def _hierarchy(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
