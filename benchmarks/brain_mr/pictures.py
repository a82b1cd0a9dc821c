"""The pictures of the document: what the model made of the template, the head and where it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.brain_mr.charts import HeatMap, draw_heat_maps
from benchmarks.brain_mr.contrasts import CONTRASTS
from benchmarks.brain_mr.engine import Result, run
from benchmarks.brain_mr.grids import labels_on
from benchmarks.brain_mr.nothing import NothingResult, most_millilitres
from benchmarks.brain_mr.rendering import render
from benchmarks.brain_mr.scores import mean
from benchmarks.brain_mr.sheet import Cell, draw_sheet, frame_of, frame_of_most, three_planes
from benchmarks.brain_mr.stability import AIM_PERCENT, StabilityResult, signed
from benchmarks.brain_mr.synthetic import Case, SyntheticResult
from benchmarks.brain_mr.synthetic_tables import T1, is_plain
from benchmarks.brain_mr.template import TemplateResult
from CompactSegLib import Model, Segmenter, Volume

_WIDE = 4 * AIM_PERCENT


def draw_levels(volume: Volume, result: Result, model: Model, path: Path) -> None:
    """The image, level 1 and the last level in three planes."""
    last = result.last
    columns = [
        (volume.name, volume, None),
        ("level 1", volume, result.levels[0].labels),
        (f"level {last.number}", volume, last.labels),
    ]
    draw_sheet(three_planes(columns, frame_of(volume, last.labels)), model.labels, path)


def draw_template(found: TemplateResult, model: Model, path: Path) -> None:
    """The template with level 1 and the last level."""
    draw_levels(found.template.volume, found.result, model, path)


def draw_worst_change(found: StabilityResult, model: Model, path: Path) -> str:
    """The change of the image that moved the volumes most on average; returns it in words."""
    ((name, (volume, result)),) = found.worst.items()
    structure, percent = found.largest(name)
    draw_levels(volume, result, model, path)
    return f"{name}: {found.mean_size(name):.1f} %, most of all {structure} {signed(percent)}"


def draw_stability(found: StabilityResult, path: Path) -> None:
    """Change of each structure's volume by each change of the image, at level 1 and at the last level."""
    maps = []
    for level in (found.result.levels[0], found.result.last):
        values = [
            [found.percent[change][level.number - 1][name] for change in found.percent]
            for name in found.structures
        ]
        title = f"Level {level.number}: change of the volume in %"
        maps.append(HeatMap(title, found.structures, list(found.percent), np.array(values)))
    draw_heat_maps(maps, path, colors="RdBu", limits=(-_WIDE, _WIDE), text=_whole_percent)


def draw_dice(found: SyntheticResult, model: Model, path: Path) -> None:
    """Dice of each structure at the last level by contrast at 1 mm, and by thickness and circumstances."""
    plain = [case for case in found.cases if is_plain(case.setting)]
    columns: dict[str, list[Case]] = {
        contrast: [
            case
            for case in plain
            if case.setting.contrast == contrast and not case.setting.is_thick
        ]
        for contrast in CONTRASTS
    }
    for mm in sorted({case.setting.thickness_mm for case in plain} - {1.0}):
        columns[f"all, {mm:g} mm"] = [case for case in plain if case.setting.thickness_mm == mm]
    columns["without skull"] = [case for case in found.cases if not case.setting.skull]
    columns["turned by 20°"] = [case for case in found.cases if case.setting.turned]
    columns["half the height"] = [case for case in found.cases if case.setting.slab]
    names = [label.name for label in model.labels]
    values = [
        [mean(case.dice[-1][index] for case in cases) for cases in columns.values()]
        for index in range(len(names))
    ]
    title = "Dice of the last level; the first eight columns at 1 mm"
    draw_heat_maps(
        [HeatMap(title, names, list(columns), np.array(values))],
        path,
        colors="viridis",
        limits=(0.4, 1.0),
        text=lambda value: f"{value:.2f}",
    )


def draw_worst_image(
    found: SyntheticResult, segmenter: Segmenter, path: Path, *, structure: int | None = None
) -> str:
    """The image of the lowest mean Dice, or the one of T1 at 1 mm that is worst at a structure, beside the truth.

    Args:
        found: What was measured.
        segmenter: What made it; the image is made and segmented once more.
        path: PNG file.
        structure: Index of a label, to which the picture zooms.

    Returns:
        What is shown, in words.
    """
    case = found.worst
    if structure is not None:
        case = min(found.of(T1), key=lambda one: one.dice[-1][structure])
    head = found.heads[case.head]
    volume = render(head, case.setting, seed=case.seed)
    result = run(segmenter, volume)
    truth = labels_on(head.truth, head.geometry, volume.geometry)
    truth[truth > len(segmenter.model.labels)] = 0
    shown = truth if structure is None else (truth == structure + 1).astype(np.uint8)
    columns = [
        ("image", volume, None),
        ("truth", volume, truth),
        ("level 1", volume, result.levels[0].labels),
        (f"level {result.last.number}", volume, result.last.labels),
    ]
    draw_sheet(three_planes(columns, frame_of(volume, shown)), segmenter.model.labels, path)
    dice = case.mean_dice() if structure is None else case.dice[-1][structure]
    what = "mean Dice" if structure is None else segmenter.model.labels[structure].name
    return f"{case.head}, {case.setting.name}: {what} {dice:.2f}"


def worst_structure(found: SyntheticResult) -> int:
    """Index of the label with the lowest mean Dice at T1 and 1 mm, last level."""
    cases = found.of(T1)
    dice = [mean(case.dice[-1][index] for case in cases) for index in range(len(cases[0].dice[-1]))]
    return min(range(len(dice)), key=dice.__getitem__)


def draw_nothing(found: list[NothingResult], model: Model, path: Path) -> None:
    """The images without a head in which most was found, the CT first."""
    draw_sheet(nothing_rows(found), model.labels, path, panel_inches=1.3)


def nothing_rows(found: list[NothingResult]) -> list[list[Cell]]:
    """A row per image: three planes, in each the image, level 1 and the last level side by side."""
    segmented = [one for one in found if one.result and one.volume]
    ordered = [segmented[0], *sorted(segmented[1:], key=most_millilitres, reverse=True)[:2]]
    rows = []
    for one in ordered:
        assert one.result is not None
        assert one.volume is not None
        first, last = one.result.levels[0], one.result.last
        columns = [
            (one.name, one.volume, None),
            ("level 1", one.volume, first.labels),
            (f"level {last.number}", one.volume, last.labels),
        ]
        # What is left at the last level is what counts, and may be a few voxels; level 1 mostly has some there too.
        shown = last.labels if last.labels.any() else first.labels
        planes = three_planes(columns, frame_of_most(one.volume, shown))
        rows.append([cell for plane in planes for cell in plane])
    return rows


def _whole_percent(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−") if abs(value) >= 0.5 else "0"
