"""A volume on the model's grid, its kept feature maps, and the logits of any box of it."""

from __future__ import annotations

import contextlib
import copy
import math
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from CompactSegLib.inference.devices import release_cached
from CompactSegLib.inference.kept_map import KeptMap
from CompactSegLib.inference.memory import free_main_memory
from CompactSegLib.inference.processor import Processor
from CompactSegLib.inference.progress import LevelReporter
from CompactSegLib.inference.tiles import (
    coarser,
    split,
    standard_edge,
    with_halo,
)
from CompactSegLib.network.boxes import Box, full_box, relative, shape_of
from CompactSegLib.network.feature_map import FeatureMap
from CompactSegLib.network.reach import halo
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.network.net import MultiLevelNet


class PreparedImage:
    """An image in the model's orientation, spacing and intensities, on the device if that has room for it.

    Args:
        processor: Net and device.
        intensity: The model's rule.
        volume: The image.
        grid: From the volume's grid to the model's.

    Attributes:
        shape: ``(D, H, W)`` of the model's grid.
        has_contrast: Whether there is anything to see: some two voxels differ.
    """

    def __init__(
        self, processor: Processor, volume: Volume, *, grid: GridMap, intensity: IntensityRule
    ) -> None:
        self.shape = grid.model_shape
        self.config = processor.net.config
        self._processor, self._intensity = processor, intensity
        device = processor.runtime.device
        image = None
        if device.type != "cpu":
            # Without the memory or an operator; what else is wrong with the device shows with the first tile.
            with contextlib.suppress(RuntimeError):
                image = self._prepare(volume, grid, device)
        if image is None:
            release_cached(device)
            # Linux promises memory that it does not have, and then ends the process.
            if 4 * volume.channels * math.prod(self.shape) > free_main_memory():
                raise MemoryError
            image = self._prepare(volume, grid, torch.device("cpu"))
        # Percentiles or a window may leave nothing of an image's contrast, and resampling may give a constant some.
        low, high = torch.aminmax(image)
        self.has_contrast = volume.has_contrast and bool(low < high)
        self._image = image[None]
        self.forget_maps()

    def _prepare(self, volume: Volume, grid: GridMap, device: torch.device) -> Tensor:
        with torch.inference_mode():
            return self._intensity.apply(grid.prepare(volume.array, device))

    def forget_maps(self) -> None:
        """Begin with the image again: nothing is kept."""
        limit = self._processor.kept_limit()
        self.kept = KeptMap(self.config, shape=self.shape, limit_bytes=limit)
        self._standard: PreparedImage | None = None

    @cached_property
    def standard_cores(self) -> list[Box]:
        """The tiles by which ties are decided (`standard_edge`)."""
        stride = self.config.stride()
        edge = standard_edge(self.shape, stride=stride)
        return list(split(full_box(self.shape), edge, stride=stride))

    def standard(self, level: int) -> PreparedImage:
        """The same image with maps of its own, for what is computed in standard tiles up to a level."""
        if self._standard is None or self._standard.kept.number > level:
            self._standard = copy.copy(self)
            self._standard.kept = KeptMap(self.config, shape=self.shape, limit_bytes=sys.maxsize)
        return self._standard

    def forget_standard(self) -> None:
        """Give the memory back that `standard` takes."""
        self._standard = None

    def to_cpu(self) -> None:
        """Give the device its memory back."""
        self._image = self._image.cpu()
        self.kept.to_cpu()
        self.forget_standard()
        self.kept.limit_bytes = self._processor.kept_limit()

    def level_maps(
        self,
        level: int,
        wanted: Box,
        *,
        core: Box | None = None,
        report: LevelReporter | None = None,
        reference: bool = False,
    ) -> LevelMaps:
        """The feature maps that a level joins, as far as a box of the model's grid needs them.

        Args:
            level: Of which level.
            wanted: The box.
            core: Keep the feature maps computed here.
            report: Told of every block.
            reference: Compute on the CPU in fp32 instead of the device.
        """
        runtime, net = self._processor.runtime, self._processor.net
        device, dtype = runtime.device, runtime.dtype
        if reference:
            net, device, dtype = self._processor.reference, torch.device("cpu"), torch.float32
        start = self.kept.start_for(level)
        region = self._region(level, wanted, start)
        maps = {start: self._read(start, region).to(device, dtype)}
        steps = level + 2 - start
        for number in range(start + 1, level + 2):
            # The deeper the map, the less of it is needed around the box.
            maps, region = self._around(level, wanted, number - 1, maps, region)
            maps[number] = net.blocks[number - 1](maps[number - 1])
            if core is not None:
                self.kept.write(number, maps[number], region=region, core=core)
            if number - 1 < level:
                del maps[number - 1]
            if report is not None:
                report.step(number - start, steps)
        shape = torch.Size(shape_of(region))
        return LevelMaps(net, level, net.level_features(level, maps, shape=shape), region)

    def _read(self, number: int, region: Box) -> FeatureMap:
        image = FeatureMap.of(self._image)
        return self.kept.read(region) if number else image.cropped(region)

    def _region(self, level: int, wanted: Box, start: int) -> Box:
        """What to know of F_start so that the wanted box comes out exact."""
        around = halo(self.config, level, start=start)
        return with_halo(wanted, around, stride=self.config.stride(), shape=self.shape)

    def _around(
        self, level: int, wanted: Box, start: int, maps: dict[int, FeatureMap], region: Box
    ) -> tuple[dict[int, FeatureMap], Box]:
        """What is still needed of maps over a region when the next step begins at F_start, and its region."""
        smaller = self._region(level, wanted, start)
        cropped = {}
        for number, values in maps.items():
            stride = self.config.map_strides[number - 1] if number else 1
            inside = relative(coarser(smaller, stride), coarser(region, stride))
            cropped[number] = values.cropped(inside)
        return cropped, smaller


@dataclass(frozen=True)
class LevelMaps:
    """The level feature map, not joined, over a region of the model's grid."""

    _net: MultiLevelNet
    _level: int
    _features: FeatureMap
    _region: Box

    def logits(self, wanted: Box) -> Tensor:
        """Logits ``(classes, d, h, w)`` of a box within the one that the maps are for."""
        box = relative(wanted, self._region)
        return self._net.level_logits(self._level, self._features, box=box)[0]
