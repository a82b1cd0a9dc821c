"""The picture of a run: loss and Dice of each level over the steps."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CompactSegLib.files import write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 150
_PANEL_INCHES = (5.6, 3.9)
# Colours that colour-blind people tell apart (Okabe and Ito), level 1 first; deeper levels begin again, dashed.
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
# The loss is smoothed over this share of its points.
_SMOOTHED_SHARE = 0.04
# What a run comes from is of less interest than where it ends.
_LOWEST_BELOW_BEST = 0.2


def draw_curves(
    log: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    stages: Sequence[int] = (),
) -> bool:
    """Draw the table that a run has logged into a PNG file.

    Args:
        log: The run's ``log.csv``.
        path: The file to write, ends in ``.png``.
        title: Above the panels.
        stages: Steps at which a level was added, marked by a line.

    Returns:
        Whether there was anything to draw.

    Raises:
        OutputError: The file could not be written.
    """
    losses, dice = _curves(Path(log), "loss_level_"), _curves(Path(log), "dice_level_")
    panels = [curves for curves in (losses, dice) if curves]
    if not panels:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * len(panels), height), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, curves in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        (_draw_losses if curves is losses else _draw_dice)(axes, curves)
        _frame(axes, stages, most=max(steps[-1] for steps, _ in curves.values()))
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, weight="bold", parse_math=False)
    write_picture(path, figure, dpi=_DPI, facecolor="white")
    return True


def _curves(log: Path, prefix: str) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Per level, steps and values of the columns `prefix` and a number."""
    points: dict[int, list[tuple[float, float]]] = {}
    with open(log, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                level = name.removeprefix(prefix) if name and name.startswith(prefix) else ""
                if level.isdecimal() and value and math.isfinite(float(value)):
                    points.setdefault(int(level), []).append((float(row["step"]), float(value)))
    return {level: (np.array(p)[:, 0], np.array(p)[:, 1]) for level, p in sorted(points.items())}


def _draw_losses(axes: Axes, curves: Mapping[int, tuple[np.ndarray, np.ndarray]]) -> None:
    for level, (steps, values) in curves.items():
        color, dashes = _style(level)
        smooth = _smoothed(values)
        axes.plot(steps, values, color=color, linewidth=0.6, alpha=0.3)
        axes.plot(
            steps, smooth, color=color, linestyle=dashes, linewidth=1.8, label=f"Level {level}"
        )
    if all((values > 0).all() for _, values in curves.values()):
        from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title("Loss on training patches: Dice + cross-entropy", fontsize=9.5, loc="left")
    axes.legend(fontsize=8, frameon=False, loc="upper right")


def _draw_dice(axes: Axes, curves: Mapping[int, tuple[np.ndarray, np.ndarray]]) -> None:
    for level, (steps, values) in curves.items():
        color, dashes = _style(level)
        label = f"Level {level}: {values[-1]:.4f}"
        axes.plot(
            steps,
            values,
            color=color,
            linestyle=dashes,
            linewidth=1.8,
            marker="o",
            ms=3.5,
            label=label,
        )
    lowest = min(values.min() for _, values in curves.values())
    best = max(values.max() for _, values in curves.values())
    # Where each level ends is always seen.
    ends = min(values[-1] for _, values in curves.values())
    bottom = max(lowest, min(best - _LOWEST_BELOW_BEST, ends))
    margin = 0.05 * (best - bottom) + 1e-3
    axes.set_ylim(bottom - margin, best + margin)
    axes.set_title("Dice on held-out cases, mean over labels", fontsize=9.5, loc="left")
    axes.legend(fontsize=8, frameon=False, loc="lower right", title="last", title_fontsize=8)


def _frame(axes: Axes, stages: Sequence[int], *, most: float) -> None:
    for step in stages:
        axes.axvline(step, color="#5c666e", linestyle=":", linewidth=1)
    axes.set_xlim(0, most * 1.02)
    axes.set_xlabel("Step", fontsize=8.5)
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="#d9dde0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _style(level: int) -> tuple[str, str]:
    return _COLORS[(level - 1) % len(_COLORS)], "-" if level <= len(_COLORS) else "--"


def _smoothed(values: np.ndarray) -> np.ndarray:
    """A running mean, over what is there at both ends."""
    window = np.ones(2 * int(len(values) * _SMOOTHED_SHARE / 2) + 1)
    there = np.convolve(np.ones_like(values), window, mode="same")
    return np.convolve(values, window, mode="same") / there
