"""What is known of a volume's levels: facts of each, kept in an attribute of its node, and all that a scene holds.

A saved scene tells the facts again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from CompactSegLib.json_data import is_number
from CompactSegMRML.Labels import VoxelBox

if TYPE_CHECKING:
    from CompactSegMRML.RunRequest import RunOptions
    from CompactSegMRML.WorkerFace import ModelInfo

FACTS_ATTRIBUTE = "CompactSeg.Facts"
EDITED_ROLE = "CompactSeg.EditedVolume"
"""From an edited copy to its volume."""
LEVEL_ATTRIBUTES = ("CompactSeg.Level", "CompactSeg.Stale", "CompactSeg.Aside", FACTS_ATTRIBUTE)
NAMED_AFTER = "CompactSeg.NamedAfter"
"""Of results and their folder: the name that the volume had when they got theirs."""
VOLUME_ROLE = "CompactSeg.Volume"
"""From a level's node, and a table, to the volume."""
SELF_ROLE = "CompactSeg.Self"
"""From a level's node, and a table, to itself. A clone refers to what it was made of: it is a user's, not ours."""


_MOST_LEVELS = 100


@dataclass(frozen=True)
class LevelFacts:
    """Facts of a level.

    Attributes:
        level: From 1.
        levels: How many the model has.
        model: Its name.
        improvement: None for level 1.
        improvementByLabel: By label name.
        seconds: Of this level.
        millilitres: By label name.
        blocksRun: For this level.
        stop: Why the run ended here; "" where it went on.
        stopReason: As a sentence.
        stopThreshold: At which the run ended, 0 to 1; None where it ended otherwise.
        device: Title of the device.
        precision: In which it computed.
        boxStart: First voxel of the region that was segmented.
        boxSize: Its voxels.
        gridSize: Voxels of the whole volume.
        spacingMm: Of the volume as it was sent, without parent transforms; None in older scenes.
        voxelMm3: Of a voxel in the world, when the millilitres were computed; None likewise.
        messages: Of the engine, for the user.
        labelsCrc: Checksum of the labels as they were placed; None in scenes of CompactSeg 0.1.
        imageCrc: Of the voxels that were segmented; None likewise.
    """

    level: int
    levels: int
    model: str
    improvement: float | None = None
    improvementByLabel: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    millilitres: Mapping[str, float] = field(default_factory=dict)
    blocksRun: int = 0
    stop: str = ""
    stopReason: str = ""
    stopThreshold: float | None = None
    device: str = ""
    precision: str = ""
    boxStart: tuple[int, int, int] = (0, 0, 0)
    boxSize: tuple[int, int, int] = (0, 0, 0)
    gridSize: tuple[int, int, int] = (0, 0, 0)
    spacingMm: tuple[float, float, float] | None = None
    voxelMm3: float | None = None
    messages: tuple[str, ...] = ()
    labelsCrc: int | None = None
    imageCrc: int | None = None

    @property
    def box(self) -> VoxelBox:
        return VoxelBox(self.boxStart, self.boxSize)

    @classmethod
    def fromEvent(
        cls,
        event: Mapping[str, Any],
        *,
        model: ModelInfo,
        options: RunOptions,
        box: VoxelBox,
        whole: VoxelBox,
        spacingMm: tuple[float, float, float] | None = None,
        voxelMm3: float | None = None,
        labelsCrc: int | None = None,
        imageCrc: int | None = None,
    ) -> LevelFacts:
        """Of a ``level`` event, of a model and what was asked of it, for a box of the whole volume."""
        threshold = options.thresholdFor(model) if event["stop"] == "threshold" else None
        return cls(
            level=event["level"],
            levels=model.levels,
            model=model.name,
            improvement=event["improvement"],
            improvementByLabel=dict(event["improvement_by_label"] or {}),
            seconds=event["seconds"],
            millilitres=dict(event["millilitres"]),
            blocksRun=event["blocks_run"],
            stop=event["stop"] or "",
            stopReason=event["stop_reason"] or "",
            stopThreshold=threshold,
            device=event["device_name"],
            precision=event["precision"],
            boxStart=box.start,
            boxSize=box.size,
            gridSize=whole.size,
            spacingMm=spacingMm,
            voxelMm3=voxelMm3,
            messages=tuple(event["messages"]),
            labelsCrc=labelsCrc,
            imageCrc=imageCrc,
        )


@dataclass(frozen=True)
class LevelResult(LevelFacts):
    """A level of a volume, as the scene holds it: its facts, and where it is.

    Attributes:
        segmentationNode: The vtkMRMLSegmentationNode.
        isEdited: Whether a person changed its labels since; then the millilitres are those of now, and what was told
            of changes no longer holds.
    """

    segmentationNode: Any = None
    isEdited: bool = False


@dataclass(frozen=True, eq=False)
class Results:
    """What the scene holds of a volume.

    Attributes:
        volumeNode: The volume.
        model: Name of the model that made the levels.
        levels: In order; one that the user deleted is missing.
        availableLevels: How many the model has, also those not yet computed.
        shownLevel: The one that is visible; None where none or several are.
        device: Title of the device that computed.
        messages: What the last run told beside the levels, such as that hardly anything was found.
        isOutdated: Whether the volume holds another image since.
    """

    volumeNode: Any
    model: str
    levels: tuple[LevelResult, ...]
    availableLevels: int
    shownLevel: int | None
    device: str = ""
    messages: tuple[str, ...] = ()
    isOutdated: bool = False

    def level(self, number: int) -> LevelResult | None:
        """The level with this number; None where it is not there."""
        return next((each for each in self.levels if each.level == number), None)


def writeFacts(node: Any, facts: LevelFacts) -> None:
    """Let a node remember."""
    node.SetAttribute(FACTS_ATTRIBUTE, json.dumps(asdict(facts), ensure_ascii=True))


def factsOf(node: Any) -> LevelFacts | None:
    """What a node remembers; None where it is no level's, or of another version of CompactSeg."""
    text = node.GetAttribute(FACTS_ATTRIBUTE)
    return _factsIn(text) if text else None


@lru_cache(maxsize=256)
def _factsIn(text: str) -> LevelFacts | None:
    """Read once, though a click asks for the same level's facts a dozen times."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    known = {}
    for each in fields(LevelFacts):
        value = data.get(each.name)
        if each.name in data and _IS_KIND[str(each.type)](value):
            known[each.name] = tuple(value) if isinstance(value, list) else value
    if not {"level", "levels", "model"} <= set(known):
        return None
    if not 1 <= known["level"] <= known["levels"] <= _MOST_LEVELS:
        return None
    return LevelFacts(**known)


def _isText(value: Any) -> bool:
    return isinstance(value, str)


def _isWhole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32


# A scene may come from anywhere: what is not of its kind was not said.
_IS_KIND: dict[str, Callable[[Any], bool]] = {
    "str": _isText,
    "int": _isWhole,
    "int | None": lambda value: value is None or _isWhole(value),
    "float": is_number,
    "float | None": lambda value: value is None or is_number(value),
    "Mapping[str, float]": lambda value: (
        isinstance(value, dict) and all(map(is_number, value.values()))
    ),
    "tuple[float, float, float] | None": lambda value: (
        value is None
        or (isinstance(value, list) and len(value) == 3 and all(map(is_number, value)))
    ),
    "tuple[int, int, int]": lambda value: (
        isinstance(value, list) and len(value) == 3 and all(map(_isWhole, value))
    ),
    "tuple[str, ...]": lambda value: isinstance(value, list) and all(map(_isText, value)),
}
