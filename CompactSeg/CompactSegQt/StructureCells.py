"""A structure's millilitres at a level as a table's cell: its text, and what its tooltip tells beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from CompactSegLib.models.expected import ExpectedVolume
    from CompactSegMRML.Results import LevelResult

__all__ = ["volumeText", "volumeTooltip"]


def volumeText(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> str:
    """Millilitres, with an arrow in front where no training case had so little or so much."""
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
                change=f"{100 * level.improvementByLabel[name]:.1f} %",
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
            _("{arrow} Less than in any training case.").format(arrow=arrow)
            if arrow == _DOWN
            else _("{arrow} More than in any training case.").format(arrow=arrow)
        )
    return "\n".join(lines)


_DOWN, _UP = "↓", "↑"


def _arrow(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> list[str]:
    """One arrow, or none where the volume is one that training cases have, or theirs is not known."""
    known, found = expected.get(name), level.millilitres.get(name, 0.0)
    if known is None or known.least <= found <= known.most:
        return []
    return [_DOWN if found < known.least else _UP]


def _millilitres(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"
