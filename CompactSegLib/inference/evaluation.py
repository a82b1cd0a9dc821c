"""The levels of one volume, each computed when first asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import ConfigurationError, DeviceError, InputError
from CompactSegLib.inference.devices import is_out_of_memory, release_cached
from CompactSegLib.inference.level_run import LevelRun
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.progress import LevelReporter, Progress
from CompactSegLib.inference.remarks import on_contrast, on_findings
from CompactSegLib.inference.results import Level
from CompactSegLib.inference.stop import jaccard_distances, overlap_counts
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.inference.engine import Segmenter


class Evaluation:
    """A volume being segmented; made by ``Segmenter.start``.

    Args:
        segmenter: Net and device.
        volume: What to segment.

    Raises:
        InputError: The volume's channels are not the model's.
    """

    def __init__(self, segmenter: Segmenter, volume: Volume) -> None:
        model = segmenter.model
        expected = model.net_config.in_channels
        if volume.channels != expected:
            raise InputError(
                f"{volume.name}: expected {expected} channel(s), which model {model.name} was trained on, "
                f"got {volume.channels}; choose another volume or model."
            )
        self.volume = volume
        self.grid = GridMap.between(
            volume.geometry, orientation=model.orientation, spacing_mm=model.spacing_mm
        )
        self._segmenter = segmenter
        self._image: PreparedImage | None = None
        self._levels: dict[int, Level] = {}
        self._own: NDArray[np.uint8] | None = None

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
        model = self._segmenter.model
        if not 1 <= number <= model.net_config.levels:
            raise ConfigurationError(
                f"level: expected 1 to {model.net_config.levels}, the levels of model {model.name}, got {number}."
            )
        for missing in range(len(self._levels) + 1, number + 1):
            self._levels[missing] = self._compute(missing, progress, cancel)
        if len(self._levels) == model.net_config.levels:
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
            levels=self._segmenter.model.net_config.levels,
            voxels=int(np.prod(self.grid.model_shape)),
            progress=progress,
            cancel=cancel,
        )
        try:
            if self._image is None:
                self._image = PreparedImage(self._segmenter, self.volume, grid=self.grid)
            if not self._image.has_contrast:
                return self._nothing(number, report, begin=begin)
            run = LevelRun(
                self._segmenter, self._image, grid=self.grid, level=number, report=report
            )
            own = run.labels()
            labels = self.grid.to_source(self._refined(own, report))
            labels.flags.writeable = False  # the next level is compared with them
            self._segmenter.last_edge = run.edge
            # The gain was calibrated on changes of the net's own labels.
            refined = self._segmenter.model.refinement is not None
            change = self._change(self._own, own) if refined else None
            level = self._result(
                number, labels, blocks_run=run.blocks_run, begin=begin, change_of_net=change
            )
            self._own = own if refined else None
            self._segmenter.tell_finding(on_findings(level, self.volume, self._segmenter.model))
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
        segmenter = self._segmenter
        refinement = segmenter.model.refinement
        if refinement is None:
            return labels
        # Oriented, so that the order of voxels in memory makes no difference.
        image = self.grid.to_oriented(self.volume.array[0])
        spacing_mm = [self.volume.geometry.spacing_mm[2 - axis] for axis in self.grid.source_axes]
        device = segmenter.runtime.device
        if device.type != "cpu":
            try:
                return refinement.apply(
                    labels, image, spacing_mm, device=device, check=report.check
                )
            except (RuntimeError, TypeError) as error:
                reason = str(error).strip().partition("\n")[0]
            release_cached(device)
            segmenter.tell(f"{device} could not refine labels ({reason}), the CPU did.")
        return refinement.apply(labels, image, spacing_mm, check=report.check)

    def _change(self, before: NDArray[np.uint8] | None, after: NDArray[np.uint8]) -> float | None:
        """The largest Jaccard distance over labels; None where there is nothing before."""
        if before is None:
            return None
        counts = overlap_counts(before, after, classes=self._segmenter.model.net_config.classes)
        return max(jaccard_distances(counts).values())

    def _nothing(self, number: int, report: LevelReporter, *, begin: float) -> Level:
        """Background throughout: what a net makes of an image without contrast says nothing about the image."""
        report.begin_tile(int(np.prod(self.grid.model_shape)))
        report.end_tile()
        labels = np.zeros(self.volume.shape_kji, dtype=np.uint8)
        labels.flags.writeable = False
        self._segmenter.tell_finding(on_contrast(self.volume))
        return self._result(number, labels, blocks_run=0, begin=begin)

    def _result(
        self,
        number: int,
        labels: NDArray[np.uint8],
        *,
        blocks_run: int,
        begin: float,
        change_of_net: float | None = None,
    ) -> Level:
        """A level; `change_of_net` is given where its labels are not the net's own."""
        model = self._segmenter.model
        before = self._levels[number - 1].labels if number > 1 else None
        counts = overlap_counts(before, labels, classes=model.net_config.classes)
        millilitres = counts.sum(axis=0) * self.volume.geometry.voxel_millilitres
        distances = jaccard_distances(counts) if number > 1 else {}
        improvement = max(distances.values()) if distances else None
        change = improvement if change_of_net is None else change_of_net
        expected_gain = None
        if change is not None and number < model.net_config.levels:
            expected_gain = model.stop.expected_gain(number, change)
        info = model.levels[number - 1]
        return Level(
            number=number,
            labels=labels,
            improvement=improvement,
            improvement_by_label={
                label.name: distances[label.value] for label in model.labels if distances
            },
            seconds=time.perf_counter() - begin,
            millilitres={label.name: float(millilitres[label.value]) for label in model.labels},
            parameters=info.parameters,
            macs_per_voxel=info.macs_per_voxel,
            expected_gain=expected_gain,
            blocks_run=blocks_run,
        )
