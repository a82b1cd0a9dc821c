"""What the scene holds of a volume, as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from CompactSegLib.errors import InputError
from CompactSegMRML.Edits import isEdited, measure, othersOf
from CompactSegMRML.Labels import VoxelBox
from CompactSegMRML.LevelDisplay import shownLevel
from CompactSegMRML.LevelFacts import LevelFacts, factsOf
from CompactSegMRML.LevelNodes import isImageChanged, levelNodes
from CompactSegMRML.ResultFolder import folderOf, tableOf
from CompactSegMRML.Results import LevelResult, Results, Side
from CompactSegMRML.Translation import tr
from CompactSegMRML.VolumeInput import wholeBox

__all__ = ["boxOfResults", "factsNow", "levelNode", "resultOf", "resultsOf", "sideOf", "sidesOf"]


def resultsOf(volumeNode: Any) -> Results | None:
    """Read from the scene, of the model that is looked at; None where it holds no level of it."""
    if volumeNode is None or volumeNode.GetScene() is None:
        return None
    nodes = levelNodes(volumeNode)
    if not nodes:
        return None
    facts = [factsOf(node) for node in nodes.values()]
    last = facts[-1]
    table = tableOf(volumeNode, last.model)
    return Results(
        volumeNode=volumeNode,
        model=last.model,
        levels=tuple(
            resultOf(each, node) for each, node in zip(facts, nodes.values(), strict=True)
        ),
        availableLevels=last.levels,
        tableNode=table,
        folderItem=folderOf(volumeNode.GetScene(), [*nodes.values(), *([table] if table else [])]),
        shownLevel=shownLevel(volumeNode),
        device=last.device,
        messages=last.messages,
        isOutdated=isImageChanged(volumeNode, last),
    )


def resultOf(facts: LevelFacts, node: Any) -> LevelResult:
    """A level's facts and node as what the logic hands out."""
    edited = isEdited(node)
    facts = factsNow(facts, node) if edited else facts
    return LevelResult(
        level=facts.level,
        improvement=facts.improvement,
        improvementByLabel=facts.improvementByLabel,
        seconds=facts.seconds,
        millilitres=facts.millilitres,
        blocksRun=facts.blocksRun,
        stop=facts.stop,
        stopReason=facts.stopReason,
        stopThreshold=facts.stopThreshold,
        segmentationNode=node,
        isEdited=edited,
    )


def factsNow(facts: LevelFacts, node: Any) -> LevelFacts:
    """What holds of a level that was edited: its millilitres are those that are there."""
    now = measure(node)
    return replace(facts, millilitres={name: now.get(name, 0.0) for name in facts.millilitres})


def levelNode(volumeNode: Any, level: int) -> Any:
    """The segmentation node of a level.

    Raises:
        InputError: It is not there.
    """
    nodes = levelNodes(volumeNode)
    if level not in nodes:
        there = ", ".join(map(str, nodes)) or "none"
        name = volumeNode.GetName()
        raise InputError(
            tr("{name}: level {level} is not there (computed: {there}); segment it first.").format(
                name=name, level=level, there=there
            )
        )
    return nodes[level]


def sideOf(volumeNode: Any, what: Any) -> Side:
    """A level by its number, or a segmentation node of the volume, as a side of a comparison.

    Raises:
        InputError: It is not there.
    """
    if isinstance(what, int):
        return Side(levelNode(volumeNode, what), tr("Level {level}").format(level=what), what)
    found = next((side for side in sidesOf(volumeNode) if side.node is what), None)
    if found is None:
        raise InputError(
            tr("{name} is no segmentation of {volume}; choose one that is.").format(
                name=what.GetName() if what is not None else tr("Nothing"),
                volume=volumeNode.GetName(),
            )
        )
    return found


def sidesOf(volumeNode: Any) -> tuple[Side, ...]:
    """All segmentations of a volume: levels, edited copies, and what others drew on it."""
    levels = [sideOf(volumeNode, number) for number in levelNodes(volumeNode)]
    return (*levels, *(Side(node, node.GetName()) for node in othersOf(volumeNode)))


def boxOfResults(volumeNode: Any) -> VoxelBox:
    """The voxels that were segmented last; all where the volume is another image since."""
    whole = wholeBox(volumeNode)
    facts = [factsOf(node) for node in levelNodes(volumeNode).values()]
    if not facts or facts[-1].gridSize != whole.size or not facts[-1].box.within(whole):
        return whole
    return facts[-1].box
