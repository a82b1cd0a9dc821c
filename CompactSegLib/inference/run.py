"""One volume on its way through one model: its levels, each computed when first asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import DeviceError, InputError
from CompactSegLib.inference.devices import Runtime, is_out_of_memory
from CompactSegLib.inference.parts import Part, found_parts, whole_volume
from CompactSegLib.inference.processor import Processor
from CompactSegLib.inference.progress import LevelReporter, Progress, as_beginning, as_rest
from CompactSegLib.inference.remarks import on_contrast, on_extent, on_findings, on_region, on_sides
from CompactSegLib.inference.stop import checked_threshold, jaccard_distances, overlap_counts
from CompactSegLib.output.level import Level, RunInfo
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.sides import Sides
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model

# What finding regions is of level 1, where a net of a whole head finds some crops of it.
_FOUND = 0.9


class Run:
    """A volume being segmented; made by ``Segmenter.start``.

    All that changes on the way belongs to it: the device in use, messages, tiles, kept feature maps, finished levels.

    Args:
        model: With what.
        volume: What to segment.
        runtime: Where to begin.
        tile: As in ``Segmenter``.
        kept_bytes: As in ``Segmenter``.
        find: Begins the run that finds the model's regions, for a volume that shows more than the model knows.

    Attributes:
        model: With what; where regions of both sides are to be found, with labels of both.

    Raises:
        InputError: The volume's channels are not the model's.
    """

    def __init__(
        self,
        model: Model,
        volume: Volume,
        *,
        runtime: Runtime,
        tile: int | None = None,
        kept_bytes: int | None = None,
        find: Callable[[Volume], Run] | None = None,
    ) -> None:
        expected = model.net_config.in_channels
        if volume.channels != expected:
            raise InputError(
                f"{volume.name}: expected {expected} channel(s), which model {model.name} was trained on, "
                f"got {volume.channels}; choose another volume or model."
            )
        self.model, self.volume = model, volume
        self.grid = GridMap.between(
            volume.geometry, orientation=model.orientation, spacing_mm=model.spacing_mm
        )
        self.processor = Processor(model.net, runtime, tile=tile, kept_bytes=kept_bytes)
        self._edge = tile or 0
        self._remark = on_extent(volume, self.grid, model)
        self._finding: str | None = None
        self._guess: str | None = None
        self._parts: list[Part] | None = whole_volume(volume, self.grid)
        self._finder: Run | None = None
        if self._remark and model.region and find:
            self.model, self._remark, self._parts = model.of_both_sides(), None, None
            self._finder = find(volume)
        self._levels: dict[int, Level] = {}

    @property
    def info(self) -> RunInfo:
        """How the volume is being computed."""
        runtime = self.processor.runtime
        search = (*self._finder.processor.messages, self._finder._guess) if self._finder else ()
        said = (self._remark, *search, *self.processor.messages, self._guess, self._finding)
        return RunInfo(
            device=str(runtime.device),
            device_name=runtime.name,
            precision=runtime.precision,
            tile=self._edge,
            messages=tuple(message for message in said if message),
        )

    def levels(
        self,
        *,
        most: int | None = None,
        threshold: float | None = None,
        all_levels: bool = False,
        progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Iterator[Level]:
        """Yield the levels one by one, until the threshold, the level asked for or the model's last ends it.

        Args:
            most: The most levels to compute; None for all the model has.
            threshold: Stop when the improvement is below it; None for the model's own, 0 for never.
            all_levels: Switch the threshold off.
            progress: Called often with how far the run is.
            cancel: Asked often; True ends the run with ``Cancelled``. Finished levels stay.

        Raises:
            ConfigurationError: The model has no such level, or the threshold is out of range; before the first level.
        """
        if threshold is None:
            threshold = self.model.threshold
        threshold = 0.0 if all_levels else checked_threshold(threshold)
        most = self.model.net_config.levels if most is None else self.model.checked_level(most)
        return self._levels_until(most, threshold, progress, cancel)

    def _levels_until(
        self,
        most: int,
        threshold: float,
        progress: Callable[[Progress], None] | None,
        cancel: Callable[[], bool] | None,
    ) -> Iterator[Level]:
        told = progress and (lambda step: progress(replace(step, levels=most)))
        for number in range(1, most + 1):
            level = self.level(number, progress=told, cancel=cancel)
            stop, reason = self._stop(level, most, threshold)
            yield replace(level, stop=stop, stop_reason=reason)
            if stop:
                return

    def _stop(self, level: Level, most: int, threshold: float) -> tuple[str | None, str | None]:
        if level.number == self.model.net_config.levels:
            return "last-level", f"all {level.number} levels computed"
        if level.number == most:
            return "levels-requested", f"level {most} was the deepest asked for"
        if level.improvement is not None and level.improvement < threshold:
            reason = f"the change {level.improvement:.4f} is below the threshold {threshold:g}"
            return "threshold", reason
        return None, None

    def level(
        self,
        number: int,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Level:
        """A level's segmentation; what is missing before it is computed first, what is known costs nothing.

        Args:
            number: The level, from 1.
            progress: Called often with how far the computation is.
            cancel: Asked between blocks and tiles; True ends the computation. Finished levels stay.

        Raises:
            ConfigurationError: The net has no such level.
            Cancelled: ``cancel`` said so.
            DeviceError: Memory ran out on the CPU: for the image, its labels or even the smallest tile.
        """
        self.model.checked_level(number)
        for missing in range(len(self._levels) + 1, number + 1):
            self._levels[missing] = self._compute(missing, progress, cancel)
        if len(self._levels) == self.model.net_config.levels:
            self.forget()
        return self._levels[number]

    def _compute(
        self,
        number: int,
        progress: Callable[[Progress], None] | None,
        cancel: Callable[[], bool] | None,
    ) -> Level:
        begin = time.perf_counter()
        if self._parts is None:
            self._parts = self._found_parts(progress, cancel)
            progress = progress and as_rest(progress, _FOUND)
        report = LevelReporter(
            number,
            levels=self.model.net_config.levels,
            voxels=sum(prod(part.grid.model_shape) for part in self._parts),
            progress=progress,
            cancel=cancel,
        )
        try:
            whole, blocks_run = np.zeros(self.volume.shape_kji, dtype=np.uint8), 0
            for part in self._parts:
                found = part.segmented(number, self.model, self.processor, report)
                self._edge, blocks_run = found.edge or self._edge, max(blocks_run, found.blocks_run)
                values = part.values
                labels = self._with_sides(found.labels) if values is None else values[found.labels]
                if labels.shape == whole.shape:
                    whole = labels
                else:
                    whole[part.place] = labels
            level = self._result(number, whole, blocks_run=blocks_run, begin=begin)
            self._finding = self._said_of(level)
            return replace(level, messages=(*self.volume.warnings, *self.info.messages))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            size = " x ".join(map(str, self.grid.model_shape))
            raise DeviceError(
                f"Level {number}: expected memory for the image and its labels ({size} voxels at the model's spacing), "
                "but the CPU has none left; close other programs or segment a smaller region."
            ) from error

    def _found_parts(
        self, progress: Callable[[Progress], None] | None, cancel: Callable[[], bool] | None
    ) -> list[Part]:
        """The regions that the model's region names, found in the volume; before its first level."""
        region, finder = self.model.region, self._finder
        assert region is not None and finder is not None
        told = progress and as_beginning(
            progress, _FOUND, f"looking for the {region.structure.lower()}", levels=region.level
        )
        found = finder.level(region.level, progress=told, cancel=cancel)
        parts = found_parts(self.volume, found, finder.model, self.model)
        finder.forget()
        return parts

    def forget(self) -> None:
        """Drop what deeper levels would be computed from; finished levels stay."""
        for part in self._parts or ():
            part.image = None

    def _with_sides(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels ``(K, J, I)`` of the model from classes of the net, where these do not know left from right."""
        values = self.model.values_by_side
        if values is None:
            return labels
        left, right = values
        geometry = self.volume.geometry
        sides = Sides.found_in(labels, geometry, dict(enumerate(self.model.structures, 1)))
        self._guess = on_sides(sides) if labels.any() else None
        return sides.told(labels, geometry, left=left, right=right)

    def _said_of(self, level: Level) -> str | None:
        """What is to be said of a level's findings."""
        if not self._parts and self._finder:
            return on_region(self.volume, self.model, self._finder.model)
        if not level.blocks_run:
            return on_contrast(self.volume)
        return on_findings(level, self.volume, self.model)

    def _result(
        self, number: int, labels: NDArray[np.uint8], *, blocks_run: int, begin: float
    ) -> Level:
        model = self.model
        labels.flags.writeable = False  # the next level is compared with them
        before = self._levels[number - 1].labels if number > 1 else None
        counts = overlap_counts(before, labels, classes=len(model.labels) + 1)
        millilitres = counts.sum(axis=0) * self.volume.geometry.voxel_millilitres
        distances = jaccard_distances(counts) if number > 1 else {}
        info = model.levels[number - 1]
        return Level(
            number=number,
            labels=labels,
            geometry=self.volume.geometry,
            structures=model.labels,
            improvement=max(distances.values()) if distances else None,
            improvement_by_label={
                label.name: distances[label.value] for label in model.labels if distances
            },
            seconds=time.perf_counter() - begin,
            millilitres={label.name: float(millilitres[label.value]) for label in model.labels},
            parameters=info.parameters,
            macs_per_voxel=info.macs_per_voxel,
            blocks_run=blocks_run,
        )
