"""The table of a volume's levels: level, improvement, seconds, millilitres of each structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import vtk

from CompactSegMRML.LevelFacts import LevelFacts
from CompactSegMRML.LevelNodes import VOLUME_ROLE, nameOfResults

__all__ = ["tableOf", "tablesOf", "writeTable"]

_MARK = "CompactSeg.Table"
_MODEL = "CompactSeg.Model"


def tablesOf(volumeNode: Any) -> list[Any]:
    """The volume's tables, one for each model."""
    scene = volumeNode.GetScene()
    count = scene.GetNumberOfNodesByClass("vtkMRMLTableNode") if scene else 0
    nodes = [scene.GetNthNodeByClass(index, "vtkMRMLTableNode") for index in range(count)]
    return [
        node
        for node in nodes
        if node.GetAttribute(_MARK) and node.GetNodeReferenceID(VOLUME_ROLE) == volumeNode.GetID()
    ]


def tableOf(volumeNode: Any, model: str) -> Any:
    """The volume's table of a model; None where there is none.

    Scenes of CompactSeg 0.1 have one table that names no model: it is of whichever is asked for.
    """
    tables = tablesOf(volumeNode)
    return next((each for each in tables if each.GetAttribute(_MODEL) in (model, None)), None)


def writeTable(volumeNode: Any, facts: Sequence[LevelFacts], *, model: str) -> tuple[Any, bool]:
    """Write the rows of a model anew.

    Returns:
        The table node, and whether it is new.
    """
    node = tableOf(volumeNode, model)
    isNew = node is None
    if isNew:
        scene = volumeNode.GetScene()
        name = scene.GenerateUniqueName(f"{nameOfResults(volumeNode, model)} levels")
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        node.SetAttribute(_MARK, "1")
        node.SetNodeReferenceID(VOLUME_ROLE, volumeNode.GetID())
    wasModified = node.StartModify()
    node.SetAttribute(_MODEL, model)
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
