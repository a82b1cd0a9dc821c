"""One volume on its way through one model: its levels, each computed when first asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import DeviceError, InputError
from CompactSegLib.inference.devices import Runtime, is_out_of_memory, release_cached
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.processor import Processor
from CompactSegLib.inference.progress import LevelReporter, Progress
from CompactSegLib.inference.remarks import on_contrast, on_extent, on_findings, on_sides
from CompactSegLib.inference.stop import checked_threshold, jaccard_distances, overlap_counts
from CompactSegLib.inference.tiled_level import TiledLevel
from CompactSegLib.output.level import Level, RunInfo
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.sides import Sides
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model


class Run:
    """A volume being segmented; made by ``Segmenter.start``.

    All that changes on the way belongs to it: the device in use, messages, tiles, kept feature maps, finished levels.

    Args:
        model: With what.
        volume: What to segment.
        runtime: Where to begin.
        tile: As in ``Segmenter``.
        kept_bytes: As in ``Segmenter``.

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
        self._image: PreparedImage | None = None
        self._levels: dict[int, Level] = {}

    @property
    def info(self) -> RunInfo:
        """How the volume is being computed."""
        runtime = self.processor.runtime
        said = (self._remark, *self.processor.messages, self._guess, self._finding)
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
            return "last-level", f"level {level.number} is the model's last"
        if level.number == most:
            return "levels-requested", f"no level above {most} was asked for"
        if level.improvement is not None and level.improvement < threshold:
            reason = f"the improvement {level.improvement:.4f} is below the threshold {threshold:g}"
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
            self._image = None  # nothing is left to compute from it
        return self._levels[number]

    def _compute(
        self,
        number: int,
        progress: Callable[[Progress], None] | None,
        cancel: Callable[[], bool] | None,
    ) -> Level:
        begin = time.perf_counter()
        report = LevelReporter(
            number,
            levels=self.model.net_config.levels,
            voxels=int(np.prod(self.grid.model_shape)),
            progress=progress,
            cancel=cancel,
        )
        try:
            if self._image is None:
                self._image = PreparedImage(
                    self.processor, self.volume, grid=self.grid, intensity=self.model.intensity
                )
            if not self._image.has_contrast:
                return self._nothing(number, report, begin=begin)
            tiled = TiledLevel(
                self.processor, self._image, grid=self.grid, level=number, report=report
            )
            labels = self._with_sides(self.grid.to_source(self._refined(tiled.labels(), report)))
            self._edge = tiled.edge
            level = self._result(number, labels, blocks_run=tiled.blocks_run, begin=begin)
            self._finding = on_findings(level, self.volume, self.model)
            return level
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            size = " x ".join(map(str, self.grid.model_shape))
            raise DeviceError(
                f"Level {number}: expected memory for the image and its labels ({size} voxels at the model's spacing), "
                "but the CPU has none left; close other programs or segment a smaller region."
            ) from error

    def _refined(self, labels: NDArray[np.uint8], report: LevelReporter) -> NDArray[np.uint8]:
        """Labels ``(D, H, W)`` on the oriented source grid as the model's refinement leaves them."""
        refinement = self.model.refinement
        if refinement is None:
            return labels
        # Oriented, so that the order of voxels in memory makes no difference.
        image = self.grid.to_oriented(self.volume.array[0])
        spacing_mm = [self.volume.geometry.spacing_mm[2 - axis] for axis in self.grid.source_axes]
        device = self.processor.runtime.device
        if device.type != "cpu":
            try:
                return refinement.apply(
                    labels, image, spacing_mm, device=device, check=report.check
                )
            except (RuntimeError, TypeError) as error:
                reason = str(error).strip().partition("\n")[0]
            release_cached(device)
            self.processor.tell(f"{device} could not refine labels ({reason}), the CPU did.")
        return refinement.apply(labels, image, spacing_mm, check=report.check)

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

    def _nothing(self, number: int, report: LevelReporter, *, begin: float) -> Level:
        """Background throughout: what a net makes of an image without contrast says nothing about the image."""
        report.begin_tile(int(np.prod(self.grid.model_shape)))
        report.end_tile()
        labels = np.zeros(self.volume.shape_kji, dtype=np.uint8)
        self._finding = on_contrast(self.volume)
        return self._result(number, labels, blocks_run=0, begin=begin)

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
