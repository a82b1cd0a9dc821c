"""A structure's millilitres at a level as a table's cell: its text, and what its tooltip tells beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from CompactSegLib.model.expected import ExpectedVolume
    from CompactSegMRML.Results import LevelResult

__all__ = ["percentText", "volumeText", "volumeTooltip"]


def percentText(value: float | None) -> str:
    """A share from 0 to 1 for people; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def volumeText(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> str:
    """Millilitres, with an arrow in front where these are far less or far more than any training case has."""
    text = f"{level.millilitres.get(name, 0.0):.2f}"
    # In front, so that the decimal points stay below each other.
    return " ".join([*_arrow(level, name, expected), text])


def volumeTooltip(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> str:
    """How much the structure changed, and how large it is in training cases where that is known."""
    lines = []
    if level.level == 1:
        lines.append(_("Level 1 has no level before it to compare with."))
    elif name in level.improvementByLabel:
        lines.append(
            _("“{name}” changed by {change} from level {before} (1 − Jaccard).").format(
                name=name,
                change=percentText(level.improvementByLabel[name]),
                before=level.level - 1,
            )
        )
    if name in expected:
        known = expected[name]
        lines.append(
            _("Training cases: {mean} ml ({least} to {most}).").format(
                mean=_millilitres(known.mean),
                least=_millilitres(known.least),
                most=_millilitres(known.most),
            )
        )
    for arrow in _arrow(level, name, expected):
        lines.append(
            _("{arrow} Over a quarter less than in any training case.").format(arrow=arrow)
            if arrow == _DOWN
            else _("{arrow} Over a quarter more than in any training case.").format(arrow=arrow)
        )
    return "\n".join(lines)


_DOWN, _UP = "↓", "↑"
# Training cases are few: many a healthy head lies a little outside of their range.
_BEYOND = 0.25


def _arrow(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> list[str]:
    """One arrow, or none where the volume is near those of training cases, or theirs are not known."""
    known, found = expected.get(name), level.millilitres.get(name, 0.0)
    if known is None:
        return []
    if found < known.least * (1 - _BEYOND):
        return [_DOWN]
    return [_UP] if found > known.most * (1 + _BEYOND) else []


def _millilitres(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"
