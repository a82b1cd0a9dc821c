"""The table of a volume's levels: level, improvement, seconds, millilitres of each structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import vtk

from CompactSegMRML.LevelFacts import LevelFacts
from CompactSegMRML.LevelNodes import VOLUME_ROLE

__all__ = ["tableOf", "writeTable"]

_MARK = "CompactSeg.Table"


def tableOf(volumeNode: Any) -> Any:
    """The volume's table; None where it has none."""
    scene = volumeNode.GetScene()
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLTableNode") if scene else 0):
        node = scene.GetNthNodeByClass(index, "vtkMRMLTableNode")
        if node.GetAttribute(_MARK) and node.GetNodeReferenceID(VOLUME_ROLE) == volumeNode.GetID():
            return node
    return None


def writeTable(volumeNode: Any, facts: Sequence[LevelFacts]) -> tuple[Any, bool]:
    """Write the rows anew.

    Returns:
        The table node, and whether it is new.
    """
    node = tableOf(volumeNode)
    isNew = node is None
    if isNew:
        scene = volumeNode.GetScene()
        name = scene.GenerateUniqueName(f"{volumeNode.GetName()} levels")
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        node.SetAttribute(_MARK, "1")
        node.SetNodeReferenceID(VOLUME_ROLE, volumeNode.GetID())
    wasModified = node.StartModify()
    node.SetUseColumnTitleAsColumnHeader(True)
    table = vtk.vtkTable()
    for column in _columns(facts):
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    node.EndModify(wasModified)
    return node, isNew


def _columns(facts: Sequence[LevelFacts]) -> list[Any]:
    names = list(dict.fromkeys(name for each in facts for name in each.millilitres))
    columns = [_column(vtk.vtkIntArray(), "Level", [each.level for each in facts])]
    numbers = {
        # No number at all would shift the rows; Slicer shows this as nan.
        "Improvement": [
            math.nan if each.improvement is None else each.improvement for each in facts
        ],
        "Seconds": [each.seconds for each in facts],
        **{
            f"{name} (ml)": [each.millilitres.get(name, math.nan) for each in facts]
            for name in names
        },
    }
    return columns + [
        _column(vtk.vtkDoubleArray(), name, values) for name, values in numbers.items()
    ]


def _column(array: Any, name: str, values: Sequence[float]) -> Any:
    array.SetName(name)
    for value in values:
        array.InsertNextValue(value)
    return array
