"""Undo in a scene: results that come back get their folder again, which is not undone with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from CompactSegMRML.LevelNodes import allLevelNodes, volumeOfNode
from CompactSegMRML.ResultFolder import nodesOfClass, putIntoFolder, tablesOf
from CompactSegMRML.SceneWatch import SceneWatch


class Undoing:
    """Tells what comes back from what a user moved out of the folder, which stays where it is.

    Args:
        watch: Of the scene.
    """

    def __init__(self, watch: SceneWatch) -> None:
        self._before: list[Any] = []
        watch.undoing.connect(self._begin)
        watch.undone.connect(self._end)

    def _begin(self, scene: Any) -> None:
        self._before = [*_resultsIn(scene)]

    def _end(self, scene: Any) -> None:
        before, self._before = self._before, []
        now = [*_resultsIn(scene)]
        for volumeNode in {volumeOfNode(node) for node in now} - {None}:
            own = [node for node in now if volumeOfNode(node) is volumeNode]
            back = [node for node in own if node not in before]
            putIntoFolder(volumeNode, back, others=[node for node in own if node in before])


def _resultsIn(scene: Any) -> Iterator[Any]:
    """The levels and tables of all volumes."""
    yield from allLevelNodes(scene)
    for volumeNode in nodesOfClass(scene, "vtkMRMLScalarVolumeNode"):
        yield from tablesOf(volumeNode)
