"""What of a volume a net sees at a time: all of it, or the regions in which another model found a structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from CompactSegLib.inference.devices import release_cached
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.processor import Processor
from CompactSegLib.inference.progress import LevelReporter
from CompactSegLib.inference.tiled_level import TiledLevel
from CompactSegLib.network.boxes import Box, full_box
from CompactSegLib.volume.boxes import box_of
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level
    from CompactSegLib.volume.refinement import Look, Refinement

# Of the smallest of the finder's training cases; less is taken for an error.
_LEAST_SHARE = 1 / 3


@dataclass(eq=False)
class Part:
    """A box of a volume, on its way through the net.

    Attributes:
        volume: The box's voxels.
        grid: From them to the model's grid.
        place: Where they are in the volume, (k, j, i).
        values: What each class becomes there; None where that does not hang on the part.
        image: The box on the model's grid, once it is there, and while a level is still to be computed.
        looks: By level, what the volume showed of its labels as they were refined; the next level begins with it.
    """

    volume: Volume
    grid: GridMap
    place: Box
    values: NDArray[np.uint8] | None = None
    image: PreparedImage | None = None
    looks: dict[int, Look | None] = field(default_factory=dict)

    def segmented(
        self, level: int, model: Model, processor: Processor, report: LevelReporter
    ) -> PartLabels:
        """Compute a level of the part; what deeper ones need stays in `image`.

        Args:
            level: From 1.
            model: Whose grid, intensities and refinement are used.
            processor: Where.
            report: Told of progress.

        Raises:
            Cancelled: The reporter was told to end.
            DeviceError: Memory ran out with the smallest tile on the CPU.
        """
        report.begin_part()
        if self.image is None:
            self.image = PreparedImage(
                processor, self.volume, grid=self.grid, intensity=model.intensity
            )
        if not self.image.has_contrast:
            # What a net makes of an image without contrast says nothing about the image.
            report.begin_tile(prod(self.grid.model_shape))
            report.end_tile()
            return PartLabels(np.zeros(self.volume.shape_kji, dtype=np.uint8), 0, 0)
        tiled = TiledLevel(processor, self.image, grid=self.grid, level=level, report=report)
        labels = tiled.labels()
        if model.refinement is not None:
            labels = self.refined(labels, level, model.refinement, processor, report)
        return PartLabels(self.grid.to_source(labels), tiled.blocks_run, tiled.edge)

    def refined(
        self,
        labels: NDArray[np.uint8],
        level: int,
        refinement: Refinement,
        processor: Processor,
        report: LevelReporter,
    ) -> NDArray[np.uint8]:
        """Labels ``(D, H, W)`` of a level, on the oriented source grid, as a refinement leaves them."""
        # Oriented, so that the order of voxels in memory makes no difference.
        image = self.grid.to_oriented(self.volume.array[0])
        spacing_mm = [self.volume.geometry.spacing_mm[2 - axis] for axis in self.grid.source_axes]
        refine = partial(
            refinement.at_level(level).refined,
            labels,
            image,
            spacing_mm,
            look=self.looks.get(level - 1),
            check=report.check,
        )
        device = processor.runtime.device
        if device.type != "cpu":
            try:
                refined, self.looks[level] = refine(device=device)
                return refined
            except (RuntimeError, TypeError) as error:
                reason = str(error).strip().partition("\n")[0]
            release_cached(device)
            processor.tell(f"{device} could not refine labels ({reason}), the CPU did.")
        refined, self.looks[level] = refine()
        return refined


@dataclass(frozen=True)
class PartLabels:
    """A level of a part.

    Attributes:
        labels: uint8 (K, J, I), classes of the net on the part's own grid.
        blocks_run: How many blocks were executed for them.
        edge: Of the tiles, in voxels of the model's grid; 0 where none was computed.
    """

    labels: NDArray[np.uint8]
    blocks_run: int
    edge: int


def whole_volume(volume: Volume, grid: GridMap) -> list[Part]:
    """All of a volume as one part."""
    return [Part(volume, grid, full_box(volume.shape_kji))]


def found_parts(volume: Volume, found: Level, finder: Model, model: Model) -> list[Part]:
    """A part for each side on which the structure that a model's region names was found.

    Args:
        volume: Of which.
        found: What was found in it.
        finder: By which model.
        model: What the parts are for, with labels of both sides.
    """
    region, sides = model.region, model.values_by_side
    assert region is not None and sides is not None
    values = {}
    for label in finder.labels:
        usual = finder.expected_millilitres.get(label.name)
        least = _LEAST_SHARE * usual.least if usual else 0.0
        if label.structure == region.structure and found.millilitres[label.name] >= least:
            values[str(label.side)] = label.value
    parts = []
    for side, box in boxes_around(found.labels, found.geometry, values, region.margin_mm).items():
        table = np.zeros(256, dtype=np.uint8)
        for number, value in sides[side == "right"].items():
            table[number] = value
        part = replace(
            volume, array=volume.array[(slice(None), *box)], geometry=volume.geometry.cropped(box)
        )
        grid = GridMap.between(
            part.geometry, orientation=model.orientation, spacing_mm=model.spacing_mm
        )
        parts.append(Part(part, grid, box, table))
    return parts


def boxes_around(
    labels: NDArray, geometry: Geometry, values: Mapping[str, int], margin_mm: float
) -> dict[str, Box]:
    """Boxes (k, j, i) around the largest connected piece of each value, none reaching into another.

    Args:
        labels: Integers (K, J, I).
        geometry: Their grid.
        values: By name of the box; values that are not there have none.
        margin_mm: How far a box goes beyond the piece, as far as the labels go.
    """
    boxes: dict[str, list[slice]] = {}
    for name, value in values.items():
        pieces = SimpleITK.ConnectedComponent(
            SimpleITK.GetImageFromArray((labels == value).astype(np.uint8)), True
        )
        largest = SimpleITK.GetArrayFromImage(SimpleITK.RelabelComponent(pieces)) == 1
        margin = [round(margin_mm / mm) for mm in reversed(geometry.spacing_mm)]
        if box := box_of(largest, margin=margin):
            boxes[name] = list(box)
    _part(list(boxes.values()), axis=2 - geometry.nearest_axes()[0][0])
    return {name: (box[0], box[1], box[2]) for name, box in boxes.items()}


def _part(boxes: list[list[slice]], *, axis: int) -> None:
    """Boxes that overlap from left to right meet in the middle of what they share."""
    one, *others = sorted(boxes, key=lambda box: box[axis].start) or [[]]
    for other in others:
        if one[axis].stop > other[axis].start:
            middle = (one[axis].stop + other[axis].start) // 2
            one[axis] = slice(one[axis].start, middle)
            other[axis] = slice(middle, other[axis].stop)
        one = other
