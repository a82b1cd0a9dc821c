"""A comparison of two levels: put on the screen, taken off again, and never saved with the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from CompactSegLib.errors import InputError
from CompactSegMRML.ComparisonViews import (
    LAYOUT,
    VIEW_NAMES,
    describe,
    layoutNode,
    prepareViews,
    sliceNode,
)
from CompactSegMRML.Difference import (
    addDifferenceNode,
    centreWorld,
    differenceOf,
    millilitresOf,
)
from CompactSegMRML.LevelSegments import patchOfSegments
from CompactSegMRML.Results import Comparison
from CompactSegMRML.Signal import Signal
from CompactSegMRML.StoredResults import levelNode
from CompactSegMRML.VolumeInput import ijkToRAS

__all__ = ["Comparing"]


@dataclass(frozen=True)
class _Shown:
    """How a display node was before."""

    display: Any
    isVisible: bool
    views: tuple[str, ...]


class Comparing:
    """At most one comparison in a scene.

    Signals:
        ended().
    """

    def __init__(self, scene: Any) -> None:
        self.ended = Signal()
        self.comparison: Comparison | None = None
        self._scene = scene
        self._nodes: tuple[Any, Any] = (None, None)
        self._before: list[_Shown] = []
        self._layoutBefore: int | None = None
        self._isBusy = False

    def begin(self, volumeNode: Any, levelA: int, levelB: int) -> Comparison:
        """Show two levels side by side.

        Raises:
            InputError: A level is not there, or both are the same.
        """
        if levelA == levelB:
            raise InputError(f"Level {levelA} can not be compared with itself; choose two levels.")
        nodes = levelNode(volumeNode, levelA), levelNode(volumeNode, levelB)
        difference = differenceOf(volumeNode, *nodes)
        self._isBusy = True
        try:
            self._takeOff()
            self._nodes = nodes
            levels = (levelA, levelB)
            self.comparison = Comparison(
                volumeNode=volumeNode,
                levelA=levelA,
                levelB=levelB,
                differenceNode=addDifferenceNode(volumeNode, difference, levels=levels),
                millilitres=millilitresOf(volumeNode, difference),
                viewNames=VIEW_NAMES,
            )
            self._remember()
            self._show()
            self._setLayout()
            centre = centreWorld(volumeNode, difference)
            if centre is None:
                own = patchOfSegments(nodes[0].GetSegmentation(), ijkToRAS(volumeNode))
                centre = centreWorld(volumeNode, own)
            prepareViews(volumeNode, centre=centre, levels=levels)
        finally:
            self._isBusy = False
        return self.comparison

    def end(self, *, keepLayout: bool = False) -> None:
        """Bring back what was shown before, and the layout."""
        if self.comparison is None:
            return
        self._isBusy = True
        try:
            self._takeOff()
            layout = layoutNode(self._scene)
            if layout is not None and self._layoutBefore is not None and not keepLayout:
                layout.SetViewArrangement(self._layoutBefore)
            self._layoutBefore = None
        finally:
            self._isBusy = False
        self.ended()

    def checkLayout(self) -> None:
        """The layout node changed: another layout ends the comparison."""
        layout = layoutNode(self._scene)
        if self._isBusy or self.comparison is None or layout is None:
            return
        if layout.GetViewArrangement() != LAYOUT:
            self.end(keepLayout=True)

    def isOf(self, node: Any) -> bool:
        """Whether the comparison needs this node."""
        if self.comparison is None or self._isBusy:
            return False
        return node in (self.comparison.volumeNode, self.comparison.differenceNode, *self._nodes)

    def beginSave(self) -> None:
        """The scene is being saved: it shall hold what was shown before the comparison."""
        if self.comparison is not None:
            self._isBusy = True
            self._restore()
            self._setArrangementQuietly(self._layoutBefore)

    def endSave(self) -> None:
        if self.comparison is not None:
            self._show()
            self._setArrangementQuietly(LAYOUT)
            self._isBusy = False

    def _remember(self) -> None:
        """Every segmentation that is visible, as other results would hide the comparison."""
        self._before = []
        for index in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSegmentationDisplayNode")):
            display = self._scene.GetNthNodeByClass(index, "vtkMRMLSegmentationDisplayNode")
            self._before.append(
                _Shown(display, bool(display.GetVisibility()), tuple(display.GetViewNodeIDs()))
            )

    def _show(self) -> None:
        for shown in self._before:
            shown.display.SetVisibility(False)
        sides = [
            [sliceNode(self._scene, pair[side]).GetID() for pair in VIEW_NAMES] for side in (0, 1)
        ]
        for node, views in zip(self._nodes, sides, strict=True):
            _showIn(node, views)
        _showIn(self.comparison.differenceNode, [*sides[0], *sides[1]])

    def _restore(self) -> None:
        for shown in self._before:
            if shown.display.GetScene() is not None:
                _setViews(shown.display, shown.views)
                shown.display.SetVisibility(shown.isVisible)

    def _takeOff(self) -> None:
        comparison, self.comparison = self.comparison, None
        if comparison is None:
            return
        self._restore()
        self._before, self._nodes = [], (None, None)
        if comparison.differenceNode.GetScene() is not None:
            display = comparison.differenceNode.GetDisplayNode()
            self._scene.RemoveNode(comparison.differenceNode)
            if display is not None and display.GetScene() is not None:
                self._scene.RemoveNode(display)

    def _setLayout(self) -> None:
        layout = layoutNode(self._scene)
        if layout is not None:
            describe(layout)
            if layout.GetViewArrangement() != LAYOUT:
                self._layoutBefore = layout.GetViewArrangement()
                layout.SetViewArrangement(LAYOUT)

    def _setArrangementQuietly(self, arrangement: int | None) -> None:
        """For what is written to the file only: the window shall not flicker."""
        layout = layoutNode(self._scene)
        if layout is not None and arrangement is not None:
            layout.SetDisableModifiedEvent(True)
            layout.SetViewArrangement(arrangement)
            layout.SetDisableModifiedEvent(False)


def _showIn(node: Any, views: list[str]) -> None:
    for index in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(index)
        _setViews(display, tuple(views))
        display.SetVisibility(True)


def _setViews(display: Any, views: tuple[str, ...]) -> None:
    if tuple(display.GetViewNodeIDs()) != views:
        wasModified = display.StartModify()
        display.RemoveAllViewNodeIDs()
        for view in views:
            display.AddViewNodeID(view)
        display.EndModify(wasModified)
