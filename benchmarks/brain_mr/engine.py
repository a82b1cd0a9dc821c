"""A model as it is used: all levels of a volume, through the engine that ``segment`` runs."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from CompactSegLib import Label, Level, Model, Segmenter, Volume
from CompactSegLib.labels import structures_of
from CompactSegLib.model.model import ExpectedVolume


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


def without_sides(model: Model) -> Model:
    """The same model with left and right of a structure as one label, whose value is the net's class."""
    expected: dict[str, ExpectedVolume] = {}
    for label in model.labels:
        if one := model.expected_millilitres.get(label.name):
            other = expected.get(label.structure, ExpectedVolume(0, 0, 0))
            # Extremes of two sides need not be of the same case.
            sums = map(sum, zip(astuple(one), astuple(other), strict=True))
            expected[label.structure] = ExpectedVolume(*sums)
    labels = []
    for value, settings in structures_of(model.labels).items():
        settings.pop("sides", None)
        labels.append(Label.from_dict({"value": value, **settings}))
    return replace(model, labels=tuple(labels), expected_millilitres=expected)
