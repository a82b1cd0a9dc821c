"""The deepest feature map of a whole volume, kept for the next level under a memory limit.

What its block's branches made is kept, each at its own resolution, and joined where it is read: a quarter of the
memory.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from CompactSegLib.inference.devices import is_out_of_memory
from CompactSegLib.inference.tiles import coarser
from CompactSegLib.network.boxes import Box, full_box, relative, shape_of
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.feature_map import FeatureMap, Part


class KeptMap:
    """F_{n+1} of one volume, written tile by tile by level n; where it does not fit, an earlier one stays.

    Args:
        config: The net.
        shape: ``(D, H, W)`` of the volume on the model's grid.
        limit_bytes: What kept maps may take.

    Attributes:
        number: Of the map that may be read; 0 where none is kept.
        is_standard: Whether maps are those of standard tiles (`tiles.standard_edge`) on one device, bit for bit.
    """

    def __init__(self, config: NetConfig, *, shape: tuple[int, int, int], limit_bytes: int) -> None:
        self._config = config
        self._shape = shape
        self.limit_bytes = limit_bytes
        self.number = 0
        self.is_standard = True
        self._values: FeatureMap | None = None
        self._next = 0
        self._is_wanted = False
        self._being_written: FeatureMap | None = None

    def start_for(self, level: int) -> int:
        """The map that level ``level`` can begin with; 0 for the image."""
        return self.number if self.number <= level else 0

    def begin(self, level: int, *, dtype: torch.dtype) -> None:
        """Plan to keep the deepest map of level ``level``, if a later one can use it and the limit allows it."""
        self.abandon()
        self._next = level + 1
        if level >= self._config.levels:
            return
        values = sum(size.numel() for size in self._sizes_of_parts())
        self._is_wanted = values * dtype.itemsize <= self.limit_bytes - self.bytes

    def _size(self, channels: int, pool: int) -> torch.Size:
        """Of so many channels of the next map at a resolution coarser by ``pool``."""
        stride = self._config.map_strides[self._next - 1] * pool
        return torch.Size((1, channels, *shape_of(coarser(full_box(self._shape), stride))))

    def _sizes_of_parts(self) -> list[torch.Size]:
        before = self._config.block_channels[self._next - 1]
        branches = self._config.blocks[self._next - 1].branches
        return [self._size(branch.out_channels(before), branch.pool) for branch in branches]

    def write(self, number: int, values: FeatureMap, *, region: Box, core: Box) -> None:
        """Keep the core's part of F_number, computed over ``region``; both in image voxels.

        Args:
            number: Of the map.
            values: The map; nobody may change it afterwards.
            region: Of the values.
            core: What of it is kept.
        """
        if not self._is_wanted or number != self._next:
            return
        if core == full_box(self._shape):
            self._being_written = values
            return
        stride = self._config.map_strides[number - 1]
        if self._being_written is None:
            try:
                self._being_written = self._empty(values)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._is_wanted = False
                return
        for kept, made in zip(self._being_written.parts, values.parts, strict=True):
            at, origin = (coarser(box, stride * made.factor) for box in (core, region))
            inner = (slice(None), slice(None), *relative(at, origin))
            kept.values[(slice(None), slice(None), *at)] = made.values[inner]

    def _empty(self, like: FeatureMap) -> FeatureMap:
        """A map of the whole volume in the precision and place of another."""
        box = coarser(full_box(self._shape), self._config.map_strides[self._next - 1])
        parts = (
            Part(_like(part.values, size), part.factor, box)
            for part, size in zip(like.parts, self._sizes_of_parts(), strict=True)
        )
        return replace(like, parts=tuple(parts))

    def finish(self, *, is_standard: bool) -> None:
        """The level is complete: what was written may be read. After the last level nothing is kept.

        Args:
            is_standard: Whether all of its tiles were standard ones.
        """
        if self._being_written is not None:
            self.is_standard = is_standard
        if self._next > self._config.levels:
            self.number, self._values = 0, None
        elif self._being_written is not None:
            self.number, self._values = self._next, self._being_written
        self.abandon()

    def abandon(self) -> None:
        """The level was not completed."""
        self._is_wanted, self._being_written = False, None

    def read(self, region: Box) -> FeatureMap:
        """The kept map over a region in image voxels."""
        assert self._values is not None
        return self._values.cropped(coarser(region, self._config.map_strides[self.number - 1]))

    def to_cpu(self) -> None:
        """Bring all to the CPU, also what is half written."""
        self.is_standard = False
        self._values, self._being_written = (
            kept and kept.to(torch.device("cpu")) for kept in (self._values, self._being_written)
        )

    @property
    def bytes(self) -> int:
        """What is taken now."""
        return sum(kept.bytes for kept in (self._values, self._being_written) if kept is not None)


def _like(values: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return torch.empty(
        size, dtype=values.dtype, device=values.device, memory_format=torch.channels_last_3d
    )
