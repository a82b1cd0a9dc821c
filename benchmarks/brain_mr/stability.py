"""How much volumes change when the image of one head is changed, but not the head."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.brain_mr.changes import SEEN, UNSEEN
from benchmarks.brain_mr.engine import Result, run
from benchmarks.brain_mr.scores import mean, percent_changes
from CompactSegLib import Segmenter, Volume

AIM_PERCENT = 5.0


@dataclass(frozen=True)
class StabilityResult:
    """Volumes of one head, and what changes of its image did to them.

    Attributes:
        volume: The image as it is.
        result: What the model made of it.
        percent: Per change, per level, by structure: change of the volume in percent.
        worst: Image and result of the worst change, by its name.
    """

    volume: Volume
    result: Result
    percent: dict[str, list[dict[str, float]]]
    worst: dict[str, tuple[Volume, Result]]

    @property
    def structures(self) -> list[str]:
        return list(self.result.last.millilitres)

    def largest(self, change: str) -> tuple[str, float]:
        """The structure that a change changes most at the last level, and by how much."""
        return _largest(self.percent[change][-1])

    @property
    def judged(self) -> list[str]:
        """The changes that the net sees."""
        return [name for name in self.percent if name in SEEN]

    @property
    def worst_change(self) -> str:
        """The change with the largest mean change over the structures at the last level."""
        return max(self.judged, key=self.mean_size)

    def mean_size(self, change: str) -> float:
        """Mean size of a change over the structures at the last level, in percent."""
        return _mean_size(self.percent[change][-1])


def measure(segmenter: Segmenter, volume: Volume, say: Callable[[str], None]) -> StabilityResult:
    """Segment a head as it is and after each change."""
    say("stability: the head as it is")
    original = run(segmenter, volume)
    percent: dict[str, list[dict[str, float]]] = {}
    worst: dict[str, tuple[Volume, Result]] = {}
    for name, change in (SEEN | UNSEEN).items():
        say(f"stability: {name}")
        changed = change(volume, original.last.labels)
        result = run(segmenter, changed)
        percent[name] = [
            percent_changes(before.millilitres, after.millilitres)
            for before, after in zip(original.levels, result.levels, strict=True)
        ]
        found = StabilityResult(volume, original, percent, worst)
        if name in found.judged and name == found.worst_change:
            worst = {name: (changed, result)}
    return StabilityResult(volume, original, percent, worst)


def structure_rows(found: StabilityResult) -> list[dict[str, object]]:
    """Per structure: volume, mean size of its changes per level, how many are within the aim, and the worst one."""
    rows: list[dict[str, object]] = []
    for name in found.structures:
        last = {change: found.percent[change][-1][name] for change in found.judged}
        known = {change: value for change, value in last.items() if not math.isnan(value)}
        worst = max(known, key=lambda change: abs(known[change]), default="")
        rows.append(
            {"structure": name, "volume (ml)": f"{found.result.last.millilitres[name]:.1f}"}
            | {
                f"level {level.number}": mean(
                    abs(found.percent[change][index][name]) for change in found.judged
                )
                for index, level in enumerate(found.result.levels)
            }
            | {
                f"within {AIM_PERCENT:g} %": within_aim(last.values()),
                "worst": f"{signed(known[worst])} ({worst})" if worst else "–",
            }
        )
    return rows


def change_rows(found: StabilityResult) -> list[dict[str, object]]:
    """Per change: mean size over the structures per level, structures within the aim, and the worst one."""
    rows: list[dict[str, object]] = []
    for change, levels in found.percent.items():
        structure, value = _largest(levels[-1])
        rows.append(
            {"change": change}
            | {f"level {n}": _mean_size(percent) for n, percent in enumerate(levels, start=1)}
            | {
                f"within {AIM_PERCENT:g} %": within_aim(levels[-1].values()),
                "worst": f"{signed(value)} ({structure})" if structure else "–",
            }
        )
    return rows


def signed(percent: float) -> str:
    return f"{percent:+.1f} %".replace("-", "−")


def _largest(percent: dict[str, float]) -> tuple[str, float]:
    known = {name: value for name, value in percent.items() if not math.isnan(value)}
    if not known:
        return "", math.nan
    name = max(known, key=lambda one: abs(known[one]))
    return name, known[name]


def _mean_size(percent: dict[str, float]) -> float:
    size = mean(abs(value) for value in percent.values())
    return -1.0 if math.isnan(size) else size


def within_aim(percent: Iterable[float]) -> str:
    """How many changes are within the aim, of those that are known."""
    known = [value for value in percent if not math.isnan(value)]
    return f"{sum(abs(value) <= AIM_PERCENT for value in known)} of {len(known)}"
