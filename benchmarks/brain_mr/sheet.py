"""Sheets of panels: planes of images in radiological convention, with structures on them, as small PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CompactSegLib import Label, Volume
from CompactSegLib.files import written_whole
from CompactSegLib.output.picture_panel import FILL, TEXT, PicturePanel, rgb, window_of
from CompactSegLib.output.planes import (
    PLANES,
    FieldOfView,
    Plane,
    frame_around,
    view_spacing_mm,
    viewed,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

Color = tuple[int, int, int]

_BACKGROUND = "#101418"
_DPI = 110
_GAP = 0.05
_TITLE = 0.24
_LEGEND_LINE = 0.2
_LEGEND_COLUMN = 1.75
_COLORS = 256
_TISSUE = (40, 100, 160, 220)
_SMALLER = 0.9
_MOST_BYTES = 290 * 1024


@dataclass(frozen=True)
class Cell:
    """One panel.

    Attributes:
        volume: The image.
        labels: ``(K, J, I)`` on its grid, or None for the image alone.
        plane: How it is cut.
        frame: What of it is shown.
        title: Above the panel; may be empty.
    """

    volume: Volume
    labels: NDArray[np.uint8] | None
    plane: Plane
    frame: FieldOfView
    title: str = ""


def frame_of(volume: Volume, labels: NDArray[np.uint8]) -> FieldOfView:
    """Planes through the labelled structures, and a field that holds them."""
    return frame_around([viewed(labels, volume.geometry)], view_spacing_mm(volume.geometry))


def frame_of_most(volume: Volume, labels: NDArray[np.uint8]) -> FieldOfView:
    """The planes in which most is labelled, and the whole of the image around it."""
    view = viewed(labels, volume.geometry)
    whole = frame_of(volume, np.zeros_like(labels))
    if not labels.any():
        return whole
    most = [
        int(np.count_nonzero(view, axis=tuple({0, 1, 2} - {axis})).argmax()) for axis in range(3)
    ]
    return replace(whole, slices=(most[0], most[1], most[2]))


def three_planes(
    columns: Sequence[tuple[str, Volume, NDArray[np.uint8] | None]], frame: FieldOfView
) -> list[list[Cell]]:
    """An axial, a coronal and a sagittal row; a column per title, image and labels."""
    return [
        [
            Cell(volume, labels, plane, frame, title if row == 0 else "")
            for title, volume, labels in columns
        ]
        for row, plane in enumerate(PLANES)
    ]


def draw_sheet(
    rows: Sequence[Sequence[Cell]],
    labels: Sequence[Label],
    path: Path,
    *,
    panel_inches: float = 2.0,
) -> None:
    """Draw rows of panels with a legend of the structures below.

    Raises:
        OutputError: The file could not be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = max(len(row) for row in rows) * (panel_inches + _GAP) + _GAP
    heights = [panel_inches + (_TITLE if any(c.title for c in row) else 0) + _GAP for row in rows]
    columns = max(1, int(width / _LEGEND_COLUMN))
    legend = -(-len(labels) // columns) * _LEGEND_LINE + 2 * _GAP if labels else 0.0
    height = sum(heights) + legend
    figure = Figure(figsize=(width, height), facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    top = height
    for row, row_height in zip(rows, heights, strict=True):
        top -= row_height
        for column, cell in enumerate(row):
            left = _GAP + column * (panel_inches + _GAP)
            place = np.divide((left, top, panel_inches, panel_inches), (width, height) * 2)
            _draw(figure, cell, labels, tuple(place), panel_inches)
            if cell.title:
                x, y = left + 0.03, top + panel_inches + 0.06
                figure.text(x / width, y / height, cell.title, color=TEXT, fontsize=8)
    for number, label in enumerate(labels):
        line, column = divmod(number, columns)
        x, y = _GAP + column * _LEGEND_COLUMN, legend - (line + 0.7) * _LEGEND_LINE - _GAP
        figure.text(x / width, y / height, "■", color=rgb(label), fontsize=10)
        figure.text((x + 0.16) / width, y / height, label.name, color=TEXT, fontsize=7.5)
    save_small(figure, path, keep=[shade for label in labels for shade in _shades(label)])


def save_small(figure: Figure, path: Path, *, keep: Sequence[Color] = ()) -> None:
    """Save a figure as a PNG that a document can carry: of few colours, and smaller where these are not enough.

    Args:
        figure: The figure.
        path: PNG file.
        keep: Colours that must stay as they are, however few pixels have them.

    Raises:
        OutputError: The file could not be written.
    """
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=_DPI, facecolor=figure.get_facecolor(), format="png")
    image = Image.open(drawn).convert("RGB")
    while len(content := _png(image, keep)) > _MOST_BYTES:
        image = image.resize([round(_SMALLER * side) for side in image.size])
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def _png(image: Image.Image, keep: Sequence[Color]) -> bytes:
    """A PNG of 256 colours: those to keep, and what suits the rest of the image."""
    from PIL import Image

    own = image.quantize(_COLORS - len(keep)).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*own, *(part for color in keep for part in color)])
    content = io.BytesIO()
    few = image.quantize(palette=palette, dither=Image.Dither.NONE)
    few.save(content, format="png", optimize=True)
    return content.getvalue()


def _shades(label: Label) -> list[Color]:
    """A structure's colour as it is in the legend and outlines, and as it lies over dark, grey and bright tissue."""
    over = [
        tuple(round(FILL * part + (1 - FILL) * grey) for part in label.drawn_color)
        for grey in _TISSUE
    ]
    return [label.drawn_color, *over]


def _draw(
    figure: Figure,
    cell: Cell,
    labels: Sequence[Label],
    place: tuple[float, ...],
    inches: float,
) -> None:
    volume, plane, frame = cell.volume, cell.plane, cell.frame
    spacing = view_spacing_mm(volume.geometry)
    scale = inches / max(frame.field_mm[plane.down], frame.field_mm[plane.right])
    panel = PicturePanel(figure.add_axes(place), plane, frame, spacing, scale)
    image = viewed(volume.array[0], volume.geometry)
    cuts = [other.cut(image, frame.slices[other.normal]) for other in PLANES]
    panel.draw_image(image, window=window_of(cuts))
    if cell.labels is not None:
        panel.draw_labels(viewed(cell.labels, volume.geometry), labels)
    else:
        panel.draw_letters()
