"""The scene's part of the logic: what it holds of a volume, what is seen of that, and comparisons."""

from __future__ import annotations

from typing import Any

from CompactSegMRML.Comparing import Comparing
from CompactSegMRML.LevelNodes import levelNodes, volumeOfNode
from CompactSegMRML.Results import Comparison, Results, Side
from CompactSegMRML.SceneResults import SceneResults
from CompactSegMRML.Signal import Signal
from CompactSegMRML.StoredResults import resultsOf, sideOf, sidesOf

__all__ = ["SceneFace"]


class SceneFace:
    """What `CompactSegLogic` does in the scene without the worker; the signals are described there."""

    def __init__(self, scene: Any) -> None:
        self.resultsChanged, self.comparisonEnded = Signal(), Signal()
        self._results = SceneResults(scene)
        self._comparing = Comparing(scene)
        self._comparing.repair()
        self._comparing.ended.connect(self.comparisonEnded)
        self._results.changed.connect(self.resultsChanged)
        watch = self._results.watch
        watch.changed.connect(self._comparing.repair)
        watch.layoutChanged.connect(self._comparing.checkLayout)
        watch.levelModified.connect(self._comparing.mirror)

    def results(self, volumeNode: Any) -> Results | None:
        """What the scene holds of a volume, of the model that ran last or that `lookAt` named; None for nothing."""
        self._results.settle()
        return resultsOf(volumeNode)

    def choose(self, volumeNode: Any) -> None:
        """Only this volume's results are to be seen; those of others come back when theirs is chosen. None for all.

        A comparison of another volume ends.
        """
        if self.comparison is not None and self.comparison.volumeNode is not volumeNode:
            self.endComparison()
        self._results.choose(volumeNode)

    def setOutlineOnly(self, outlineOnly: bool, volumeNode: Any = None) -> None:
        """Draw levels that are still to come as outlines, or filled; and those of a volume that are there already.

        How a level is drawn is the user's once it is there, so it is set at no other time.
        """
        self._results.setOutlineOnly(outlineOnly, volumeNode)

    def lookAt(self, volumeNode: Any, model: str) -> None:
        """Let the volume's results be those of this model where it has some; those of others stay, hidden."""
        if self._results.hasOther(volumeNode, model):
            self.endComparison()
            self._results.lookAt(volumeNode, model)

    def volumeOf(self, node: Any) -> Any:
        """The volume to which a level's segmentation node (or results table) belongs; None for other nodes."""
        return volumeOfNode(node)

    def showLevel(self, volumeNode: Any, level: int) -> None:
        """Show exactly this level of the volume.

        Raises:
            InputError: It is not there.
        """
        self.endComparison()
        self._results.show(volumeNode, level)

    def hideAll(self, volumeNode: Any) -> None:
        """Show no level of the volume."""
        self.endComparison()
        self._results.show(volumeNode, None)

    def removeResults(self, volumeNode: Any) -> None:
        """Take the volume's levels of all models, tables and folder from the scene; edited copies stay."""
        self.endComparison()
        self._results.remove(volumeNode)

    @property
    def comparison(self) -> Comparison | None:
        """The one that is on the screen."""
        return self._comparing.comparison

    def comparable(self, volumeNode: Any) -> tuple[Side, ...]:
        """What can be compared: the volume's levels, then its edited copies and other segmentations of it."""
        return sidesOf(volumeNode)

    def compare(self, volumeNode: Any, a: Any, b: Any) -> Comparison:
        """Show two segmentations side by side, A left and B right, slices linked, with outlines of where they differ.

        Called again it shows the others in the same layout.

        Args:
            volumeNode: The volume.
            a: The number of a level, or the node of any segmentation of the volume.
            b: Likewise.

        Raises:
            InputError: One is not there, or both are the same.
        """
        sides = (sideOf(volumeNode, each) for each in (a, b))
        with self._results.ours():
            comparison = self._comparing.begin(volumeNode, *sides)
        self._results.watch.follow(self._comparing.nodes)
        return comparison

    def drawnNodes(self, volumeNode: Any) -> list[Any]:
        """The volume's levels, and what is compared: what a click on a structure is about."""
        nodes = list(levelNodes(volumeNode).values())
        return [*nodes, *(each for each in self._comparing.nodes if each not in nodes)]

    @property
    def differencesOnly(self) -> bool:
        """Whether a comparison fills what differs and hides the rest."""
        return self._comparing.differencesOnly

    @differencesOnly.setter
    def differencesOnly(self, wanted: bool) -> None:
        self._comparing.differencesOnly = wanted

    def endComparison(self) -> None:
        """Bring back the layout and what was shown before; nothing happens where nothing is compared."""
        if self.comparison is None:
            return
        with self._results.ours():
            self._comparing.end()
        self._results.watch.follow([])

    def editCopy(self, volumeNode: Any, level: int) -> Any:
        """Copy a level into a vtkMRMLSegmentationNode that no later run touches, and show that instead of levels.

        It is called ``<volume> level 2 (edited)``, with a number where that is taken.

        Raises:
            InputError: The level is not there.
        """
        self.endComparison()
        return self._results.editCopy(volumeNode, level)
