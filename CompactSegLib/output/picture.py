"""The picture of a run: three planes of the image and of each level, what changed, and the volumes."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.files import write_picture
from CompactSegLib.labels import Label
from CompactSegLib.output.level import Level
from CompactSegLib.output.picture_panel import CHANGED, TEXT, PicturePanel, rgb, window_of
from CompactSegLib.output.planes import (
    PLANES,
    FieldOfView,
    Plane,
    frame_around,
    view_spacing_mm,
    viewed,
)
from CompactSegLib.volume.volume import Volume
from CompactSegLib.words import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BACKGROUND = "#101418"
_QUIET = "#9aa5ad"
_NOTE = "#ffd166"
_DPI = 150
_COMPRESSION = 3

# Inches.
_PANEL = 2.35
_GAP = 0.07
_LEFT = 1.0
_TOP = 0.95
_LINE = 0.27
_MARGIN = 0.22
_NUMBER_RIGHT = (
    0.68  # of the volumes, from the column's right edge; behind them is room for the change
)
_TALLEST = 1.5  # of a panel, in panel widths

_MOST_STRUCTURES = 16
_NOTE_LINE = 0.18
_LETTER = 0.066  # of a note, on average
_MOST_LINES = 4  # of a note


def draw_levels(
    volume: Volume,
    levels: Sequence[Level],
    *,
    labels: Sequence[Label],
    path: str | os.PathLike[str],
    subtitle: str = "",
) -> None:
    """Draw the levels of a run into a PNG file.

    Rows are an axial, a coronal and a sagittal plane in radiological convention, columns the image and each level. An
    outline shows what changed from the level before. The table below has its columns under the pictures; below it
    stands what the run noticed.

    Args:
        volume: What was segmented; of several channels the first is shown.
        levels: All levels of the run, level 1 first.
        labels: What the values mean.
        path: The file to write, ends in ``.png``.
        subtitle: A line below the case's name.

    Raises:
        OutputError: The file could not be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    page = _Page.of(volume, levels, labels)
    figure = page.figure
    FigureCanvasAgg(figure)
    page.write(_LEFT, 0.3, volume.name, size=14, weight="bold")
    page.write(_LEFT, 0.53, subtitle, size=8.5, color=_QUIET)
    _draw_panels(page, volume, levels, labels)
    _draw_table(page, levels, labels)
    # Of zlib's nine levels the sixth, which is usual, takes twice as long for a tenth fewer bytes.
    quick = {"compress_level": _COMPRESSION}
    write_picture(path, figure, dpi=_DPI, facecolor=_BACKGROUND, pil_kwargs=quick)


@dataclass(frozen=True)
class _Page:
    """The sheet: what is where, in inches from the upper left corner.

    Attributes:
        figure: Of the sheet's size.
        sheet: Axes over the whole figure, in inches, with y downwards.
        frame: What part of the volume the panels show.
        scale: Inches per mm, the same for all panels.
    """

    figure: Figure
    sheet: Axes
    frame: FieldOfView
    scale: float

    @classmethod
    def of(cls, volume: Volume, levels: Sequence[Level], labels: Sequence[Label]) -> _Page:
        from matplotlib.figure import Figure

        views = [viewed(level.labels, volume.geometry) for level in levels]
        frame = frame_around(views, view_spacing_mm(volume.geometry))
        superior, posterior, left = frame.field_mm
        scale = _PANEL / max(left, posterior, superior / _TALLEST)
        lines = min(len(labels), _MOST_STRUCTURES + 1) + 3
        panels = sum(frame.field_mm[plane.down] * scale + _GAP for plane in PLANES)
        width = _LEFT + (1 + len(levels)) * (_PANEL + _GAP) + _MARGIN
        notes = len(_notes(levels, width)) * _NOTE_LINE
        height = _TOP + panels + _LINE / 2 + lines * _LINE + notes + _MARGIN
        figure = Figure(figsize=(width, height))
        sheet = figure.add_axes((0, 0, 1, 1))
        sheet.set(xlim=(0, width), ylim=(height, 0))
        sheet.axis("off")
        return cls(figure, sheet, frame, scale)

    def left_of(self, column: int) -> float:
        return _LEFT + column * (_PANEL + _GAP)

    def height_of(self, plane: Plane) -> float:
        return self.frame.field_mm[plane.down] * self.scale

    def top_of(self, row: int) -> float:
        return _TOP + sum(self.height_of(plane) + _GAP for plane in PLANES[:row])

    def panel(self, row: int, column: int, spacing_mm: tuple[float, float, float]) -> PicturePanel:
        plane = PLANES[row]
        width, height = self.figure.get_size_inches()
        bottom = height - self.top_of(row) - self.height_of(plane)
        place = (self.left_of(column), bottom, _PANEL, self.height_of(plane))
        axes = self.figure.add_axes(tuple(np.divide(place, (width, height, width, height))))
        return PicturePanel(axes, plane, self.frame, spacing_mm, self.scale)

    def write(
        self, x: float, y: float, text: str, *, size: float = 8.5, color: str = TEXT, **how: Any
    ) -> None:
        style: dict[str, Any] = {"color": color, "va": "center", "parse_math": False}
        self.sheet.text(x, y, text, fontsize=size, **style, **how)

    def box(self, x: float, y: float, width: float, **how: object) -> None:
        from matplotlib.patches import Rectangle

        self.sheet.add_patch(Rectangle((x, y - 0.062), width, 0.124, **how))  # type: ignore[arg-type]


def _draw_panels(
    page: _Page, volume: Volume, levels: Sequence[Level], labels: Sequence[Label]
) -> None:
    views = [viewed(level.labels, volume.geometry) for level in levels]
    image = viewed(volume.array[0], volume.geometry)
    spacing = view_spacing_mm(volume.geometry)
    window = window_of([plane.cut(image, page.frame.slices[plane.normal]) for plane in PLANES])
    for column, title in enumerate(["Image", *(f"Level {level.number}" for level in levels)]):
        page.write(page.left_of(column), _TOP - 0.13, title, size=10, weight="bold")
    for row, plane in enumerate(PLANES):
        middle = page.top_of(row) + page.height_of(plane) / 2
        page.write(_MARGIN, middle - 0.08, plane.name, size=9)
        where = _position(volume, plane, page.frame)
        page.write(_MARGIN, middle + 0.09, where, size=7.5, color=_QUIET)
        for column in range(1 + len(levels)):
            panel = page.panel(row, column, spacing)
            panel.draw_image(image, window=window)
            if column > 0:
                panel.draw_labels(views[column - 1], labels)
            if column > 1:
                panel.draw_changes(views[column - 1], views[column - 2])
            if column == 0:
                panel.draw_letters()
                if row == 0:
                    panel.draw_scale()


def _draw_table(page: _Page, levels: Sequence[Level], labels: Sequence[Label]) -> None:
    by_size = sorted(
        labels, key=lambda label: [-level.millilitres[label.name] for level in reversed(levels)]
    )
    shown = [label for label in labels if label in by_size[:_MOST_STRUCTURES]]
    top = page.top_of(len(PLANES)) + _LINE
    left = page.left_of(0)
    for line, label in enumerate(shown):
        page.box(left, top + line * _LINE, 0.13, facecolor=rgb(label), linewidth=0)
        page.write(left + 0.21, top + line * _LINE, shortened(label.name, 30))
        _draw_volumes(page, top + line * _LINE, levels, label, shown)
    top += len(shown) * _LINE
    if len(shown) < len(labels):
        more = f"and {len(labels) - len(shown)} smaller ones, see the report"
        page.write(left + 0.21, top, more, size=8, color=_QUIET)
        top += _LINE
    page.box(left, top, 0.13, facecolor="none", edgecolor=CHANGED, linewidth=1)
    page.write(left + 0.21, top, "Change (outlined)")
    page.write(left + 0.21, top + _LINE, "Seconds")
    for column, level in enumerate(levels, start=1):
        right = page.left_of(column) + _PANEL - _NUMBER_RIGHT
        improvement = "–" if level.improvement is None else f"{level.improvement:.3f}"
        page.write(right, top, improvement, ha="right")
        page.write(right, top + _LINE, f"{level.seconds:.2f}", ha="right")
    if reason := levels[-1].stop_reason:
        ended = f"Stopped: {reason}." if levels[-1].stop == "threshold" else f"Finished: {reason}."
        page.write(left, top + 2 * _LINE, ended, color=_QUIET)
    top += 3 * _LINE
    for line, text in enumerate(_notes(levels, page.figure.get_figwidth())):
        page.write(left, top + line * _NOTE_LINE, text, size=8, color=_NOTE)


def _notes(levels: Sequence[Level], width: float) -> list[str]:
    """The lines of what the run noticed, on a page of this width."""
    letters = int((width - _LEFT - _MARGIN) / _LETTER)
    return [
        line
        for message in levels[-1].messages
        for line in textwrap.wrap(f"Note: {message}", letters, max_lines=_MOST_LINES)
    ]


def _draw_volumes(
    page: _Page, y: float, levels: Sequence[Level], label: Label, shown: Sequence[Label]
) -> None:
    """A structure's volume at each level: a bar, millilitres, and the change from the level before in percent."""
    largest = max(level.millilitres[other.name] for level in levels for other in shown)
    before = None
    for column, level in enumerate(levels, start=1):
        left, right = page.left_of(column), page.left_of(column) + _PANEL
        volume = level.millilitres[label.name]
        width = (_PANEL - _NUMBER_RIGHT - 0.7) * (volume / largest if largest else 0.0)
        page.box(left, y, width, facecolor=rgb(label), linewidth=0)
        number = f"{volume:.2f} ml" if volume < 100 else f"{volume:.0f} ml"
        page.write(right - _NUMBER_RIGHT, y, number, ha="right")
        if before:
            page.write(right - 0.1, y, _change(before, volume), size=7.5, color=_QUIET, ha="right")
        before = volume


def _position(volume: Volume, plane: Plane, frame: FieldOfView) -> str:
    """Where the plane's middle lies in the patient, such as ``S 12.0 mm``."""
    axes, signs = volume.geometry.nearest_axes()
    index = (np.array(volume.geometry.size_ijk) - 1) / 2
    lps = 2 - plane.normal
    size, at = volume.geometry.size_ijk[axes[lps]], frame.slices[plane.normal]
    index[axes[lps]] = at if signs[lps] > 0 else size - 1 - at
    mm = (volume.geometry.ijk_to_lps @ [*index, 1.0])[lps]
    return f"{plane.ends[1] if mm >= 0 else plane.ends[0]} {abs(mm):.1f} mm"


def _change(before: float, after: float) -> str:
    percent = 100 * (after / before - 1)
    if percent >= 1000:
        return "> 1000 %"
    return f"{percent:+.{0 if percent >= 100 else 1}f} %".replace("-", "−")
