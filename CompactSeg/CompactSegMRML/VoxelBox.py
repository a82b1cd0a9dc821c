"""A box of voxels of a volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["VoxelBox"]


@dataclass(frozen=True)
class VoxelBox:
    """A box along the axes of a grid.

    Attributes:
        start: First voxel, (i, j, k).
        size: Voxels along i, j and k; all 0 for an empty box.
    """

    start: tuple[int, int, int]
    size: tuple[int, int, int]

    @property
    def slicesKJI(self) -> tuple[slice, slice, slice]:
        """Of an array (k, j, i) of the whole grid."""
        k, j, i = (
            slice(start, start + size)
            for start, size in zip(self.start[::-1], self.size[::-1], strict=True)
        )
        return k, j, i

    @property
    def extent(self) -> tuple[int, int, int, int, int, int]:
        """As VTK states it: first and last of each axis."""
        edges = zip(self.start, self.size, strict=True)
        i, j, k = ((start, start + size - 1) for start, size in edges)
        return (*i, *j, *k)

    @property
    def isEmpty(self) -> bool:
        return min(self.size) < 1

    def shifted(self, matrix: np.ndarray) -> np.ndarray:
        """The (4, 4) matrix of this box's own voxels, given that of the whole grid."""
        moved = matrix.copy()
        moved[:3, 3] = matrix[:3, :3] @ np.array(self.start, dtype=float) + matrix[:3, 3]
        return moved

    def within(self, other: VoxelBox) -> bool:
        """Whether all of this box is in the other."""
        return all(
            theirs <= mine and mine + count <= theirs + most
            for mine, count, theirs, most in zip(
                self.start, self.size, other.start, other.size, strict=True
            )
        )
