"""The plane between the hemispheres, found from labels that do not know sides.

Three things say where it is: how far from it each structure lies in a head, that both sides mirror each other, and,
weakly, that heads lie about straight. All is in patient millimetres, so that it does not matter how a volume is stored.
*Lateral* is the distance from the plane in mm, positive on the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.volume.labelled_voxels import LabelledVoxels, points_lps

Evidence = Literal["both sides", "one side", "midline", "none"]

_SAMPLES = 40
_FINE_SAMPLES = 400
# Of the tangents of the plane's two tilts: heads lie straight, but not always.
_TILT_SPREAD = 0.25
_MOST_TILT = 0.8
_FARTHEST = 9.0
# The plane lies so near the middle of what is labelled, be it one hemisphere.
_FARTHEST_MM = 60.0
_MIRROR_WEIGHT = 2.0
# Below it, labels speak about as well for another plane.
_CLEAR_LEAD = 1.5
# Tilts and offset at which a quadratic is laid through the likeness: all pairs of them moved, and none.
_MOVES = np.array([m for m in product((-1, 0, 1), repeat=3) if sum(map(abs, m)) in (0, 2)])
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
_QUADRATIC = np.linalg.pinv(
    np.column_stack(
        [np.ones(len(_MOVES)), _MOVES, *(_MOVES[:, a] * _MOVES[:, b] for a, b in _PAIRS)]
    )
)
_FIRST_STEPS = np.array([0.08, 0.08, 3.0])
# Wide enough to see over what single voxels do.
_LAST_STEPS = np.array([0.03, 0.03, 1.0])
_MOST_ROUNDS = 30
# Of a step.
_SETTLED = 0.003


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
        normal = _normals(tilts[None])[0]
        return cls(tuple(normal.tolist()), float(normal @ centre_lps + offset_mm))

    def lateral_mm(self, points_lps: NDArray) -> NDArray:
        """Distance of points (..., 3) from the plane, positive on the left."""
        # Summed by hand: a matrix product may round differently with the number of points.
        a, b, c = self.normal_lps
        x, y, z = points_lps[..., 0], points_lps[..., 1], points_lps[..., 2]
        return x * a + y * b + z * c - self.offset_mm


class _Likeness:
    """How well a plane fits labels: the logarithm of a likelihood in which each structure counts once."""

    def __init__(self, voxels: LabelledVoxels, values: list[int], most: int) -> None:
        places, self.values = voxels.samples(values, most)
        self.points = points_lps(places, voxels.geometry)
        known = [voxels.known[v] for v in self.values.tolist()]
        self.mean = np.array([one.mean_mm for one in known], dtype=np.float32)
        self.spread = np.array([one.spread_mm for one in known], dtype=np.float32)
        counts = {v: np.count_nonzero(self.values == v) for v in values}
        self.weight = np.array([1 / counts[v] for v in self.values.tolist()], dtype=np.float32)
        self.centre = np.average(self.points, axis=0, weights=self.weight)
        self.padded = np.pad(voxels.labels, 1)
        self.to_kji = np.linalg.inv(voxels.geometry.ijk_to_lps)[2::-1, :3]
        self.places = (places + 1).astype(np.float32)

    def of_distances(self, lateral: NDArray) -> NDArray:
        """Of how far the structures lie from planes, (..., n) to (...)."""
        apart = np.abs(lateral)
        apart -= self.mean
        apart /= self.spread
        np.square(apart, out=apart)
        # Whatever is labelled where it cannot be counts no more than that.
        np.minimum(apart, _FARTHEST, out=apart)
        return -0.5 * (apart @ self.weight)

    def of_mirroring(self, normals: NDArray, lateral: NDArray) -> NDArray:
        """How many structures have their like on the other side of planes.

        Args:
            normals: Of the planes (m, 3), lps.
            lateral: Of the points from each (m, n).

        Returns:
            (m,), with labels between voxels as linear interpolation has them, so that it is continuous.
        """
        across = (-2 * normals @ self.to_kji.T).astype(np.float32)
        shape = self.padded.shape
        flat, strides = self.padded.ravel(), (shape[1] * shape[2], shape[2], 1)
        first, shares = np.zeros(lateral.shape, np.intp), []
        for axis, size in enumerate(shape):
            mirrored = self.places[axis] + across[:, axis, None] * lateral
            np.clip(mirrored, 0, np.float32(size - 1.001), out=mirrored)
            floor = mirrored.astype(np.intp)
            mirrored -= floor
            shares.append((1 - mirrored, mirrored))
            first += floor * strides[axis]
        total = np.zeros(lateral.shape, np.float32)
        values = self.values.astype(flat.dtype)
        for corner in product((0, 1), repeat=3):
            same = flat[int(np.dot(corner, strides)) :].take(first, mode="clip") == values
            a, b, c = (share[one] for share, one in zip(shares, corner, strict=True))
            total += same * (a * b * c)
        return total @ self.weight


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
    normals = _normals(tilts)
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
    likeness = _Likeness(voxels, values, 2 * _FINE_SAMPLES)
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
    """The best plane around another: again and again the top of a quadratic through planes around the last.

    Args:
        likeness: Of the structures that the plane parts.
        start: Tilts and offset from the middle of `likeness`.
        mirror: Weight of mirroring against distances.
        usual_tilts: About which others are less likely; by default those of a straight head.
    """
    usual = np.zeros(2) if usual_tilts is None else usual_tilts

    def scores(planes: NDArray) -> NDArray:
        tilts, normals = planes[:, :2], _normals(planes[:, :2])
        lateral = normals @ (likeness.points - likeness.centre).T - planes[:, 2:]
        lateral = lateral.astype(np.float32)
        total = -0.5 * np.sum(np.square((tilts - usual) / _TILT_SPREAD), axis=1)
        if mirror:
            total += mirror * likeness.of_mirroring(normals, lateral)
        return total + likeness.of_distances(lateral)

    best = np.array([*start[0], start[1]])
    steps = _FIRST_STEPS
    for _ in range(_MOST_ROUNDS):
        move = _to_the_top(scores(best + _MOVES * steps))
        best = best + move * steps
        farthest = np.abs(move).max()
        if farthest < _SETTLED and np.array_equal(steps, _LAST_STEPS):
            break
        if farthest < 1:
            steps = np.maximum(steps / 2, _LAST_STEPS)
    return Midplane.tilted(best[:2], likeness.centre, best[2])


def _to_the_top(scores: NDArray) -> NDArray:
    """From the middle of `_MOVES` to where the quadratic through their scores is highest, at most one step each (3,).

    Its top depends on all scores and on each continuously, where the best of them may change with a single voxel.
    """
    _, *slope_and_bends = _QUADRATIC @ scores
    slope, bend = np.array(slope_and_bends[:3]), np.zeros((3, 3))
    for (a, b), value in zip(_PAIRS, slope_and_bends[3:], strict=True):
        bend[a, b] += value
        bend[b, a] += value
    bends, directions = np.linalg.eigh(bend)
    # Where it does not bend down there is no top, and the way up is as good as far.
    falls = np.maximum(-bends, 0.02 * np.abs(bends).max() + 1e-3)
    move = directions @ (slope @ directions / falls)
    return np.asarray(move / max(1.0, np.abs(move).max()))


def _normals(tilts: NDArray) -> NDArray:
    """Unit vectors (m, 3), lps, of planes with the tangents of two angles (m, 2)."""
    normals = np.column_stack([np.ones(len(tilts)), tilts])
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))
