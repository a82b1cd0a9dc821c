"""A comparison of two segmentations of a volume: put on the screen, taken off again, and never saved."""

from __future__ import annotations

from typing import Any

from CompactSegLib.errors import InputError
from CompactSegMRML.Difference import (
    Comparison,
    Side,
    addDifferenceNode,
    addUnsavedNode,
    differenceOf,
    fullestWorld,
)
from CompactSegMRML.ResultFolder import nodesOfClass
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.SliceViews import (
    LAYOUT,
    VIEW_NAMES,
    describe,
    hideCrosshair,
    layoutNode,
    prepareViews,
    showCrosshair,
    sliceNode,
)

_HIDDEN = "CompactSeg.HiddenForComparison"


class Comparing:
    """At most one comparison in a scene.

    What is shown in its views are nodes of its own that share the levels' segments. They are not saved, and neither is
    the layout; display nodes that it hides carry a mark, so that a scene saved meanwhile shows what was shown before
    when it is opened. Second display nodes of the levels would do with less, but Slicer's slice views crash when a
    display node goes and its segmentation stays (vtkMRMLSegmentationsDisplayableManager2D keeps its address).

    Signals:
        ended().
    """

    def __init__(self, scene: Any) -> None:
        self.ended = Signal()
        self.comparison: Comparison | None = None
        self._scene = scene
        self._hidden: list[Any] = []
        self._shown: list[Any] = []
        self._layoutBefore: int | None = None
        self._crosshairBefore: int | None = None
        self._differencesOnly = False
        self._isBusy = False

    def begin(self, volumeNode: Any, a: Side, b: Side) -> Comparison:
        """Show two sides, A left and B right.

        Raises:
            InputError: Both are the same.
        """
        if a.node is b.node:
            raise InputError(
                _("{name} can not be compared with itself; choose another.").format(name=a.name)
            )
        difference = differenceOf(volumeNode, a.node, b.node)
        names = (a.name, b.name)
        self._isBusy = True
        try:
            self._takeOff()
            self.comparison = Comparison(
                volumeNode=volumeNode,
                a=a,
                b=b,
                differenceNode=addDifferenceNode(volumeNode, difference, names=names),
                millilitres=difference.millilitres,
                structures=difference.structures,
            )
            self._hide()
            self._show()
            self._setLayout()
            centre = fullestWorld(volumeNode, difference.patch)
            if centre is None:
                centre = fullestWorld(volumeNode, difference.ofA)
            prepareViews(volumeNode, centre=centre, names=names)
            self._crosshairBefore = showCrosshair(self._scene, centre, self._crosshairBefore)
        finally:
            self._isBusy = False
        return self.comparison

    @property
    def nodes(self) -> list[Any]:
        """Those that are compared; none where nothing is."""
        return [side.node for side in self.comparison.sides] if self.comparison is not None else []

    @property
    def differencesOnly(self) -> bool:
        """Whether what differs is filled, and all else hidden."""
        return self._differencesOnly

    @differencesOnly.setter
    def differencesOnly(self, wanted: bool) -> None:
        self._differencesOnly = wanted
        if self.comparison is not None:
            self._drawDifference()

    def _drawDifference(self) -> None:
        self.comparison.differenceNode.GetDisplayNode().SetVisibility2DFill(self._differencesOnly)
        for node in self._shown:
            node.GetDisplayNode().SetVisibility(not self._differencesOnly)

    def end(self, *, keepLayout: bool = False) -> None:
        """Bring back what was shown before, and the layout."""
        if self.comparison is None:
            return
        self._isBusy = True
        try:
            self._takeOff()
            layout = layoutNode(self._scene)
            if layout is not None and self._layoutBefore is not None:
                layout.SetSaveWithScene(True)
                if not keepLayout:
                    layout.SetViewArrangement(self._layoutBefore)
            self._layoutBefore = None
            self._crosshairBefore = hideCrosshair(self._scene, self._crosshairBefore)
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

    def mirror(self, node: Any) -> None:
        """A level's node was shown otherwise: what stands for it in the views is drawn as it is."""
        if self._isBusy or node not in self.nodes:
            return
        shown = self._shown[self.nodes.index(node)].GetDisplayNode()
        if node.GetDisplayNode() is not None and shown is not None:
            wasModified = shown.StartModify()
            _drawAs(node, shown, views=list(shown.GetViewNodeIDs()))
            shown.SetVisibility(not self._differencesOnly)
            shown.EndModify(wasModified)

    def isOf(self, node: Any) -> bool:
        """Whether the comparison needs this node."""
        if self.comparison is None or self._isBusy:
            return False
        return node in (self.comparison.volumeNode, self.comparison.differenceNode, *self.nodes)

    def repair(self) -> None:
        """A scene was opened: what a comparison hid when it was saved is shown again."""
        for display in self._allDisplays():
            if display.GetAttribute(_HIDDEN) and display not in self._hidden:
                display.RemoveAttribute(_HIDDEN)
                display.SetVisibility(True)

    def _allDisplays(self) -> list[Any]:
        return nodesOfClass(self._scene, "vtkMRMLSegmentationDisplayNode")

    def _hide(self) -> None:
        """Other segmentations of the volume would cover the comparison."""
        self._hidden = [display for display in self._allDisplays() if display.GetVisibility()]
        for display in self._hidden:
            display.SetAttribute(_HIDDEN, "1")
            display.SetVisibility(False)

    def _show(self) -> None:
        sides = [
            [sliceNode(self._scene, pair[side]).GetID() for pair in VIEW_NAMES] for side in (0, 1)
        ]
        for node, views in zip(self.nodes, sides, strict=True):
            self._shown.append(_addShown(node, views))
        _showIn(self.comparison.differenceNode.GetDisplayNode(), [*sides[0], *sides[1]])
        self._drawDifference()

    def _takeOff(self) -> None:
        comparison, self.comparison = self.comparison, None
        if comparison is None:
            return
        for node in (*self._shown, comparison.differenceNode):
            display = node.GetDisplayNode()
            for each in (node, display):
                if each is not None and each.GetScene() is not None:
                    self._scene.RemoveNode(each)
        for display in self._hidden:
            display.RemoveAttribute(_HIDDEN)
            if display.GetScene() is not None:
                display.SetVisibility(True)
        self._hidden, self._shown = [], []

    def _setLayout(self) -> None:
        layout = layoutNode(self._scene)
        if layout is not None:
            describe(layout)
            if layout.GetViewArrangement() != LAYOUT:
                self._layoutBefore = layout.GetViewArrangement()
                layout.SetSaveWithScene(False)
                layout.SetViewArrangement(LAYOUT)


def _addShown(node: Any, views: list[str]) -> Any:
    """A node with the segments of a level, not a copy of them, for some views only and drawn as the level is."""
    shown = addUnsavedNode(node.GetScene(), node.GetName())
    shown.SetAndObserveSegmentation(node.GetSegmentation())
    shown.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    shown.CreateDefaultDisplayNodes()
    _drawAs(node, shown.GetDisplayNode(), views=views)
    return shown


def _drawAs(node: Any, display: Any, *, views: list[str]) -> None:
    """Let a display node show what a segmentation's own one does, in these views only."""
    if node.GetDisplayNode() is not None:
        display.CopyContent(node.GetDisplayNode())
    display.SetSaveWithScene(False)
    display.RemoveAttribute(_HIDDEN)
    _showIn(display, views)


def _showIn(display: Any, views: list[str]) -> None:
    display.RemoveAllViewNodeIDs()
    for view in views:
        display.AddViewNodeID(view)
    display.SetVisibility(True)
