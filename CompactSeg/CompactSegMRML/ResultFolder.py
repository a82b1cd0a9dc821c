"""Where a volume's results are in the scene: a folder of the subject hierarchy, and a table of the levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import slicer
import vtk

from CompactSegMRML.Results import NAMED_AFTER, SELF_ROLE, VOLUME_ROLE, LevelFacts

_ATTRIBUTE = "CompactSeg.Folder"


def nodesOfClass(scene: Any, className: str) -> list[Any]:
    """The nodes of a class in a scene, in order; none without a scene.

    Slicer's own `slicer.util.getNodesByClass` looks into the application's scene, whichever it is given.
    """
    count = scene.GetNumberOfNodesByClass(className) if scene is not None else 0
    return [scene.GetNthNodeByClass(index, className) for index in range(count)]


def freeName(scene: Any, name: str) -> str:
    """A name as it is where no node has it, else with a number.

    Slicer's own `GenerateUniqueName` gives a number also where a node had the name once and is gone.
    """
    return name if scene.GetFirstNodeByName(name) is None else scene.GenerateUniqueName(name)


def folderOf(scene: Any, nodes: Iterable[Any]) -> int:
    """The item of the folder in which one of these nodes lies; 0 for none."""
    hierarchy = hierarchyOf(scene)
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        parent = hierarchy.GetItemParent(item) if item else 0
        if parent and hierarchy.HasItemAttribute(parent, _ATTRIBUTE):
            return parent
    return 0


def putIntoFolder(volumeNode: Any, newNodes: Sequence[Any], *, others: Iterable[Any]) -> None:
    """Put new nodes where the volume's other results are, in a folder of their own where there are none.

    Args:
        volumeNode: The volume.
        newNodes: To be put; nodes that were there before stay where a user moved them.
        others: Results of the volume that are there already.
    """
    if not newNodes:
        return
    scene = volumeNode.GetScene()
    hierarchy = hierarchyOf(scene)
    folder = folderOf(scene, others)
    if not folder:
        parent = hierarchy.GetItemParent(_itemOf(hierarchy, volumeNode))
        folder = _emptyFolder(hierarchy, parent)
        hierarchy.SetItemName(folder, f"{volumeNode.GetName()} levels")
        hierarchy.SetItemAttribute(folder, NAMED_AFTER, volumeNode.GetName())
    for node in newNodes:
        hierarchy.SetItemParent(_itemOf(hierarchy, node), folder)


def _emptyFolder(hierarchy: Any, parent: int) -> int:
    """One that was left when a user deleted what was in it, or a new one."""
    for each in _childrenOf(hierarchy, parent):
        if hierarchy.HasItemAttribute(each, _ATTRIBUTE) and not _childrenOf(hierarchy, each):
            return each
    folder = hierarchy.CreateFolderItem(parent, "")
    hierarchy.SetItemAttribute(folder, _ATTRIBUTE, "1")
    return int(folder)


def isFolderShown(node: Any) -> bool:
    """Whether no folder in which a node lies is hidden as a whole, which its display nodes know nothing of."""
    return all(each.GetVisibility() for each in _folderDisplays(node))


def showFolder(node: Any) -> None:
    """Show the folders in which a node lies."""
    for each in _folderDisplays(node):
        each.SetVisibility(True)


def _folderDisplays(node: Any) -> Iterator[Any]:
    hierarchy = hierarchyOf(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    while item := hierarchy.GetItemParent(item) if item else 0:
        display = hierarchy.GetItemDataNode(item)
        if display is not None and display.IsA("vtkMRMLFolderDisplayNode"):
            yield display


def parentOf(node: Any) -> int:
    """The item under which a node lies; 0 where it has none."""
    hierarchy = hierarchyOf(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    return int(hierarchy.GetItemParent(item)) if item else 0


def followParent(volumeNode: Any, nodes: Iterable[Any], *, before: int) -> None:
    """Take results, or the folder in which they are, along with their volume, where they were beside it.

    Args:
        volumeNode: A volume that was moved, as into another study.
        nodes: Its results; those that a user moved elsewhere stay there.
        before: The item under which the volume was.
    """
    hierarchy, now = hierarchyOf(volumeNode.GetScene()), parentOf(volumeNode)
    for node in nodes:
        item = folderOf(node.GetScene(), [node]) or hierarchy.GetItemByDataNode(node)
        if item and hierarchy.GetItemParent(item) == before:
            hierarchy.SetItemParent(item, now)


def putBeside(volumeNode: Any, node: Any) -> None:
    """Put a node where the volume is, as its own and not among the levels."""
    hierarchy = hierarchyOf(volumeNode.GetScene())
    parent = hierarchy.GetItemParent(_itemOf(hierarchy, volumeNode))
    hierarchy.SetItemParent(_itemOf(hierarchy, node), parent)


def removeIfEmpty(scene: Any, folder: int) -> None:
    """Take a folder of ours away that holds nothing any more."""
    hierarchy = hierarchyOf(scene)
    isOurs = folder and hierarchy.HasItemAttribute(folder, _ATTRIBUTE)
    if isOurs and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder, True, False)  # with its display node, where it was hidden once


def removeNode(node: Any) -> None:
    """Take a node of ours from the scene, with what says how it is drawn and saved, unless another node uses that too.

    Its item goes too, which nobody else removes without Slicer's plugins.
    """
    scene = node.GetScene()
    helpers = [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    if node.IsA("vtkMRMLDisplayableNode"):
        helpers += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    hierarchy = hierarchyOf(scene)
    item = hierarchy.GetItemByDataNode(node)
    parent = hierarchy.GetItemParent(item) if item else 0
    scene.RemoveNode(node)
    # After it: slice views keep the address of a display node as long as its node is there.
    used = {scene.GetNthReferencedID(n) for n in range(scene.GetNumberOfNodeReferences())}
    for each in helpers:
        if each is not None and each.GetID() not in used:
            scene.RemoveNode(each)
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


def hierarchyOf(scene: Any) -> Any:
    """The subject hierarchy of a scene."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


_MARK = "CompactSeg.Table"
_MODEL = "CompactSeg.Model"


def tablesOf(volumeNode: Any) -> list[Any]:
    """The volume's tables, one for each model; clones are a user's own."""
    return [
        node
        for node in nodesOfClass(volumeNode.GetScene(), "vtkMRMLTableNode")
        if node.GetAttribute(_MARK)
        and node.GetNodeReferenceID(VOLUME_ROLE) == volumeNode.GetID()
        and isNoClone(node)
    ]


def isNoClone(node: Any) -> bool:
    """Whether a node of ours is not one that a user cloned; those of CompactSeg 0.1 do not tell."""
    return node.GetNodeReferenceID(SELF_ROLE) in (None, node.GetID())


def tableOf(volumeNode: Any, model: str) -> Any:
    """The volume's table of a model; None where there is none.

    Scenes of CompactSeg 0.1 have one table that names no model: it is of whichever is asked for.
    """
    tables = tablesOf(volumeNode)
    return next((each for each in tables if each.GetAttribute(_MODEL) in (model, None)), None)


def writeTable(
    volumeNode: Any, facts: Sequence[LevelFacts], *, model: str, name: str
) -> tuple[Any, bool]:
    """Write the rows of a model anew.

    Returns:
        The table node, and whether it is new.
    """
    node = tableOf(volumeNode, model)
    isNew = node is None
    if isNew:
        scene = volumeNode.GetScene()
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", freeName(scene, f"{name} levels"))
        node.SetAttribute(_MARK, "1")
        node.SetAttribute(NAMED_AFTER, volumeNode.GetName())
        node.SetNodeReferenceID(VOLUME_ROLE, volumeNode.GetID())
        node.SetNodeReferenceID(SELF_ROLE, node.GetID())
    node.SetAttribute(_MODEL, model)
    fillTable(node, _columns(facts))
    return node, isNew


def fillTable(node: Any, columns: Iterable[Any]) -> None:
    """Let a vtkMRMLTableNode have these columns."""
    wasModified = node.StartModify()
    node.SetUseColumnTitleAsColumnHeader(True)
    table = vtk.vtkTable()
    for column in columns:
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    node.EndModify(wasModified)


def _columns(facts: Sequence[LevelFacts]) -> list[Any]:
    names = list(dict.fromkeys(name for each in facts for name in each.millilitres))
    columns = [columnOf(vtk.vtkIntArray(), "Level", [each.level for each in facts])]
    numbers = {
        # No number at all would shift the rows; Slicer shows this as nan.
        "Change (%)": [
            math.nan if each.improvement is None else 100 * each.improvement for each in facts
        ],
        "Seconds": [each.seconds for each in facts],
        **{
            f"{name} (ml)": [each.millilitres.get(name, math.nan) for each in facts]
            for name in names
        },
    }
    return columns + [
        columnOf(vtk.vtkDoubleArray(), name, values) for name, values in numbers.items()
    ]


def columnOf(array: Any, name: str, values: Iterable[Any]) -> Any:
    """A VTK array with this name and these values."""
    array.SetName(name)
    for value in values:
        array.InsertNextValue(value)
    return array
