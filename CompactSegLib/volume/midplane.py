"""The plane between the hemispheres, found from labels that do not know sides.

Three things say where it is: how far from it each structure lies in a head, that both sides mirror each other, and,
weakly, that heads lie about straight. All is in patient millimetres, so that it does not matter how a volume is stored.
*Lateral* is the distance from the plane in mm, positive on the patient's left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.volume.geometry import Geometry

__all__ = [
    "PAIRED",
    "Evidence",
    "LabelledVoxels",
    "Midplane",
    "known_values",
    "plane_of",
    "plane_of_cerebellum",
    "points_lps",
]

Evidence = Literal["both sides", "one side", "midline", "none"]


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

PAIRED = frozenset(name for name, one in _STRUCTURES.items() if one.kind != "midline")
"""Names of the structures that have a left and a right."""

_LEAST_VOXELS = 8
_SAMPLES = 40
_FINE_SAMPLES = 200
# Of the tangents of the plane's two tilts: heads lie straight, but not always.
_TILT_SPREAD = 0.25
_MOST_TILT = 0.8
_FARTHEST = 9.0
# The plane lies so near the middle of what is labelled, be it one hemisphere.
_FARTHEST_MM = 60.0
_MIRROR_WEIGHT = 2.0
# Below it, labels speak about as well for another plane.
_CLEAR_LEAD = 1.5


@dataclass(frozen=True)
class Midplane:
    """The plane between left and right.

    Attributes:
        normal_lps: Unit vector to the patient's left.
        offset_mm: Of the plane from the origin of patient coordinates, along the normal.
    """

    normal_lps: tuple[float, float, float]
    offset_mm: float

    @classmethod
    def tilted(cls, tilts: NDArray, centre_lps: NDArray, offset_mm: float) -> Midplane:
        """The plane with the tangents of two angles, (2,), so far from a point (3,)."""
        normal = np.array([1.0, *tilts]) / np.sqrt(1.0 + np.sum(np.square(tilts)))
        return cls(tuple(normal.tolist()), float(normal @ centre_lps + offset_mm))

    def lateral_mm(self, points_lps: NDArray) -> NDArray:
        """Distance of points (..., 3) from the plane, positive on the left."""
        # Summed by hand: a matrix product may round differently with the number of points.
        a, b, c = self.normal_lps
        x, y, z = points_lps[..., 0], points_lps[..., 1], points_lps[..., 2]
        return x * a + y * b + z * c - self.offset_mm


class LabelledVoxels:
    """Labelled voxels by structure."""

    def __init__(self, labels: NDArray, geometry: Geometry, names: Mapping[int, str]) -> None:
        self.labels = labels
        self.geometry = geometry
        self.known = {
            value: _STRUCTURES[name] for value, name in names.items() if name in _STRUCTURES
        }
        self.where = {}
        for value in self.known:
            found = np.flatnonzero(labels == value)
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

    def samples(self, values: list[int], most: int) -> tuple[NDArray, NDArray]:
        """Evenly drawn voxels: points (n, 3), and the value of each (n,)."""
        drawn = [self.where[v][:: -(-len(self.where[v]) // most)] for v in values]
        which = np.repeat(values, [len(one) for one in drawn])
        return self.points_lps(np.concatenate(drawn)), which


class _Likeness:
    """How well a plane fits labels: the logarithm of a likelihood in which each structure counts once."""

    def __init__(self, voxels: LabelledVoxels, values: list[int], most: int) -> None:
        self.points, self.values = voxels.samples(values, most)
        known = [voxels.known[v] for v in self.values.tolist()]
        self.mean = np.array([one.mean_mm for one in known], dtype=np.float32)
        self.spread = np.array([one.spread_mm for one in known], dtype=np.float32)
        counts = {v: np.count_nonzero(self.values == v) for v in values}
        self.weight = np.array([1 / counts[v] for v in self.values.tolist()], dtype=np.float32)
        self.centre = np.average(self.points, axis=0, weights=self.weight)
        self.voxels = voxels
        self.to_kji = np.linalg.inv(voxels.geometry.ijk_to_lps)[2::-1]
        self.places = self.to_kji[:, :3] @ self.points.T + self.to_kji[:, 3:]
        self.ends = np.array(voxels.labels.shape)[:, None]

    def of_distances(self, lateral: NDArray) -> NDArray:
        """Of how far the structures lie from planes, (..., n) to (...)."""
        apart = np.abs(lateral)
        apart -= self.mean
        apart /= self.spread
        np.square(apart, out=apart)
        # Whatever is labelled where it cannot be counts no more than that.
        np.minimum(apart, _FARTHEST, out=apart)
        return -0.5 * (apart @ self.weight)

    def of_mirroring(self, plane: Midplane, lateral: NDArray) -> float:
        """How many structures have their like on the other side; `lateral` (n,) is that of the points."""
        across = self.to_kji[:, :3] @ (-2 * np.array(plane.normal_lps))
        mirrored = np.rint(self.places + across[:, None] * lateral).astype(np.intp)
        labels = self.voxels.labels
        inside = np.flatnonzero(((mirrored >= 0) & (mirrored < self.ends)).all(axis=0))
        same = labels[tuple(mirrored[:, inside])] == self.values[inside]
        return float(self.weight[inside] @ same)


def plane_of(voxels: LabelledVoxels) -> tuple[Midplane, Evidence]:
    """The plane, searched from coarse to fine."""
    values = voxels.of("nucleus", "core", "mantle", "midline")
    field = (np.array(voxels.geometry.shape_kji) - 1) / 2
    middle = Midplane.tilted(np.zeros(2), points_lps(field[:, None], voxels.geometry)[0], 0.0)
    if not values:
        return middle, "none"
    likeness = _Likeness(voxels, values, _SAMPLES)
    steps = np.arange(-_MOST_TILT, _MOST_TILT + 0.01, _MOST_TILT / 6)
    tilts = np.array([*product(steps, steps)])
    normals = np.c_[np.ones(len(tilts)), tilts]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    along = ((likeness.points - likeness.centre) @ normals.T).T.astype(np.float32)
    offsets = np.arange(-_FARTHEST_MM, _FARTHEST_MM + 1, 5.0, dtype=np.float32)
    prior = -0.5 * np.sum(np.square(tilts / _TILT_SPREAD), axis=1)
    scores = np.stack([likeness.of_distances(along - d) for d in offsets], axis=1) + prior[:, None]
    order = np.argsort(scores, axis=None)[::-1]
    best, shift = np.unravel_index(order[0], scores.shape)
    sides = np.sign(along[best] - offsets[shift])

    paired = np.isin(likeness.values, voxels.of("nucleus", "core", "mantle"))
    if not paired.any():
        return _refined(likeness, (tilts[best], float(offsets[shift])), mirror=0.0), "midline"
    # Another plane that parts the voxels otherwise, and is about as good: then labels do not tell sides.
    for one in order[1:]:
        if scores.flat[one] < scores.flat[order[0]] - _CLEAR_LEAD:
            break
        a, b = np.unravel_index(one, scores.shape)
        agree = np.sign(along[a] - offsets[b]) == sides
        if likeness.weight[paired] @ agree[paired] < 0.75 * likeness.weight[paired].sum():
            return middle, "none"
    lefts = likeness.weight[paired & (sides > 0)].sum() / likeness.weight[paired].sum()
    both = 0.2 < lefts < 0.8
    fine = _Likeness(voxels, values, _FINE_SAMPLES)
    offset = float(offsets[shift] + normals[best] @ (likeness.centre - fine.centre))
    mirror = _MIRROR_WEIGHT if both else 0.0
    return _refined(
        fine, (tilts[best], offset), mirror=mirror
    ), "both sides" if both else "one side"


def plane_of_cerebellum(voxels: LabelledVoxels, plane: Midplane, values: list[int]) -> Midplane:
    """The cerebrum's plane, moved to where both sides of the cerebellum mirror each other best."""
    likeness = _Likeness(voxels, values, 4 * _FINE_SAMPLES)
    normal = np.array(plane.normal_lps)
    tilts = normal[1:] / normal[0]
    start = (tilts, -float(plane.lateral_mm(likeness.centre)))
    # Distances are of the whole head: of a part of it they say little.
    return _refined(likeness, start, mirror=10 * _MIRROR_WEIGHT, usual_tilts=tilts)


def _refined(
    likeness: _Likeness,
    start: tuple[NDArray, float],
    *,
    mirror: float,
    usual_tilts: NDArray | None = None,
) -> Midplane:
    """The best plane around another, by ever smaller steps of tilt and offset.

    Args:
        likeness: Of the structures that the plane parts.
        start: Tilts and offset from the middle of `likeness`.
        mirror: Weight of mirroring against distances.
        usual_tilts: About which others are less likely; by default those of a straight head.
    """
    usual = np.zeros(2) if usual_tilts is None else usual_tilts

    def score(candidate: NDArray) -> float:
        plane = Midplane.tilted(candidate[:2], likeness.centre, candidate[2])
        total = -0.5 * float(np.sum(np.square((candidate[:2] - usual) / _TILT_SPREAD)))
        lateral = plane.lateral_mm(likeness.points)
        total += float(likeness.of_distances(lateral))
        return total + (mirror * likeness.of_mirroring(plane, lateral) if mirror else 0.0)

    best = np.array([*start[0], start[1]])
    highest = score(best)
    scale = np.array([0.08, 0.08, 3.0])
    moves = np.array([m for m in product((-1, 0, 1), repeat=3) if sum(map(abs, m)) in (1, 2)])
    while scale[2] > 0.2:
        around = best + moves * scale
        scores = [score(one) for one in around]
        if max(scores) > highest:
            highest = max(scores)
            best = around[int(np.argmax(scores))]
        else:
            scale = scale / 2
    return Midplane.tilted(best[:2], likeness.centre, best[2])


def points_lps(kji: NDArray, geometry: Geometry) -> NDArray:
    """Patient mm (n, 3) of voxels (3, n)."""
    k, j, i = kji
    matrix = geometry.ijk_to_lps[:3]
    return np.stack([i * a + j * b + k * c + d for a, b, c, d in matrix], axis=-1)


def known_values(names: Mapping[int, str]) -> list[int]:
    """Of structures by value, those that say something of the plane."""
    return [value for value, name in names.items() if name in _STRUCTURES]
