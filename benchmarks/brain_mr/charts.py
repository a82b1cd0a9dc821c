"""Tables of numbers as coloured charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.brain_mr.sheet import save_small

_CELL = (0.44, 0.24)
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 1.75, 0.15, 0.35, 0.55, 1.7
_LIGHT = 0.45


@dataclass(frozen=True)
class HeatMap:
    """A table of numbers.

    Attributes:
        title: Above it.
        rows: Names of the rows.
        columns: Names of the columns.
        values: ``(rows, columns)``; NaN is left blank.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: NDArray[np.float64]


def draw_heat_maps(
    maps: Sequence[HeatMap],
    path: Path,
    *,
    colors: str,
    limits: tuple[float, float],
    text: Callable[[float], str],
) -> None:
    """Draw tables of the same columns below each other, each number on its colour.

    Args:
        maps: The tables.
        path: PNG file.
        colors: Name of a colour map of matplotlib.
        limits: What its first and last colour stand for; numbers beyond have these colours too.
        text: How a number is written.

    Raises:
        OutputError: The file could not be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = _LEFT + len(maps[0].columns) * _CELL[0] + _RIGHT
    tall = [len(one.rows) * _CELL[1] for one in maps]
    height = sum(tall) + len(maps) * _TOP + (len(maps) - 1) * (_GAP - _TOP) + _BOTTOM
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    top = height
    for number, (one, own) in enumerate(zip(maps, tall, strict=True)):
        top -= _TOP if number == 0 else _GAP
        place = (_LEFT, top - own, len(one.columns) * _CELL[0], own)
        axes = figure.add_axes(tuple(np.divide(place, (width, height) * 2)))
        top -= own
        axes.imshow(one.values, cmap=colors, vmin=limits[0], vmax=limits[1], aspect="auto")
        axes.set_title(one.title, fontsize=9, loc="left")
        axes.set_yticks(range(len(one.rows)), one.rows, fontsize=7.5)
        is_last = number == len(maps) - 1
        names = list(one.columns) if is_last else [""] * len(one.columns)
        axes.set_xticks(range(len(one.columns)), names, fontsize=7.5, rotation=55, ha="right")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        _write(axes, one.values, colors, limits, text)
    save_small(figure, path)


def _write(axes, values: NDArray, colors: str, limits: tuple[float, float], text: Callable) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    shade = colormaps[colors]
    scale = Normalize(*limits, clip=True)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        red, green, blue, _ = shade(scale(value))
        is_light = 0.3 * red + 0.59 * green + 0.11 * blue > _LIGHT
        ink = "black" if is_light else "white"
        axes.text(column, row, text(value), ha="center", va="center", fontsize=6, color=ink)
