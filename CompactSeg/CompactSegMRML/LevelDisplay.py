"""How levels are seen: which one, of which volume, and how each structure is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import slicer

from CompactSegMRML.Edits import copiesOf, isEdited
from CompactSegMRML.Labels import CLOSED_SURFACE
from CompactSegMRML.LevelNodes import ASIDE, STALE, everyLevelNode, levelNodes
from CompactSegMRML.LevelSegments import namesOf, segmentsOf
from CompactSegMRML.ResultFolder import isFolderShown, nodesOfClass, showFolder
from CompactSegMRML.Results import EDITED_ROLE, VOLUME_ROLE

_HIDDEN = "CompactSeg.HiddenForOtherVolume"
_COVERED = "CompactSeg.HiddenForLevel"


def showOnly(volumeNode: Any, level: int | None) -> None:
    """Show exactly this level of the model that is looked at, in all views; None hides all, those of others too.

    Where no level was seen, a level takes the place of edited copies: drawn over each other, what was erased in the
    copy would be seen as if it were there. Copies that a user shows beside a level stay.
    """
    shown = levelNodes(volumeNode).get(level) if level is not None else None
    nodes = list(everyLevelNode(volumeNode))
    wasSeen = any(each.GetDisplayVisibility() for each in nodes)
    for node in nodes:
        setVisible(node, node is shown)
    if shown is None:
        return
    showFolder(shown)
    for copy in () if wasSeen else filter(_isSeen, copiesOf(volumeNode)):
        setVisible(copy, False)
        copy.GetDisplayNode().SetAttribute(_COVERED, "1")


def coveredCopies(volumeNode: Any) -> list[Any]:
    """Edited copies that a level took the place of, and that are not seen since."""
    return [
        each
        for each in copiesOf(volumeNode)
        if each.GetDisplayNode()
        and each.GetDisplayNode().GetAttribute(_COVERED)
        and not _isSeen(each)
    ]


def _isSeen(node: Any) -> bool:
    return node.GetDisplayNode() is not None and bool(node.GetDisplayVisibility())


def shownLevel(volumeNode: Any) -> int | None:
    """The level that is visible; None where none or several are, or the folder of it is hidden."""
    visible = [
        number
        for number, node in levelNodes(volumeNode).items()
        if node.GetDisplayNode() is not None
        and node.GetDisplayNode().GetVisibility()
        and isFolderShown(node)
    ]
    return visible[0] if len(visible) == 1 else None


def shownNode(volumeNode: Any) -> Any:
    """The node of the level that is visible, as `shownLevel` tells it; None for none."""
    return levelNodes(volumeNode).get(shownLevel(volumeNode) or 0)


def hasSurface(node: Any) -> bool:
    """Whether a user had the surface of a segmentation made, for the 3D views."""
    return bool(node.GetSegmentation().ContainsRepresentation(CLOSED_SURFACE))


def isSurfaceWanted(volumeNode: Any) -> bool:
    """Whether the level that is seen has its surface; where none is seen, whether any has."""
    shown = shownNode(volumeNode)
    return any(map(hasSurface, everyLevelNode(volumeNode) if shown is None else [shown]))


def makeSurfacesAlike(volumeNode: Any) -> None:
    """Let the surfaces of all levels be as that of the one that is seen: smoothed as it is, and none where it has none.

    Slicer's controls of them are about one segmentation only. One that is otherwise goes, and is made anew where it is
    to be seen. What a user edited stays as it is, and levels that are there do not follow it.
    """
    shown = shownNode(volumeNode)
    if shown is None or isEdited(shown):
        return
    for node in levelNodes(volumeNode).values():
        if node is not shown and not isEdited(node):
            _makeSurfaceLike(node, shown)


def _makeSurfaceLike(node: Any, other: Any) -> None:
    segmentation = node.GetSegmentation()
    geometry = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    own = segmentation.GetConversionParameter(geometry)
    before = segmentation.SerializeAllConversionParameters()
    segmentation.CopyConversionParameters(other.GetSegmentation())
    segmentation.SetConversionParameter(geometry, own)
    isOther = segmentation.SerializeAllConversionParameters() != before or not hasSurface(other)
    if isOther and hasSurface(node):
        segmentation.RemoveRepresentation(CLOSED_SURFACE)


def setVisible(node: Any, isVisible: bool) -> None:
    """Show a node or hide it, where that is another state than its own: each change draws the views anew."""
    if isVisible and node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    for index in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(index)
        display.RemoveAttribute(_HIDDEN)
        display.RemoveAttribute(_COVERED)
        if bool(display.GetVisibility()) != isVisible:
            display.SetVisibility(isVisible)


def drawLike(node: Any, other: Any) -> None:
    """Draw a new level as another one is: what a user chose for that holds for those that come later."""
    display = node.GetDisplayNode()
    isVisible, wasModified = display.GetVisibility(), display.StartModify()
    display.CopyContent(other.GetDisplayNode())
    display.RemoveAllViewNodeIDs()
    display.RemoveAttribute(_HIDDEN)
    display.SetVisibility(isVisible)
    display.EndModify(wasModified)
    theirs = [segment for _segmentID, segment in segmentsOf(other.GetSegmentation())]
    colors = {name: each.GetColor() for each in theirs for name in namesOf(each)}
    for _segmentID, segment in segmentsOf(node.GetSegmentation()):
        segment.SetColor(*colors.get(segment.GetName(), segment.GetColor()))
    _makeSurfaceLike(node, other)


def keepAside(scene: Any, volumeNode: Any) -> None:
    """Hide the results and edited copies of other volumes, and show again those of this one that were hidden so.

    Args:
        scene: vtkMRMLScene.
        volumeNode: Whose results may be seen; None for all.
    """
    for node in nodesOfClass(scene, "vtkMRMLSegmentationNode"):
        owner = node.GetNodeReferenceID(VOLUME_ROLE) or node.GetNodeReferenceID(EDITED_ROLE)
        if owner is None:
            continue
        isOther = volumeNode is not None and owner != volumeNode.GetID()
        for number in range(node.GetNumberOfDisplayNodes()):
            display = node.GetNthDisplayNode(number)
            if isOther and display.GetVisibility():
                display.SetAttribute(_HIDDEN, "1")
                display.SetVisibility(False)
            elif not isOther and display.GetAttribute(_HIDDEN):
                display.RemoveAttribute(_HIDDEN)
                display.SetVisibility(not (node.GetAttribute(ASIDE) or node.GetAttribute(STALE)))


_SIDE = re.compile(r"^(left|right)[ _-]+(?P<rest>.+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Structure:
    """One structure, or the left and the right of one.

    Attributes:
        name: Without its side where both are there.
        left: Name of the segment; None where the structure has no sides.
        right: Likewise.
    """

    name: str
    left: str | None = None
    right: str | None = None

    @property
    def segments(self) -> tuple[str, ...]:
        """Names of its segments."""
        return (self.name,) if self.left is None or self.right is None else (self.left, self.right)

    def asymmetry(self, millilitres: Mapping[str, float]) -> float | None:
        """How much larger the left is than the right, as a share of their mean; None without sides or volume.

        >>> Structure("Amygdala", "Left amygdala", "Right amygdala").asymmetry(
        ...     {"Left amygdala": 1.1, "Right amygdala": 0.9}
        ... )
        0.2
        """
        if self.left is None or self.right is None:
            return None
        left, right = (millilitres.get(name, 0.0) for name in (self.left, self.right))
        return round(2 * (left - right) / (left + right), 6) if left + right else None


def unsided(name: str) -> str:
    """A segment's name without its side.

    >>> unsided("Left anterior hippocampus"), unsided("Brain stem")
    ('Anterior hippocampus', 'Brain stem')
    """
    found = _SIDE.match(name)
    return found["rest"][0].upper() + found["rest"][1:] if found else name


def structuresOf(names: Iterable[str]) -> list[Structure]:
    """Names of segments as structures, in their order; what has only one side stays as it is called.

    >>> [each.name for each in structuresOf(["Left putamen", "Brain stem", "Right putamen"])]
    ['Putamen', 'Brain stem']
    """
    names = list(names)
    sides: dict[str, dict[str, str]] = {}
    for name in names:
        if found := _SIDE.match(name):
            sides.setdefault(found["rest"].lower(), {})[found[1].lower()] = name
    structures: dict[str, Structure] = {}
    for name in names:
        found = _SIDE.match(name)
        pair = sides[found["rest"].lower()] if found else {}
        if found and len(pair) == 2:
            both = Structure(unsided(name), pair["left"], pair["right"])
            structures.setdefault(found["rest"].lower(), both)
        else:
            structures.setdefault(name, Structure(name))
    return list(structures.values())


def lookOf(node: Any, structure: Structure) -> tuple[tuple[int, int, int], bool, float]:
    """How a level's node shows a structure: colour (0 to 255), whether it is visible, and its opacity (0 to 1)."""
    display = node.GetDisplayNode()
    for segmentID, segment in _segments(node, structure.segments):
        color = tuple(round(255 * part) for part in segment.GetColor())
        if display is None:
            return color, True, 1.0  # type: ignore[return-value]
        isVisible = bool(display.GetSegmentVisibility(segmentID))
        return color, isVisible, display.GetSegmentOpacity2DFill(segmentID)  # type: ignore[return-value]
    return (0, 0, 0), False, 1.0


def showStructures(nodes: Iterable[Any], names: Iterable[str], isVisible: bool) -> None:
    """Show or hide segments in all of these nodes."""
    for display, segmentID, _segment in _shown(nodes, names):
        display.SetSegmentVisibility(segmentID, isVisible)


def fadeStructures(nodes: Iterable[Any], names: Iterable[str], opacity: float) -> None:
    """How much of the image segments cover, 0 to 1, in all of these nodes."""
    for display, segmentID, _segment in _shown(nodes, names):
        display.SetSegmentOpacity2DFill(segmentID, opacity)
        display.SetSegmentOpacity2DOutline(segmentID, opacity)


def colorStructures(
    nodes: Iterable[Any], names: Iterable[str], color: tuple[int, int, int]
) -> None:
    """The colour of segments, 0 to 255, in all of these nodes."""
    for _display, _segmentID, segment in _shown(nodes, names):
        segment.SetColor(*(part / 255 for part in color))


def jumpTo(node: Any, name: str) -> bool:
    """Let all slice views show the middle of a segment; False where it has no voxels."""
    for segmentID, _segment in _segments(node, (name,)):
        centre = node.GetSegmentCenterRAS(segmentID)
        if centre is None:
            return False
        slicer.vtkMRMLSliceNode.JumpAllSlices(
            node.GetScene(), *centre, slicer.vtkMRMLSliceNode.DefaultJumpSlice
        )
        return True
    return False


def _shown(nodes: Iterable[Any], names: Iterable[str]) -> Iterator[tuple[Any, str, Any]]:
    for node in nodes:
        if node.GetDisplayNode() is not None:
            for segmentID, segment in _segments(node, names):
                yield node.GetDisplayNode(), segmentID, segment


def _segments(node: Any, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    wanted = set(names)
    return (each for each in segmentsOf(node.GetSegmentation()) if wanted & namesOf(each[1]))
