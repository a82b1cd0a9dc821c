"""The tables of what was measured on held-out label maps."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.brain_mr.contrasts import CONTRASTS
from benchmarks.brain_mr.rendering import Setting
from benchmarks.brain_mr.scores import mean
from benchmarks.brain_mr.synthetic import THICKNESSES, Case, SyntheticResult
from CompactSegLib import Label

T1 = Setting("T1")
"""The setting that the aim is about: T1, 1 mm, whole head."""

_WORST = 8


def is_plain(setting: Setting) -> bool:
    """Whether a setting differs in contrast and slices alone."""
    return setting.skull and not setting.turned and not setting.slab


def structure_rows(found: SyntheticResult, labels: Sequence[Label]) -> list[dict[str, object]]:
    """Dice per structure and level: at T1 and 1 mm, over all images, and what the model's grid allows."""
    levels = range(len(found.cases[0].dice))
    t1, every = found.of(T1), found.cases
    rows: list[dict[str, object]] = []
    names = [label.name for label in labels]
    for index, name in [*enumerate(names), (None, "**mean**")]:
        rows.append(
            {"structure": name}
            | {f"T1, level {n + 1}": _dice(t1, n, index) for n in levels}
            | {f"all images, level {n + 1}": _dice(every, n, index) for n in levels}
            | {
                "the truth on the model's grid": _of(found.ceilings[1.0], index),
                "the truth, one class per voxel": _of(found.whole_voxels, index),
            }
        )
    return rows


def _of(dice: Sequence[float], index: int | None) -> float:
    return mean(dice) if index is None else dice[index]


def contrast_rows(found: SyntheticResult) -> list[dict[str, object]]:
    """Mean Dice of the last level per contrast and thickness, with what the slices allow."""
    rows: list[dict[str, object]] = [
        {"contrast": contrast}
        | {
            f"{thickness:g} mm": mean(
                case.mean_dice()
                for case in found.cases
                if case.setting.contrast == contrast
                and case.setting.thickness_mm == thickness
                and is_plain(case.setting)
            )
            for thickness in THICKNESSES
        }
        for contrast in CONTRASTS
    ]
    allowed = {f"{one:g} mm": mean(found.ceilings[one]) for one in THICKNESSES}
    return [*rows, {"contrast": "*the truth on these grids*"} | allowed]


def level_rows(found: SyntheticResult) -> list[dict[str, object]]:
    """Mean Dice per level of groups of settings."""
    groups: dict[str, list[Case]] = {}
    for case in found.cases:
        for group in _groups_of(case.setting):
            groups.setdefault(group, []).append(case)
    return [
        {"images": group, "number": len(cases)}
        | {
            f"level {n + 1}": mean(case.mean_dice(n) for case in cases)
            for n in range(len(cases[0].dice))
        }
        | {"labelled in air (ml)": f"{mean(case.in_air_ml for case in cases):.1f}"}
        for group, cases in sorted(groups.items(), key=lambda item: _ORDER.index(item[0]))
    ]


def worst_rows(found: SyntheticResult, labels: Sequence[Label]) -> list[dict[str, object]]:
    """The images of the lowest mean Dice at the last level, and their worst structure."""
    ordered = sorted(found.cases, key=lambda case: case.mean_dice())
    rows: list[dict[str, object]] = []
    for case in ordered[:_WORST]:
        dice, label = min(
            (dice, label.name) for dice, label in zip(case.dice[-1], labels, strict=True)
        )
        rows.append(
            {
                "head": case.head,
                "image": case.setting.name,
                "mean Dice": case.mean_dice(),
                "worst structure": f"{label} ({dice:.2f})",
            }
        )
    return rows


_TURNED = "head turned by 20°, T1 and FLAIR"
_SLAB = "half the height, T1 and FLAIR"
_BARE = "without skull"
_ORDER = [
    "T1, 1 mm",
    "1 mm, all contrasts",
    "3 mm, all contrasts",
    "5 mm, all contrasts",
    "axial slices",
    "coronal slices",
    "sagittal slices",
    _BARE,
    _TURNED,
    _SLAB,
    "all",
]


def _groups_of(setting: Setting) -> list[str]:
    groups = ["all"]
    if is_plain(setting):
        groups.append(f"{setting.thickness_mm:g} mm, all contrasts")
        groups += [f"{setting.plane} slices"] if setting.is_thick else []
        groups += ["T1, 1 mm"] if setting == T1 else []
    groups += [_BARE] if not setting.skull else []
    groups += [_TURNED] if setting.turned else []
    groups += [_SLAB] if setting.slab else []
    return groups


def _dice(cases: Sequence[Case], level: int, structure: int | None) -> float:
    """Mean over cases of one structure, or of the mean over structures."""
    if structure is None:
        return mean(case.mean_dice(level) for case in cases)
    return mean(case.dice[level][structure] for case in cases)
