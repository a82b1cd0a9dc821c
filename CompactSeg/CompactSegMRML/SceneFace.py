"""The scene's part of the logic: what it holds of a volume, what is seen of that, and comparisons."""

from __future__ import annotations

from typing import Any

from CompactSegLib.errors import InputError
from CompactSegMRML.Comparing import Comparing
from CompactSegMRML.Difference import Comparison, Side
from CompactSegMRML.Edits import isEdited, othersOf
from CompactSegMRML.Labels import VoxelBox
from CompactSegMRML.LevelDisplay import coveredCopies, setVisible, shownLevel
from CompactSegMRML.LevelNodes import factsNow, isImageChanged, levelNode, levelNodes
from CompactSegMRML.Results import LevelResult, Results, factsOf
from CompactSegMRML.SceneResults import SceneResults
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.VolumeInput import wholeBox


class SceneFace:
    """What `CompactSegLogic` does in the scene without the worker; the signals are described there."""

    def __init__(self, scene: Any) -> None:
        self.resultsChanged, self.comparisonEnded, self.viewsChanged = Signal(), Signal(), Signal()
        self._results = SceneResults(scene)
        self._comparing = Comparing(scene)
        self._comparing.repair()
        self._comparing.ended.connect(self.comparisonEnded)
        self._results.changed.connect(self.resultsChanged)
        watch = self._results.watch
        watch.changed.connect(self._comparing.repair)
        watch.viewsChanged.connect(self.viewsChanged)
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

    def coveredCopies(self, volumeNode: Any) -> list[Any]:
        """Edited copies that a level took the place of, and that are not seen since."""
        return coveredCopies(volumeNode)

    def showCopy(self, volumeNode: Any, copy: Any) -> None:
        """Show an edited copy of the volume, and no level."""
        self.hideAll(volumeNode)
        setVisible(copy, True)

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
        return _sidesOf(volumeNode)

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
        sides = (_sideOf(volumeNode, each) for each in (a, b))
        with self._results.ours():
            comparison = self._comparing.begin(volumeNode, *sides)
        self._results.watch.follow(self._comparing.nodes)
        return comparison

    def drawnNodes(self, volumeNode: Any) -> list[Any]:
        """What a click on a structure is about: the volume's levels, what is compared, and what else of it is seen."""
        seen = [each for each in othersOf(volumeNode) if each.GetDisplayVisibility()]
        return list(
            dict.fromkeys([*levelNodes(volumeNode).values(), *self._comparing.nodes, *seen])
        )

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


def resultsOf(volumeNode: Any) -> Results | None:
    """Read from the scene, of the model that is looked at; None where it holds no level of it."""
    if volumeNode is None or volumeNode.GetScene() is None:
        return None
    nodes = levelNodes(volumeNode)
    if not nodes:
        return None
    last = factsOf(nodes[max(nodes)])
    return Results(
        volumeNode=volumeNode,
        model=last.model,
        levels=tuple(
            LevelResult(**vars(factsNow(node)), segmentationNode=node, isEdited=isEdited(node))
            for node in nodes.values()
        ),
        availableLevels=last.levels,
        shownLevel=shownLevel(volumeNode),
        device=last.device,
        messages=last.messages,
        isOutdated=isImageChanged(volumeNode, last),
    )


def _sideOf(volumeNode: Any, what: Any) -> Side:
    """A level by its number, or a segmentation node of the volume, as a side of a comparison.

    Raises:
        InputError: It is not there.
    """
    if isinstance(what, int):
        return Side(levelNode(volumeNode, what), _("Level {level}").format(level=what), what)
    found = next((side for side in _sidesOf(volumeNode) if side.node is what), None)
    if found is None:
        raise InputError(
            _("{name} is no segmentation of {volume}; choose one that is.").format(
                name=what.GetName() if what is not None else _("Nothing"),
                volume=volumeNode.GetName(),
            )
        )
    return found


def _sidesOf(volumeNode: Any) -> tuple[Side, ...]:
    """All segmentations of a volume: levels, edited copies, and what others drew on it."""
    levels = [_sideOf(volumeNode, number) for number in levelNodes(volumeNode)]
    others = othersOf(volumeNode)
    return (*levels, *(Side(node, _nameWithout(volumeNode, node)) for node in others))


def _nameWithout(volumeNode: Any, node: Any) -> str:
    """A node's name without that of its volume, which is known and leaves no room for the rest."""
    name = node.GetName().removeprefix(f"{volumeNode.GetName()} ")
    return name[:1].upper() + name[1:] if name != node.GetName() else name


def boxOfResults(volumeNode: Any) -> VoxelBox:
    """The voxels that were segmented last; all where the volume is another image since."""
    whole = wholeBox(volumeNode)
    facts = [factsOf(node) for node in levelNodes(volumeNode).values()]
    if not facts or facts[-1].gridSize != whole.size or not facts[-1].box.within(whole):
        return whole
    return facts[-1].box
