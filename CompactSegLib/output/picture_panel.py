"""One panel of the picture: a plane of the image, with a level's structures and what changed on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.labels import Label
from CompactSegLib.output.planes import FieldOfView, Plane, edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEXT = "#e8ecef"
CHANGED = "#ffffff"
FILL = 0.38
"""How much of a filled structure is its colour; the rest is the image."""
_POINTS_PER_INCH = 72
_RIM_FROM_POINTS = 1.5


@dataclass(frozen=True)
class PicturePanel:
    """Where and how a plane is drawn.

    Attributes:
        axes: To draw on; they fill the panel.
        plane: The plane.
        frame: What part of the volume is shown.
        spacing_mm: Voxel distances along S, P and L.
        scale: Inches per mm.
    """

    axes: Axes
    plane: Plane
    frame: FieldOfView
    spacing_mm: tuple[float, float, float]
    scale: float

    def draw_image(self, view: np.ndarray, *, window: tuple[float, float]) -> None:
        """Draw the image ``(S, P, L)`` between black and white values."""
        picture = self._cut(view)
        pixel_is_smaller = min(self._down_mm, self._right_mm) * self.scale * 150 > 1
        self.axes.imshow(
            picture.astype(np.float32),
            cmap="gray",
            vmin=window[0],
            vmax=window[1],
            extent=self._extent(picture),
            interpolation="bilinear" if pixel_is_smaller else "antialiased",
        )
        self._look_at(picture)

    def draw_labels(self, view: np.ndarray, labels: Sequence[Label]) -> None:
        """Draw a segmentation ``(S, P, L)``: each structure filled lightly, with its border along the voxels' edges."""
        picture = self._cut(view)
        colors = np.zeros((256, 4), dtype=np.float32)
        for label in labels:
            colors[label.value] = (*rgb(label), FILL)
        self.axes.imshow(
            colors[picture], extent=self._extent(picture), interpolation="nearest", resample=False
        )
        self._look_at(picture)
        for label in labels:
            self._draw_edges(picture == label.value, color=rgb(label), width=1.3)

    def draw_changes(self, view: np.ndarray, before: np.ndarray) -> None:
        """Outline what differs between two segmentations ``(S, P, L)``."""
        changed = self._cut(view) != self._cut(before)
        # On a whole head a rim around single voxels would hide the structures.
        if self._voxel_points > _RIM_FROM_POINTS:
            self._draw_edges(changed, color="black", width=2.2)
        self._draw_edges(changed, color=CHANGED, width=1.1)

    def draw_letters(self) -> None:
        """Write at the edges which way the patient lies."""
        places = [
            (0.03, 0.5, "left", "center"),
            (0.97, 0.5, "right", "center"),
            (0.5, 0.96, "center", "top"),
            (0.5, 0.04, "center", "bottom"),
        ]
        for letter, (x, y, ha, va) in zip(self.plane.letters, places, strict=True):
            self._write(x, y, letter, size=8, ha=ha, va=va, weight="bold")

    def draw_scale(self) -> None:
        """Draw a bar of a round length."""
        across = abs(np.subtract(*self.axes.get_xlim()))
        length = max(mm for mm in (1, 2, 5, 10, 20, 50, 100, 200) if mm <= max(1.0, across / 3.5))
        self.axes.plot(
            [0.05, 0.05 + length / across],
            [0.05, 0.05],
            transform=self.axes.transAxes,
            color=TEXT,
            linewidth=1.6,
            solid_capstyle="butt",
            path_effects=_halo(),
        )
        self._write(0.05, 0.068, f"{length} mm", size=7, ha="left", va="bottom")

    @property
    def _down_mm(self) -> float:
        return self.spacing_mm[self.plane.down]

    @property
    def _right_mm(self) -> float:
        return self.spacing_mm[self.plane.right]

    @property
    def _voxel_points(self) -> float:
        """The shorter side of a drawn voxel, in points."""
        return min(self._down_mm, self._right_mm) * self.scale * _POINTS_PER_INCH

    def _cut(self, view: np.ndarray) -> np.ndarray:
        return self.plane.cut(view, self.frame.slices[self.plane.normal])

    def _extent(self, picture: np.ndarray) -> tuple[float, float, float, float]:
        rows, columns = picture.shape
        return (0.0, columns * self._right_mm, rows * self._down_mm, 0.0)

    def _look_at(self, picture: np.ndarray) -> None:
        """Put the frame's centre into the middle of the panel, at the page's scale."""
        right, down = self.frame.centre_mm[self.plane.right], self.frame.centre_mm[self.plane.down]
        if self.plane.flipped:
            down = picture.shape[0] * self._down_mm - down
        # The panel itself, not what the aspect of the image would make of it.
        box = self.axes.get_position(original=True)
        width_in, height_in = self.axes.figure.get_size_inches()  # type: ignore[union-attr]
        half_right = box.width * width_in / self.scale / 2
        half_down = box.height * height_in / self.scale / 2
        self.axes.set(
            facecolor="black",
            aspect="auto",
            xlim=(right - half_right, right + half_right),
            ylim=(down + half_down, down - half_down),
            xticks=[],
            yticks=[],
        )
        self.axes.spines[:].set_visible(False)

    def _draw_edges(self, mask: np.ndarray, *, color: Any, width: float) -> None:
        from matplotlib.lines import Line2D

        lines = edges(mask, down_mm=self._down_mm, right_mm=self._right_mm)
        # Thinner where voxels are small, or the lines would hide what they surround.
        width *= float(np.clip(self._voxel_points / 4, 0.35, 1.0))
        if len(lines):
            # One path for all, with gaps where there is no number: one path for each line takes seconds a page.
            points = np.full((len(lines), 3, 2), np.nan)
            points[:, :2] = lines
            across, down = points.reshape(-1, 2).T
            how = {"color": color, "linewidth": width, "solid_capstyle": "butt", "snap": True}
            self.axes.add_artist(Line2D(across, down, **how))

    def _write(self, x: float, y: float, text: str, *, size: float, **how: Any) -> None:
        style: dict[str, Any] = {"color": TEXT, "path_effects": _halo(), **how}
        self.axes.text(x, y, text, transform=self.axes.transAxes, fontsize=size, **style)


def rgb(label: Label) -> tuple[float, float, float]:
    """What a label is drawn in, as matplotlib has it, 0 to 1."""
    red, green, blue = (part / 255 for part in label.drawn_color)
    return red, green, blue


def window_of(pictures: Sequence[np.ndarray]) -> tuple[float, float]:
    """Black and white for some planes, so that a few very bright voxels do not darken all others."""
    values = np.concatenate([picture.ravel().astype(np.float32) for picture in pictures])
    low, high = (float(value) for value in np.percentile(values, [0.5, 99.5]))
    return low, high if high > low else low + 1.0


def _halo() -> list[Any]:
    """A dark rim that keeps writing readable on a bright image."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=1.8, foreground="black")]
