"""The deepest feature map of a whole volume, kept for the next level under a memory limit."""

from __future__ import annotations

import torch
from torch import Tensor

from CompactSegLib.inference.devices import is_out_of_memory
from CompactSegLib.inference.tiles import coarser, relative, shape_of, whole
from CompactSegLib.network.config import NetConfig
from CompactSegLib.volume.resampling import Box


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
        self._values: Tensor | None = None
        self._next = 0
        self._size: torch.Size | None = None
        self._being_written: Tensor | None = None

    def start_for(self, level: int) -> int:
        """The map that level ``level`` can begin with; 0 for the image."""
        return self.number if self.number <= level else 0

    def begin(self, level: int, *, dtype: torch.dtype) -> None:
        """Plan to keep the deepest map of level ``level``, if a later one can use it and the limit allows it."""
        self.abandon()
        self._next = level + 1
        if level >= self._config.levels:
            return
        coarse = shape_of(coarser(whole(self._shape), self._config.map_strides[level]))
        size = torch.Size((1, self._config.map_channels[level], *coarse))
        if size.numel() * dtype.itemsize <= self.limit_bytes - self.bytes:
            self._size = size

    def write(self, number: int, values: Tensor, *, region: Box, core: Box) -> None:
        """Keep the core's part of F_number, computed over ``region``; both in image voxels.

        Where the core is the whole volume its values are kept themselves, so nobody may change them afterwards.
        """
        if self._size is None or number != self._next:
            return
        stride = self._config.map_strides[number - 1]
        at, origin = coarser(core, stride), coarser(region, stride)
        if self._being_written is None:
            if shape_of(at) == self._size[2:] == values.shape[2:]:
                self._being_written = values
                return
            try:
                self._being_written = torch.empty(
                    self._size,
                    device=values.device,
                    dtype=values.dtype,
                    memory_format=torch.channels_last_3d,
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._size = None
                return
        inner = (slice(None), slice(None), *relative(at, origin))
        self._being_written[(slice(None), slice(None), *at)] = values[inner]

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
        self._size, self._being_written = None, None

    def read(self, region: Box) -> Tensor:
        """The kept map ``(1, C, d, h, w)`` over a region in image voxels."""
        assert self._values is not None
        at = coarser(region, self._config.map_strides[self.number - 1])
        return self._values[(slice(None), slice(None), *at)]

    def to_cpu(self) -> None:
        """Bring all to the CPU, also what is half written."""
        self.is_standard = False
        self._values = None if self._values is None else self._values.cpu()
        self._being_written = None if self._being_written is None else self._being_written.cpu()

    @property
    def bytes(self) -> int:
        """What is taken now."""
        tensors = [each for each in (self._values, self._being_written) if each is not None]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
