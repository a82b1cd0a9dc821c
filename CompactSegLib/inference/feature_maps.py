"""Feature maps of a whole volume, kept from level to level under a memory limit."""

from __future__ import annotations

import torch
from torch import Tensor

from CompactSegLib.inference.devices import is_out_of_memory
from CompactSegLib.inference.tiles import coarser, relative, shape_of, whole
from CompactSegLib.network.config import NetConfig
from CompactSegLib.volume.resampling import Box


class KeptMaps:
    """F_1, F_2, … of one volume, written tile by tile; a map that does not fit is not kept and gets recomputed.

    Args:
        config: The net.
        shape: ``(D, H, W)`` of the volume on the model's grid.
        limit_bytes: What all kept maps together may take.

    Attributes:
        are_whole: Whether no map was put together from tiles or computed on another device.
    """

    def __init__(self, config: NetConfig, *, shape: tuple[int, int, int], limit_bytes: int) -> None:
        self._config = config
        self._shape = shape
        self.limit_bytes = limit_bytes
        self.are_whole = True
        self._level = 0
        self._maps: dict[int, Tensor] = {}
        self._planned: dict[int, torch.Size] = {}
        self._being_written: dict[int, Tensor] = {}

    def start_for(self, level: int) -> int:
        """The deepest map that level ``level`` can begin with; 0 for the image.

        A map serves when all earlier ones that the level joins are kept too.
        """
        for number in range(level, 0, -1):
            joined = [k for k in self._config.fused_maps(level) if k <= number]
            if all(k in self._maps for k in {number, *joined}):
                return number
        return 0

    def given_for(self, level: int) -> tuple[int, ...]:
        """The kept maps that level ``level`` reads when it begins with ``start_for(level)``."""
        start = self.start_for(level)
        joined = {k for k in self._config.fused_maps(level) if k <= start}
        return tuple(sorted(joined | ({start} if start else set())))

    def begin(self, level: int, *, dtype: torch.dtype) -> None:
        """Plan which of the maps that level ``level`` computes, and a later one can use, to keep within the limit."""
        self.abandon()
        self._level = level
        if level >= self._config.levels:
            return
        start = self.start_for(level)
        wanted = [k for k in self._config.fused_maps(level + 1) if start < k <= level + 1]
        left = self.limit_bytes - self.bytes
        # Ascending: a map is of use only with all earlier ones that the next level joins.
        for number in wanted:
            coarse = shape_of(coarser(whole(self._shape), self._config.map_strides[number - 1]))
            size = torch.Size((1, self._config.map_channels[number - 1], *coarse))
            left -= size.numel() * dtype.itemsize
            if left < 0:
                return
            self._planned[number] = size

    def write(self, number: int, values: Tensor, *, region: Box, core: Box) -> None:
        """Keep the core's part of F_number, computed over ``region``; both in image voxels.

        Where the core is the whole volume its values are kept themselves, so nobody may change them afterwards.
        """
        size = self._planned.get(number)
        if size is None:
            return
        stride = self._config.map_strides[number - 1]
        at, origin = coarser(core, stride), coarser(region, stride)
        inner = (slice(None), slice(None), *relative(at, origin))
        if number not in self._being_written:
            if shape_of(at) == size[2:] == values.shape[2:]:
                self._being_written[number] = values
                return
            try:
                self._being_written[number] = torch.empty(
                    size,
                    device=values.device,
                    dtype=values.dtype,
                    memory_format=torch.channels_last_3d,
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                for useless in [k for k in self._planned if k >= number]:
                    del self._planned[useless]
                return
        self.are_whole = False
        self._being_written[number][(slice(None), slice(None), *at)] = values[inner]

    def finish(self) -> None:
        """The level is complete: what was written may be read. Maps that no later level reads are dropped."""
        self._maps.update(self._being_written)
        self.abandon()
        if self._level >= self._config.levels:
            self._maps = {}
        elif self._maps and self._config.fuse == "pair":
            deepest = max(self._maps)
            self._maps = {deepest: self._maps[deepest]}

    def abandon(self) -> None:
        """The level was not completed."""
        self._planned, self._being_written = {}, {}

    def read(self, number: int, region: Box) -> Tensor:
        """F_number ``(1, C, d, h, w)`` over a region in image voxels."""
        at = coarser(region, self._config.map_strides[number - 1])
        return self._maps[number][(slice(None), slice(None), *at)]

    def to_cpu(self) -> None:
        """Bring all maps to the CPU, also those half written."""
        self.are_whole = False
        for maps in (self._maps, self._being_written):
            for number, values in maps.items():
                maps[number] = values.cpu()

    @property
    def bytes(self) -> int:
        """What the maps take now."""
        tensors = [*self._maps.values(), *self._being_written.values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
