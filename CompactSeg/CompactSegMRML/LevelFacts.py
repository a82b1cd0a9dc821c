"""What a level's node remembers of its run: kept in a node attribute, so that a saved scene tells it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from CompactSegMRML.Results import ModelInfo
from CompactSegMRML.RunParts import RunOptions
from CompactSegMRML.VoxelBox import VoxelBox

__all__ = ["FACTS_ATTRIBUTE", "LevelFacts", "factsOf", "writeFacts"]

FACTS_ATTRIBUTE = "CompactSeg.Facts"


@dataclass(frozen=True)
class LevelFacts:
    """Facts of a level.

    Attributes:
        level: From 1.
        levels: How many the model has.
        model: Its name.
        modelTitle: For people.
        improvement: None for level 1.
        improvementByLabel: By label name.
        seconds: Of this level.
        millilitres: By label name.
        expectedGain: In Dice, of the next level.
        blocksRun: For this level.
        stop: Why the run ended here; "" where it went on.
        stopReason: As a sentence.
        stopUnit: Of the threshold at which the run ended, ``jaccard`` or ``dice``; "" where it ended otherwise.
        stopThreshold: That one, 0 to 1.
        device: Title of the device.
        precision: In which it computed.
        boxStart: First voxel of the region that was segmented.
        boxSize: Its voxels.
        gridSize: Voxels of the whole volume.
        messages: Of the engine, for the user.
        labelsCrc: Checksum of the labels as they were placed; None in scenes of CompactSeg 0.1.
        imageCrc: Of the voxels that were segmented; None likewise.
    """

    level: int
    levels: int
    model: str
    modelTitle: str = ""
    improvement: float | None = None
    improvementByLabel: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    millilitres: Mapping[str, float] = field(default_factory=dict)
    expectedGain: float | None = None
    blocksRun: int = 0
    stop: str = ""
    stopReason: str = ""
    stopUnit: str = ""
    stopThreshold: float | None = None
    device: str = ""
    precision: str = ""
    boxStart: tuple[int, int, int] = (0, 0, 0)
    boxSize: tuple[int, int, int] = (0, 0, 0)
    gridSize: tuple[int, int, int] = (0, 0, 0)
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
        labelsCrc: int | None = None,
        imageCrc: int | None = None,
    ) -> LevelFacts:
        """Of a ``level`` event, of a model and what was asked of it, for a box of the whole volume."""
        threshold, unit = None, ""
        if event["stop"] == "threshold":
            threshold, unit = options.ruleFor(model)
        return cls(
            level=event["level"],
            levels=model.levels,
            model=model.name,
            modelTitle=model.title,
            improvement=event["improvement"],
            improvementByLabel=dict(event["improvement_by_label"] or {}),
            seconds=event["seconds"],
            millilitres=dict(event["millilitres"]),
            expectedGain=event["expected_gain"],
            blocksRun=event["blocks_run"],
            stop=event["stop"] or "",
            stopReason=event["stop_reason"] or "",
            stopUnit=unit,
            stopThreshold=threshold,
            device=event["device_name"],
            precision=event["precision"],
            boxStart=box.start,
            boxSize=box.size,
            gridSize=whole.size,
            messages=tuple(event["messages"]),
            labelsCrc=labelsCrc,
            imageCrc=imageCrc,
        )


def writeFacts(node: Any, facts: LevelFacts) -> None:
    """Let a node remember."""
    node.SetAttribute(FACTS_ATTRIBUTE, json.dumps(asdict(facts), ensure_ascii=True))


def factsOf(node: Any) -> LevelFacts | None:
    """What a node remembers; None where it is no level's, or of another version of CompactSeg."""
    text = node.GetAttribute(FACTS_ATTRIBUTE)
    if not text:
        return None
    try:
        data = json.loads(text)
        known = {name: data[name] for name in LevelFacts.__dataclass_fields__ if name in data}
        for name in ("boxStart", "boxSize", "gridSize", "messages"):
            if name in known:
                known[name] = tuple(known[name])
        return LevelFacts(**known)
    except (ValueError, TypeError):
        return None
