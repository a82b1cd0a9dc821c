"""One level of one volume: tile after tile, whatever the machine does in between."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from CompactSegLib.errors import DeviceError
from CompactSegLib.inference.devices import is_out_of_memory, release_cached
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.processor import Processor
from CompactSegLib.inference.progress import LevelReporter
from CompactSegLib.inference.ties import decide_ties
from CompactSegLib.inference.tiles import (
    LARGEST_EDGE,
    choose_edge,
    least_edge,
    parts_of_tile,
    split,
    standard_edge,
)
from CompactSegLib.network.boxes import Box, full_box, shape_of
from CompactSegLib.network.reach import halo
from CompactSegLib.volume.classes import most_likely
from CompactSegLib.volume.resampling import GridMap

_PROBE_EDGE = 16
_LEAST_AGREEMENT = 0.95
# Above the largest difference between tilings seen in fp32, 6e-6 relative to the logits (benchmarks/exact_tiles.py).
_CLOSE = 1e-5


class _DeviceFault(Exception):
    """A device's labels differ from those of the CPU in fp32."""


class TiledLevel:
    """Computes the labels of one level.

    Args:
        processor: Net, device and settings; told of what does not go as planned.
        image: The prepared image and its kept maps.
        grid: From the source grid to the model's.
        level: Which level.
        report: Told of progress.
    """

    def __init__(
        self,
        processor: Processor,
        image: PreparedImage,
        *,
        grid: GridMap,
        level: int,
        report: LevelReporter,
    ) -> None:
        self._processor, self._image, self._grid = processor, image, grid
        self._level, self._report = level, report
        self._stride = image.config.stride()
        self._labels = np.zeros(grid.oriented_shape, dtype=np.uint8)
        self._cores: deque[Box] = deque()
        self._begin()

    def labels(self) -> NDArray[np.uint8]:
        """Compute the labels, uint8 ``(D, H, W)`` on the oriented source grid, and keep maps for the next level.

        Raises:
            Cancelled: The reporter was told to end.
            DeviceError: Memory ran out with the smallest tile on the CPU.
        """
        self._processor.interrupt = self._report.check
        try:
            while self._cores:
                trouble = self._try_tile(self._cores[0])
                if trouble is None:
                    self._cores.popleft()
                else:
                    self._recover(trouble)
        except BaseException:
            self._image.kept.abandon()
            raise
        finally:
            self._processor.interrupt = None
        self._image.kept.finish(is_standard=self._only_standard)
        return self._labels

    def _try_tile(self, core: Box) -> Exception | None:
        """Compute a tile; what went wrong is returned without its traceback, which would keep the tile's tensors."""
        try:
            self._run_tile(core)
        except (_DeviceFault, RuntimeError, MemoryError) as error:
            on_cpu = self._processor.runtime.device.type == "cpu"
            if on_cpu and not isinstance(error, _DeviceFault) and not is_out_of_memory(error):
                raise
            return error.with_traceback(None)
        return None

    def _recover(self, trouble: Exception) -> None:
        """Change what is needed to go on with the tiles that are left."""
        if isinstance(trouble, _DeviceFault):
            # Nor are the maps it made before to be trusted.
            left = self._processor.runtime.device
            self._processor.distrust()
            self._image.forget_maps()
            self._image.to_cpu()
            release_cached(left)
            self._begin()
            return
        if is_out_of_memory(trouble):
            self._use_less_memory()
        else:
            # Such as an operator that MPS lacks in some versions of torch, or a device too old for this build of it.
            reason = str(trouble).strip().partition("\n")[0] or type(trouble).__name__
            device = self._processor.runtime.device
            self._go_on_with_the_cpu(f"Level {self._level}: {device} failed ({reason})")
        self._cores = deque(part for core in self._cores for part in self._cut(core))

    def _begin(self) -> None:
        """Plan the tiles of the whole volume, from the deepest map that is kept."""
        kept, runtime = self._image.kept, self._processor.runtime
        self._probed = self._processor.is_reference
        self._start = kept.start_for(self._level)
        self.blocks_run = self._level + 1 - self._start
        self.edge = self._choose_edge()
        self._cores = deque(self._cut(full_box(self._image.shape)))
        kept.begin(self._level, dtype=runtime.dtype)
        self._only_standard = True
        self._ties: NDArray[np.bool_] | None = None
        self._report.restart()

    def _cut(self, box: Box) -> list[Box]:
        return list(split(box, self.edge, stride=self._stride))

    def _choose_edge(self) -> int:
        processor, config = self._processor, self._image.config
        if processor.tile is not None:
            return math.ceil(processor.tile / self._stride) * self._stride
        shape = self._image.shape
        standard = standard_edge(shape, stride=self._stride)
        is_fp32 = processor.runtime.precision == "fp32"
        return choose_edge(
            config,
            self._level,
            start=self._start,
            shape=shape,
            device=processor.runtime.device,
            free_bytes=processor.runtime.free_bytes(),
            itemsize=processor.runtime.dtype.itemsize,
            largest=standard if is_fp32 else max(standard, LARGEST_EDGE),
        )

    def _use_less_memory(self) -> None:
        """After memory ran out: half the edge, or the CPU when that would be smaller than is worth it."""
        processor, level = self._processor, self._level
        device = processor.runtime.device
        release_cached(device)
        edge = min(self.edge, max(self._image.shape))
        least = self._stride
        if device.type != "cpu":
            # The CPU is faster than an accelerator that computes little but halo.
            around = halo(self._image.config, self._level, start=self._start)
            least = least_edge(around, stride=self._stride)
        if edge > least:
            self.edge = max(least, edge // 2 // self._stride * self._stride)
            processor.tell(
                f"Level {level}: out of memory on {device}, going on with tiles of {self.edge} voxels."
            )
        elif device.type != "cpu":
            self._go_on_with_the_cpu(
                f"Level {level}: out of memory on {device} even with tiles of {edge} voxels"
            )
        else:
            raise DeviceError(
                f"Level {level}: expected memory for a tile of {edge} voxels, but the CPU has none left; "
                "close other programs or segment a smaller region."
            )

    def _go_on_with_the_cpu(self, because: str) -> None:
        left = self._processor.runtime.device
        self._processor.fall_back_to_cpu(f"{because}, going on with the CPU.")
        self._image.to_cpu()
        # Not before net, image and maps are gone from there: only then is their memory free.
        release_cached(left)
        self._probed = self._processor.is_reference
        self.edge = self._choose_edge()

    def _run_tile(self, core: Box) -> None:
        self._report.begin_tile(math.prod(shape_of(core)))
        wanted, parts = parts_of_tile(core, self._grid, self._processor.runtime.device)
        is_standard = self._is_standard(core)
        self._only_standard &= is_standard
        has_ties = self._processor.runtime.precision == "fp32" and not is_standard
        probe = None
        with self._processor.runtime.settings():
            maps = self._image.level_maps(self._level, wanted, core=core, report=self._report)
            for number, (part, box) in enumerate(parts):
                logits = maps.logits(box)
                # Where most is likely to be found.
                probe = self._probe(logits, box, number == len(parts) // 2) or probe
                if has_ties:
                    self._label_and_note_ties(logits, box, part)
                else:
                    self._labels[part] = self._grid.labels(logits, box, part).cpu().numpy()
                self._report.step(self.blocks_run + (number + 1) / len(parts), self.blocks_run + 1)
            # The reference has maps of its own, for which these make room.
            del maps, logits
            if probe is not None:
                self._compare(*probe)
            if len(self._cores) == 1:
                self._decide_ties()
        self._report.end_tile()

    def _is_standard(self, core: Box) -> bool:
        """Whether a tile comes out as `_decide_ties` would compute it, bit for bit."""
        cores, kept = self._image.standard_cores, self._image.kept
        # A volume computed as a whole has the same maps, whether they are kept or computed again.
        begins_as_usual = len(cores) == 1 or self._start == (self._level if self._level > 1 else 0)
        return kept.is_standard and begins_as_usual and core in cores

    def _label_and_note_ties(self, logits: Tensor, box: Box, part: Box) -> None:
        labels, ties = self._grid.labels_and_ties(logits, box, part, within=_CLOSE)
        self._labels[part] = labels.cpu().numpy()
        if self._ties is None and bool(ties.any()):
            self._ties = np.zeros(self._labels.shape, dtype=np.bool_)
        if self._ties is not None:
            self._ties[part] = ties.cpu().numpy()

    def _decide_ties(self) -> None:
        if self._ties is None:
            return
        steps = self.blocks_run + 1
        decide_ties(
            self._labels,
            self._ties,
            processor=self._processor,
            image=self._image,
            grid=self._grid,
            level=self._level,
            told=lambda share: self._report.step(steps + share, steps),
        )

    def _probe(self, logits: Tensor, box: Box, is_compared: bool) -> tuple[Tensor, Box] | None:
        """Labels of a small box of the first tile, and the box; None where there is nothing more to compare."""
        if self._processor.is_reference:
            return None
        # Values beyond fp16 become infinite, then NaN, which would pass for background.
        if not bool(torch.isfinite(logits.sum())):
            raise _DeviceFault
        if self._probed or not is_compared:
            return None
        labels = most_likely(logits)
        inside = labels.nonzero()
        middle = (
            inside[len(inside) // 2].tolist() if len(inside) else [s // 2 for s in labels.shape]
        )
        local = [
            slice(max(0, m - _PROBE_EDGE // 2), min(size, m + _PROBE_EDGE // 2))
            for m, size in zip(middle, labels.shape, strict=True)
        ]
        d, h, w = (
            slice(axis.start + part.start, axis.start + part.stop)
            for axis, part in zip(box, local, strict=True)
        )
        return labels[tuple(local)].cpu(), (d, h, w)

    def _compare(self, labels: Tensor, box: Box) -> None:
        """Compare a box's labels with those of the CPU in fp32.

        It catches a device that is silently wrong: reduced precision on very large tiles, a faulty driver.
        """
        reference = most_likely(
            self._image.level_maps(self._level, box, reference=True).logits(box)
        )
        if (reference == labels).float().mean().item() < _LEAST_AGREEMENT:
            raise _DeviceFault
        self._probed = True
