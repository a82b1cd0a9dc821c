"""A feature map as its block's branches made it, each at its own resolution, joined as a whole or where it is read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from CompactSegLib.network.boxes import Box, full_box
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.network.upsampling import upsample_box

# On a CPU small enough to be memory that is taken again: larger allocations wait for the kernel's pages
# (`keep_freed_memory`).
_SLAB_VALUES = AtATime(2**22, 2**26)

Reader = tuple[Callable[[Tensor], Tensor], int]
"""What makes a map of a map ``(N, C, D, H, W)``, and how many times coarser that is."""


class Mixing(Protocol):
    """A 1×1×1 convolution: what some of its input's channels add to its output, with the bias or without."""

    def __call__(self, maps: Tensor, channels: Sequence[slice], *, biased: bool) -> Tensor: ...


@dataclass(frozen=True)
class Part:
    """Some channels of a feature map.

    Attributes:
        values: ``(N, C, d, h, w)``.
        factor: By which they are coarser than the map; a power of 2.
        box: Voxels of the map that count, numbered from where the values begin.
    """

    values: Tensor
    factor: int
    box: Box

    def trimmed(self, *axes: int) -> Part:
        """Without what no voxel of the box is interpolated from, along some of the axes D, H and W."""
        kept, box = [slice(None)] * 5, list(self.box)
        for axis in axes:
            along = self.box[axis]
            first = max(0, along.start // self.factor - 1)
            kept[axis + 2] = slice(first, -(-along.stop // self.factor) + 1)
            box[axis] = slice(along.start - first * self.factor, along.stop - first * self.factor)
        return replace(self, values=self.values[tuple(kept)], box=(box[0], box[1], box[2]))

    def finer(self, rows: slice) -> Tensor:
        """At the map's resolution, of some rows of the box."""
        depth, height, width = self.box
        rows = slice(depth.start + rows.start, depth.start + rows.stop)
        return upsample_box(self.values, factor=self.factor, box=(rows, height, width))


@dataclass(frozen=True)
class FeatureMap:
    """A feature map, not yet joined; made and read without gradients only.

    Attributes:
        parts: Of its channels, in their order; all over the same voxels.
    """

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, values: Tensor) -> FeatureMap:
        """A map ``(N, C, D, H, W)`` that is there as a whole."""
        return cls((Part(values, 1, full_box(values.shape[-3:])),))

    @property
    def shape(self) -> torch.Size:
        """``(D, H, W)``."""
        return torch.Size(axis.stop - axis.start for axis in self.parts[0].box)

    @property
    def is_whole(self) -> bool:
        """Whether it is there as it is to be read."""
        part = self.parts[0]
        return len(self.parts) == part.factor == 1 and part.values.shape[-3:] == self.shape

    def cropped(self, inside: Box) -> FeatureMap:
        """The same values of a box of its voxels alone; nothing is copied."""
        return replace(self, parts=tuple(_cropped(part, inside) for part in self.parts))

    def for_image(self, factor: int, shape: Sequence[int]) -> FeatureMap:
        """This map as one of an image ``shape`` ``(D, H, W)`` that is so many times finer."""
        if factor == 1:
            return self
        return replace(self, parts=(Part(self.joined(), factor, full_box(shape)),))

    def beside(self, other: FeatureMap) -> FeatureMap:
        """Both maps' channels as those of one map."""
        return replace(self, parts=(*self.parts, *other.parts))

    @property
    def bytes(self) -> int:
        """What its values take, also those that do not count."""
        return sum(part.values.numel() * part.values.element_size() for part in self.parts)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> FeatureMap:
        """On a device, and in another precision if there is one; on another device only what its voxels need."""
        parts = self.parts
        if device != parts[0].values.device:
            parts = tuple(part.trimmed(0, 1, 2) for part in parts)
        return replace(
            self, parts=tuple(replace(part, values=part.values.to(device, dtype)) for part in parts)
        )

    def joined(self) -> Tensor:
        """As one tensor ``(N, C, D, H, W)``, channels last in memory."""
        if self.is_whole:
            return self.parts[0].values
        values = self.parts[0].values
        result = torch.empty(
            (values.shape[0], self._channels, *self.shape),
            dtype=values.dtype,
            device=values.device,
            memory_format=torch.channels_last_3d,
        )
        for rows in self._slabs(1, 0):
            torch.cat(self._finer(rows), dim=1, out=result[:, :, rows])
        return result

    def read(
        self, readers: Sequence[Reader], *, margin: int = 0, mixing: Mixing | None = None
    ) -> list[Tensor]:
        """What readers make of the map, slab by slab: it never exists as a whole.

        Args:
            readers: Each sees the same slabs.
            margin: How many rows around its own a reader's row depends on; it has none that is coarser then.
            mixing: What readers see is the map behind this convolution.
        """
        rows_of = self._rows if mixing is None else self._mixed(mixing)
        depth = self.shape[0]
        step = max(factor for _, factor in readers)
        made: list[Tensor | None] = [None] * len(readers)
        for rows in self._slabs(step, margin):
            # What padding spoils at the inner edges is cut off again.
            seen = slice(max(0, rows.start - margin), min(depth, rows.stop + margin))
            slab = rows_of(seen)
            for number, (reader, factor) in enumerate(readers):
                found = reader(slab)
                first = (rows.start - seen.start) // factor
                at = slice(rows.start // factor, -(-rows.stop // factor))
                found = found[:, :, first : first + at.stop - at.start]
                made[number] = _put(found, made[number], at, -(-depth // factor))
        return [each for each in made if each is not None]

    def _slabs(self, step: int, margin: int) -> Iterator[slice]:
        depth, height, width = self.shape
        values = _SLAB_VALUES.on(self.parts[0].values.device)
        rows = max(4 * margin, values // max(1, self._channels * height * width))
        rows = depth if self.is_whole else max(step, rows // step * step)
        for start in range(0, depth, rows):
            yield slice(start, min(start + rows, depth))

    @property
    def _channels(self) -> int:
        return sum(part.values.shape[1] for part in self.parts)

    def _finer(self, rows: slice) -> list[Tensor]:
        return [part.finer(rows) for part in self.parts]

    def _mixed(self, mixing: Mixing) -> Callable[[slice], Tensor]:
        """What makes rows of the map behind a convolution.

        Of coarser parts it is made before they are up-sampled: the one sums over channels, the other over voxels.
        """
        groups: dict[Hashable, list[tuple[Part, slice]]] = {}
        start = 0
        for part in (each.trimmed(0) for each in self.parts):
            channels = slice(start, start := start + part.values.shape[1])
            place = (part.values.shape[2:], *(axis.start for axis in part.box))
            key = () if part.factor == 1 else (part.factor, place)
            groups.setdefault(key, []).append((part, channels))
        fine = groups.pop((), [])
        coarse: list[Part] = []
        for alike in groups.values():
            values = _beside([part.values for part, _ in alike])
            mixed = mixing(values, [each for _, each in alike], biased=not fine and not coarse)
            coarse.append(replace(alike[0][0], values=mixed.float()))
        dtype = self.parts[0].values.dtype

        def rows_of(rows: slice) -> Tensor:
            sums = [part.finer(rows) for part in coarse]
            if fine:
                values = _beside([part.finer(rows) for part, _ in fine])
                sums = [mixing(values, [each for _, each in fine], biased=True).float(), *sums]
            total, *others = sums
            for other in others:
                total += other
            return total.to(dtype)

        return rows_of

    def _rows(self, rows: slice) -> Tensor:
        if self.is_whole and rows == slice(0, self.shape[0]):
            return self.parts[0].values
        return _beside(self._finer(rows))


def _beside(maps: Sequence[Tensor]) -> Tensor:
    """Their channels as those of one map, channels last in memory."""
    joined = maps[0] if len(maps) == 1 else torch.cat(list(maps), dim=1)
    return joined.contiguous(memory_format=torch.channels_last_3d)


def _cropped(part: Part, inside: Box) -> Part:
    depth, height, width = (
        slice(box.start + axis.start, box.start + axis.stop)
        for box, axis in zip(part.box, inside, strict=True)
    )
    return replace(part, box=(depth, height, width))


def _put(slab: Tensor, result: Tensor | None, rows: slice, depth: int) -> Tensor:
    """A slab in its place of a map of so many rows, which begins with the first."""
    if result is None:
        if slab.shape[2] == depth:
            return slab
        batch, channels, _, height, width = slab.shape
        result = torch.empty(
            (batch, channels, depth, height, width),
            dtype=slab.dtype,
            device=slab.device,
            memory_format=torch.channels_last_3d,
        )
    result[:, :, rows] = slab
    return result
