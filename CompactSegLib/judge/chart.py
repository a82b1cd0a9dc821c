"""The picture of an assessment: Dice over the levels, a thin line per case and a bold one for their mean."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.datasets.trained_on import YES
from CompactSegLib.files import write_picture
from CompactSegLib.judge.assessment import CaseResult
from CompactSegLib.judge.comparison import Reference
from CompactSegLib.words import counted, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from CompactSegLib.model.model import Model

_DPI = 150
_MOST_LABELS = 7
_COLUMNS = 4
_PANEL_INCHES = (3.2, 3.6)
_HEADING_INCHES = 0.65
_LONGEST_NAME = 40

_CASE, _TRAINED, _MEAN, _THEIRS = "#8a949c", "#e69f00", "#0b5cad", "#c0392b"


def draw_assessment(
    results: Sequence[CaseResult],
    model: Model,
    *,
    path: str | os.PathLike[str],
    subtitle: str = "",
    reference: Reference | None = None,
) -> None:
    """Draw Dice over the levels into a PNG file: a panel for the mean over labels and one for each label.

    Args:
        results: At least one case.
        model: Whose levels they are.
        path: The file to write, ends in ``.png``.
        subtitle: A line below the title.
        reference: Another's Dice, whose mean over the same cases becomes a dashed line.

    Raises:
        OutputError: The file could not be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    names = [label.name for label in model.labels][:_MOST_LABELS]
    if len(model.labels) == 1:
        names = []
    dice = _dice(results)
    theirs = _theirs(results, reference)
    columns = min(_COLUMNS, len(names) + 1)
    rows = math.ceil((len(names) + 1) / columns)
    width = max(columns, 2) * _PANEL_INCHES[0]
    height = rows * _PANEL_INCHES[1] + _HEADING_INCHES
    below_heading = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - _HEADING_INCHES / height))
    figure = Figure(figsize=(width, height), layout=below_heading)
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    titles = ["Mean over labels" if names else model.labels[0].name, *names]
    for number, (axes, title) in enumerate(zip(panels, titles, strict=False)):
        _draw_panel(axes, dice[:, :, number], results, model)
        if theirs is not None and np.isfinite(theirs[:, number]).any():
            _draw_line(axes, float(np.nanmean(theirs[:, number])))
        axes.set_title(title, fontsize=10, pad=18, parse_math=False)
    for axes in panels[len(titles) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel("Dice")
    _write_heading(
        figure, f"{model.title} ({model.name}): {counted(len(results), 'case')}", subtitle, height
    )
    _write_key(figure, results, reference if theirs is not None else None)
    write_picture(path, figure, dpi=_DPI, facecolor="white")


def _draw_panel(axes: Axes, dice: np.ndarray, results: Sequence[CaseResult], model: Model) -> None:
    """Draw `dice` ``(cases, levels)``."""
    levels = np.arange(1, dice.shape[1] + 1)
    thin = min(1.0, 12 / len(results) + 0.25)
    for result, values in zip(results, dice, strict=True):
        color = _TRAINED if result.trained_on == YES else _CASE
        axes.plot(levels, values, color=color, alpha=thin, linewidth=0.8, marker=".", markersize=3)
    known = np.isfinite(dice)
    means = [
        float(dice[known[:, n], n].mean()) if known[:, n].any() else math.nan for n in levels - 1
    ]
    axes.plot(levels, means, color=_MEAN, linewidth=2.6, marker="o", markersize=5, zorder=5)
    for level, mean in zip(levels, means, strict=True):
        if math.isfinite(mean):
            # Above the lines, since among them a number hides what it stands for.
            style: dict[str, Any] = {
                "ha": "center",
                "color": _MEAN,
                "fontsize": 9,
                "weight": "bold",
            }
            axes.text(level, 1.02, f"{mean:.4f}", transform=axes.get_xaxis_transform(), **style)
    costs = [f"{model.levels[n - 1].macs_per_voxel / 1000:.1f} k" for n in levels]
    axes.set_xticks(
        levels, [f"Level {n}\n{cost}" for n, cost in zip(levels, costs, strict=True)], fontsize=8
    )
    axes.set_xlabel("MAC/voxel", fontsize=8)
    axes.set_xlim(0.6, levels[-1] + 0.4)
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(axis="y", color="#d9dde0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_line(axes: Axes, mean: float) -> None:
    axes.axhline(mean, color=_THEIRS, linestyle="--", linewidth=1.4, zorder=4)
    style: dict[str, Any] = {"color": _THEIRS, "fontsize": 8, "va": "center"}
    axes.text(1.01, mean, f"{mean:.4f}", transform=axes.get_yaxis_transform(), **style)


def _write_heading(figure: Figure, title: str, subtitle: str, height: float) -> None:
    for text, inches, size, weight in ((title, 0.22, 12, "bold"), (subtitle, 0.46, 8.5, "normal")):
        style: dict[str, Any] = {"weight": weight, "va": "center", "parse_math": False}
        figure.text(0.01, 1 - inches / height, text, fontsize=size, **style)


def _write_key(figure: Figure, results: Sequence[CaseResult], reference: Reference | None) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=_MEAN, linewidth=2.6, marker="o", label="mean")]
    if any(result.trained_on != YES for result in results):
        lines.append(Line2D([], [], color=_CASE, linewidth=0.8, marker=".", label="a case"))
    if any(result.trained_on == YES for result in results):
        lines.append(
            Line2D([], [], color=_TRAINED, linewidth=0.8, marker=".", label="a case trained on")
        )
    if reference is not None:
        matched = sum(result.name in reference.dice for result in results)
        label = (
            f"mean of {shortened(reference.path.stem, _LONGEST_NAME)}, {counted(matched, 'case')}"
        )
        lines.append(Line2D([], [], color=_THEIRS, linestyle="--", label=label))
    # Below the panels, where no case is behind it.
    figure.legend(
        handles=lines, loc="outside lower left", ncols=len(lines), fontsize=8, frameon=False
    )


def _dice(results: Sequence[CaseResult]) -> np.ndarray:
    """``(cases, levels, 1 + labels)``, the mean over labels first."""
    return np.array(
        [
            [[score.mean_dice, *(mask.dice for mask in score.labels)] for score in result.levels]
            for result in results
        ]
    )


def _theirs(results: Sequence[CaseResult], reference: Reference | None) -> np.ndarray | None:
    """``(cases, 1 + labels)`` of those of our cases that the reference has."""
    if reference is None:
        return None
    labels = [reference.dice[result.name] for result in results if result.name in reference.dice]
    known = [row for row in labels if all(map(math.isfinite, row))]
    return np.array([[sum(row) / len(row), *row] for row in known]) if known else None
