"""A model as it is used: all levels of a volume, through the engine that ``segment`` runs."""

from __future__ import annotations

from dataclasses import dataclass

from CompactSegLib import Level, Segmenter, Volume


@dataclass(frozen=True)
class Result:
    """What came out for a volume.

    Attributes:
        levels: All of the model's, level 1 first.
        messages: What the report says to the user, first to last.
    """

    levels: list[Level]
    messages: list[str]

    @property
    def last(self) -> Level:
        return self.levels[-1]


def run(segmenter: Segmenter, volume: Volume) -> Result:
    """Segment a volume to the model's last level."""
    run = segmenter.start(volume)
    levels = list(run.levels(all_levels=True))
    return Result(levels, [*volume.warnings, *run.info.messages])
