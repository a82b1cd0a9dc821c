"""Held-out label maps over a grid of contrasts, slice thicknesses and fields of view: Dice on the map's own grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.brain_mr.ceilings import dice_in_view, model_ceiling, slice_ceiling
from benchmarks.brain_mr.contrasts import CONTRASTS
from benchmarks.brain_mr.engine import run
from benchmarks.brain_mr.grids import ACROSS, OUTSIDE, labels_on
from benchmarks.brain_mr.heads import Head
from benchmarks.brain_mr.rendering import Setting, is_air, render
from benchmarks.brain_mr.scores import mean
from CompactSegLib import Segmenter

THICKNESSES = (1.0, 3.0, 5.0)
_PLANES = tuple(ACROSS)
_REAL = ("T1", "FLAIR")
"""Contrasts of the settings beyond contrast and thickness."""


@dataclass(frozen=True)
class Case:
    """What the model made of one image of one head.

    Attributes:
        head: Name of the head.
        setting: How its image was made.
        seed: Of its noise.
        dice: Per level, level 1 first, Dice of each label.
        in_air_ml: Labelled volume at the last level where the label map has air.
        changes: From level 2 on, the improvement that the stop rule looks at, of the model's labels with their sides.
    """

    head: str
    setting: Setting
    seed: int
    dice: list[list[float]]
    in_air_ml: float
    changes: list[float]

    def mean_dice(self, level: int = -1) -> float:
        """Mean over the structures that are in the field of view."""
        return mean(self.dice[level])


@dataclass(frozen=True)
class SyntheticResult:
    """All cases, and what a perfect net could reach.

    Attributes:
        cases: One per head and setting.
        heads: The heads, by name.
        ceilings: Dice of each label that the truth itself has after it was on the model's grid (under 1 mm), or
            drawn on slices of 3 or 5 mm; means over the heads.
        whole_voxels: The first of these where every voxel of the model's grid has one class.
    """

    cases: list[Case]
    heads: dict[str, Head]
    ceilings: dict[float, list[float]]
    whole_voxels: list[float]

    def of(self, *settings: Setting) -> list[Case]:
        """The cases of some settings."""
        return [case for case in self.cases if case.setting in settings]

    @property
    def worst(self) -> Case:
        """The case of the lowest mean Dice at the last level."""
        return min(self.cases, key=lambda case: (math.isnan(d := case.mean_dice()), d))


def planned(heads: int, *, full: bool) -> list[tuple[int, Setting]]:
    """Which heads are imaged with which settings.

    Every contrast at 1, 3 and 5 mm, in planes that change from head to head; then no skull, turned heads
    and half the height, for T1 and FLAIR.

    Args:
        heads: How many there are.
        full: All heads for each setting, and all planes and both skull states for each contrast; else two heads for
            each setting (other ones for the next), so that minutes are enough.
    """
    if full:
        grid = [setting for contrast in CONTRASTS for setting in _everything(contrast)]
        settings = dict.fromkeys([*grid, *_others()])
        return [(head, setting) for setting in settings for head in range(heads)]
    chosen: list[tuple[int, Setting]] = []
    for row, contrast in enumerate(CONTRASTS):
        for column, thickness in enumerate(THICKNESSES):
            # At T1 and 1 mm, which the aim is about, no head is left out.
            among = range(heads) if (row, column) == (0, 0) else _two(row + column, heads)
            for head in among:
                plane = _PLANES[(row + head) % 3] if thickness > 1 else "axial"
                chosen.append((head, Setting(contrast, thickness, plane)))
    extra = [(head, one) for n, one in enumerate(_others()) for head in _two(n, heads)]
    return [*chosen, *extra]


def _two(turn: int, heads: int) -> list[int]:
    return sorted({turn % heads, (turn + heads // 2) % heads})


def _everything(contrast: str) -> Iterable[Setting]:
    for skull in (True, False):
        yield Setting(contrast, skull=skull)
        for thickness in THICKNESSES[1:]:
            for plane in _PLANES:
                yield Setting(contrast, thickness, plane, skull=skull)


def _others() -> list[Setting]:
    """Settings beyond contrast and thickness."""
    kinds = [
        *(Setting("T1", turned=plane) for plane in _PLANES),
        Setting("T1", skull=False),
        Setting("T1", slab=True),
    ]
    return [
        Setting(contrast, skull=kind.skull, turned=kind.turned, slab=kind.slab)
        for contrast in _REAL
        for kind in kinds
    ]


def measure(
    segmenter: Segmenter, heads: Sequence[Head], say: Callable[[str], None], *, full: bool
) -> SyntheticResult:
    """Render, segment and compare every planned case."""
    plan = planned(len(heads), full=full)
    cases = []
    for number, (index, setting) in enumerate(plan, start=1):
        head = heads[index]
        say(f"synthetic {number} of {len(plan)}: {head.name}, {setting.name}")
        cases.append(_measure(segmenter, head, setting, seed=number))
    classes = segmenter.model.net_config.classes
    ceilings = {
        thickness: _mean_of(
            slice_ceiling(head, thickness, _PLANES[turn % 3], classes=classes)
            for turn, head in enumerate(heads)
        )
        for thickness in THICKNESSES[1:]
    }
    ceilings[THICKNESSES[0]] = _mean_of(model_ceiling(head, segmenter.model) for head in heads)
    whole_voxels = _mean_of(
        model_ceiling(head, segmenter.model, whole_voxels=True) for head in heads
    )
    return SyntheticResult(cases, {head.name: head for head in heads}, ceilings, whole_voxels)


def _measure(segmenter: Segmenter, head: Head, setting: Setting, *, seed: int) -> Case:
    volume = render(head, setting, seed=seed)
    result = run(segmenter, volume)
    classes = segmenter.model.net_config.classes
    found = [labels_on(level.classes, volume.geometry, head.geometry) for level in result.levels]
    air = is_air(head, setting)[head.tissues] & (found[-1] != 0) & (found[-1] != OUTSIDE)
    return Case(
        head=head.name,
        setting=setting,
        seed=seed,
        dice=[dice_in_view(head.truth, labels, classes=classes) for labels in found],
        in_air_ml=float(air.sum()) * head.geometry.voxel_millilitres,
        changes=[float(level.improvement or 0) for level in result.levels[1:]],
    )


def _mean_of(dice: Iterable[Sequence[float]]) -> list[float]:
    """Per label the mean over heads."""
    return [mean(values) for values in zip(*dice, strict=True)]
