"""The part of a label map that has labels: made in the thread that reads, so that the scene gets little at a time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from CompactSegLib.serve.protocol import Frame
from CompactSegMRML.VoxelBox import VoxelBox

__all__ = ["LabelPatch", "cropLevels", "patchOf"]


@dataclass(frozen=True, eq=False)
class LabelPatch:
    """Labels in a box; outside there is background.

    Attributes:
        labels: (k, j, i) uint8, contiguous, nobody else's.
        box: Where they are in the grid of the volume.
        crc: Of the labels, where it was made already.
    """

    labels: np.ndarray
    box: VoxelBox
    crc: int | None = None

    @property
    def checksum(self) -> int:
        """By which labels are known again."""
        return zlib.crc32(self.labels) if self.crc is None else self.crc


def patchOf(labels: np.ndarray, start: tuple[int, int, int] = (0, 0, 0)) -> LabelPatch:
    """The part of an array that is not background.

    Args:
        labels: (k, j, i) uint8.
        start: The voxel (i, j, k) of the volume at which the array begins.
    """
    bounds = []
    part = labels
    for axis in range(3):  # each axis on what the ones before left
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(part.any(axis=others))
        if not used.size:
            return LabelPatch(np.zeros((0, 0, 0), np.uint8), VoxelBox(start, (0, 0, 0)))
        bounds.append((int(used[0]), int(used[-1]) + 1))
        part = _cut(part, axis, bounds[-1])
    first = tuple(origin + low for origin, (low, _) in zip(start, bounds[::-1], strict=True))
    return LabelPatch(np.array(part, order="C"), VoxelBox(first, part.shape[::-1]))  # type: ignore[arg-type]


def cropLevels(frame: Frame) -> Frame:
    """A ``level`` event with its labels cropped and the message telling where they begin; others unchanged."""
    if frame.message.get("event") != "level" or frame.array is None or frame.array.ndim != 3:
        return frame
    patch = patchOf(frame.array)
    told = {"start": patch.box.start, "shape": frame.array.shape, "crc": patch.checksum}
    return Frame({**frame.message, **told}, patch.labels)


def _cut(array: np.ndarray, axis: int, bounds: tuple[int, int]) -> np.ndarray:
    return array[(slice(None),) * axis + (slice(*bounds),)]
