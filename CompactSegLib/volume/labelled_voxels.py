"""Labelled voxels by structure, with what is known of each structure's distance from the midplane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.volume.boxes import box_of
from CompactSegLib.volume.geometry import Geometry


class _Structure(NamedTuple):
    """Mean and standard deviation of a structure's distance from the plane, mm; means over 20 label maps."""

    mean_mm: float
    spread_mm: float
    kind: Literal["nucleus", "mantle", "core", "midline"]
    """A *nucleus* has a gap to its twin, a *mantle* surrounds a *core*, and cores are joined across the plane."""
    part: Literal["cerebrum", "cerebellum"] = "cerebrum"


_STRUCTURES = {
    "Cerebral white matter": _Structure(26.4, 13.6, "core"),
    "Cerebral cortex": _Structure(30.2, 17.7, "mantle"),
    "Lateral ventricle": _Structure(14.7, 8.9, "nucleus"),
    "Third ventricle": _Structure(0.0, 2.0, "midline"),
    "Fourth ventricle": _Structure(0.0, 4.1, "midline"),
    "Cerebellar white matter": _Structure(16.6, 8.4, "core", "cerebellum"),
    "Cerebellar cortex": _Structure(22.6, 13.0, "mantle", "cerebellum"),
    "Thalamus": _Structure(12.1, 5.4, "nucleus"),
    "Caudate": _Structure(14.7, 3.7, "nucleus"),
    "Putamen": _Structure(25.4, 4.5, "nucleus"),
    "Pallidum": _Structure(20.2, 3.7, "nucleus"),
    "Hippocampus": _Structure(24.2, 5.4, "nucleus"),
    "Amygdala": _Structure(22.7, 4.2, "nucleus"),
    "Brain stem": _Structure(0.0, 6.5, "midline"),
    "Ventral diencephalon": _Structure(10.5, 6.4, "nucleus"),
    "Accumbens area": _Structure(9.1, 2.7, "nucleus"),
}

_LEAST_VOXELS = 8
_MARGIN = 3
# Multiples of the golden ratio's kin in three dimensions: they part the voxels of any region evenly.
_LATTICE = 1.2207440846057596 ** -np.arange(1.0, 4.0)


class LabelledVoxels:
    """Labelled voxels by structure, in the box that holds them.

    Attributes:
        labels: (K, J, I) of the box.
        geometry: Its grid.
        first: Where it begins (k, j, i) in the grid that was given.
    """

    def __init__(self, labels: NDArray, geometry: Geometry, names: Mapping[int, str]) -> None:
        self.known = {
            value: _STRUCTURES[name] for value, name in names.items() if name in _STRUCTURES
        }
        held = np.isin(labels, [*self.known])
        box = box_of(held, margin=(_MARGIN,) * 3) or tuple(slice(0, n) for n in labels.shape)
        self.labels = np.ascontiguousarray(labels[box])
        self.geometry = geometry.cropped(box)
        self.first = np.array([part.start for part in box])
        self.where = {}
        self._orders: dict[int, NDArray[np.float64]] = {}
        for value in self.known:
            found = np.flatnonzero(self.labels == value)
            if len(found) >= _LEAST_VOXELS:
                self.where[value] = found

    def points_lps(self, flat: NDArray) -> NDArray:
        """Patient mm (n, 3) of voxels given by their place in memory."""
        return points_lps(np.stack(np.unravel_index(flat, self.labels.shape)), self.geometry)

    def of(self, *kinds: str, part: str | None = None) -> list[int]:
        """Values of the structures that are there."""
        return [
            value
            for value in self.where
            if self.known[value].kind in kinds and part in (None, self.known[value].part)
        ]

    def _order(self, value: int) -> NDArray[np.float64]:
        """In which voxels are drawn: by place in the volume, so that one more or less changes one sample."""
        if value not in self._orders:
            place = np.stack(np.unravel_index(self.where[value], self.labels.shape))
            self._orders[value] = (_LATTICE @ (place + self.first[:, None])) % 1.0
        return self._orders[value]

    def samples(self, values: list[int], most: int) -> tuple[NDArray, NDArray]:
        """Evenly drawn voxels: places (3, n), and the value of each (n,)."""
        drawn = []
        for value in values:
            flat = self.where[value]
            if len(flat) > most:
                flat = flat[np.sort(np.argpartition(self._order(value), most)[:most])]
            drawn.append(np.stack(np.unravel_index(flat, self.labels.shape)))
        which = np.repeat(values, [one.shape[1] for one in drawn])
        return np.concatenate(drawn, axis=1), which


def points_lps(kji: NDArray, geometry: Geometry) -> NDArray:
    """Patient mm (n, 3) of voxels (3, n)."""
    k, j, i = kji
    matrix = geometry.ijk_to_lps[:3]
    return np.stack([i * a + j * b + k * c + d for a, b, c, d in matrix], axis=-1)
