"""Left and right of paired brain structures, told from labels that do not know them.

The plane between the hemispheres is found from the labels themselves, in patient millimetres, so that it does not
matter how a volume is stored or how the head lies in it. Three things say where it is: how far from it each structure
lies in a head, that both sides mirror each other, and, weakly, that heads lie about straight.

The falx is not flat, so near the plane a voxel belongs to the hemisphere it hangs together with: white matter by the
way to it through white matter, cortex by its nearest white matter, a nucleus as a whole. The cerebellum has a plane of
its own, since it is often turned against the cerebrum.

*Lateral* is the distance from the plane in mm, positive on the patient's left.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry

__all__ = ["PAIRED", "Plane", "Sides"]

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

# Labels are looked at on about this grid: the net's own.
_WORK_MM = 2.0
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
# A component with so much on one side is not joined with its twin.
_WHOLE = 0.85
# Farther from the plane than this a hemisphere's voxels are its own.
_BAND_MM = 12.0
# The longest way that is followed.
_FAR_MM = 40.0
# So much nearer to the other hemisphere, white matter is of it.
_STRAY_MM = 8.0
# Of the plane against ways, for mantles; with 0 and with 1 both, fewer voxels are right.
_PLANE_WEIGHT = 0.5
_LOOK_UP_MM = 30.0
_MARGIN = 3
_SLAB_VOXELS = 2**21


@dataclass(frozen=True)
class Plane:
    """The plane between left and right.

    Attributes:
        normal_lps: Unit vector to the patient's left.
        offset_mm: Of the plane from the origin of patient coordinates, along the normal.
    """

    normal_lps: tuple[float, float, float]
    offset_mm: float

    @classmethod
    def tilted(cls, tilts: NDArray, centre_lps: NDArray, offset_mm: float) -> Plane:
        """The plane with the tangents of two angles, (2,), so far from a point (3,)."""
        normal = np.array([1.0, *tilts]) / np.sqrt(1.0 + np.sum(np.square(tilts)))
        return cls(tuple(normal.tolist()), float(normal @ centre_lps + offset_mm))

    def lateral_mm(self, points_lps: NDArray) -> NDArray:
        """Distance of points (..., 3) from the plane, positive on the left."""
        # Summed by hand: a matrix product may round differently with the number of points.
        a, b, c = self.normal_lps
        x, y, z = np.moveaxis(points_lps, -1, 0)
        return x * a + y * b + z * c - self.offset_mm


@dataclass(frozen=True)
class Sides:
    """What is left and what is right in one labelled volume.

    Attributes:
        plane: Between the hemispheres.
        evidence: What told it: structures on *both sides*; structures on *one side*, which give its distance; only
            structures on the *midline*, or *none*: then it is the middle of the field, and sides are a guess.
        geometry: The grid of `lateral`.
        lateral: float32 (k, j, i), lateral mm of a voxel as its structure has it, which near the plane is not quite
            the plane's.
    """

    plane: Plane
    evidence: Evidence
    geometry: Geometry
    lateral: NDArray[np.float32]

    @classmethod
    def found_in(cls, labels: NDArray, geometry: Geometry, names: Mapping[int, str]) -> Sides:
        """Find the plane between the hemispheres, and the side of each voxel near it.

        Args:
            labels: (K, J, I) of any integer type, both sides of a structure with one value.
            geometry: Its grid; fine ones are thinned to about 2 mm.
            names: Structures by value; names that are not known here have no part in it.

        Raises:
            InputError: Labels are not on the grid.
        """
        if labels.shape != geometry.shape_kji:
            raise InputError(
                f"labels: expected {geometry.shape_kji} voxels (k, j, i), got {labels.shape}."
            )
        values = [value for value, name in names.items() if name in _STRUCTURES]
        labels, geometry = _cropped(*_thinned(*_upright(labels, geometry)), values)
        voxels = _Voxels(labels, geometry, names)
        plane, evidence = _plane_of(voxels)
        return cls(plane, evidence, geometry, _laterals(voxels, plane, evidence))

    def side_at(self, points_lps: NDArray) -> NDArray[np.bool_]:
        """Whether points (..., 3) in patient mm are on the left; no result depends on the other points."""
        lateral = np.array(self.plane.lateral_mm(points_lps), dtype=np.float32)
        near = np.abs(lateral) < _LOOK_UP_MM
        inverse = np.linalg.inv(self.geometry.ijk_to_lps)
        x, y, z = points_lps[near].T
        kji = np.stack([x * a + y * b + z * c + d for a, b, c, d in inverse[2::-1]])
        last = np.array(self.lateral.shape)[:, None] - 1
        inside = np.all((kji > -0.5) & (kji < last + 0.5), axis=0)
        near[near] = inside
        lateral[near] = _interpolated(self.lateral, kji[:, inside].astype(np.float32))
        return lateral > 0

    def told(
        self,
        labels: NDArray[np.uint8],
        geometry: Geometry,
        *,
        left: Mapping[int, int],
        right: Mapping[int, int],
    ) -> NDArray[np.uint8]:
        """Labels with sides, slab by slab.

        Args:
            labels: uint8 (K, J, I), both sides with one value, on any grid of the same patient.
            geometry: Its grid.
            left: What a value becomes on the left; values that are not named stay.
            right: The same on the right.

        Raises:
            InputError: The tables do not name the same values, or labels are not on the grid.
        """
        if set(left) != set(right) or labels.shape != geometry.shape_kji:
            raise InputError(
                f"sides: expected the same values for left and right and labels of {geometry.shape_kji} voxels, "
                f"got {sorted(left)}, {sorted(right)} and {labels.shape}."
            )
        tables = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
        for table, side in zip(tables, (right, left), strict=True):
            table[list(side)] = list(side.values())
        result = labels.copy()
        for rows, kji in _slabs_of(labels, tables[0] != tables[1]):
            index = (kji[0] + rows, kji[1], kji[2])
            is_left = self.side_at(_points_lps(np.stack(index), geometry))
            result[index] = tables[is_left.astype(np.intp), labels[index]]
        return result


class _Voxels:
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
        return _points_lps(np.stack(np.unravel_index(flat, self.labels.shape)), self.geometry)

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

    def __init__(self, voxels: _Voxels, values: list[int], most: int) -> None:
        self.points, self.values = voxels.samples(values, most)
        known = [voxels.known[v] for v in self.values.tolist()]
        self.mean = np.array([one.mean_mm for one in known], dtype=np.float32)
        self.spread = np.array([one.spread_mm for one in known], dtype=np.float32)
        counts = {v: np.count_nonzero(self.values == v) for v in values}
        self.weight = np.array([1 / counts[v] for v in self.values.tolist()], dtype=np.float32)
        self.centre = np.average(self.points, axis=0, weights=self.weight)
        self.voxels = voxels
        self.inverse = np.linalg.inv(voxels.geometry.ijk_to_lps)

    def of_distances(self, lateral: NDArray) -> NDArray:
        """Of how far the structures lie from planes, (..., n) to (...)."""
        apart = np.abs(lateral)
        apart -= self.mean
        apart /= self.spread
        np.square(apart, out=apart)
        # Whatever is labelled where it cannot be counts no more than that.
        np.minimum(apart, _FARTHEST, out=apart)
        return -0.5 * (apart @ self.weight)

    def of_mirroring(self, plane: Plane) -> float:
        """How many structures have their like on the other side."""
        mirrored = self.points - 2 * np.outer(
            plane.lateral_mm(self.points), np.array(plane.normal_lps)
        )
        kji = np.rint(mirrored @ self.inverse[2::-1, :3].T + self.inverse[2::-1, 3]).astype(np.intp)
        labels = self.voxels.labels
        inside = np.all((kji >= 0) & (kji < labels.shape), axis=1)
        same = labels[tuple(kji[inside].T)] == self.values[inside]
        return float(self.weight[inside] @ same)


def _plane_of(voxels: _Voxels) -> tuple[Plane, Evidence]:
    """The plane, searched from coarse to fine."""
    values = voxels.of("nucleus", "core", "mantle", "midline")
    field = (np.array(voxels.geometry.shape_kji) - 1) / 2
    middle = Plane.tilted(np.zeros(2), _points_lps(field[:, None], voxels.geometry)[0], 0.0)
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


def _refined(
    likeness: _Likeness,
    start: tuple[NDArray, float],
    *,
    mirror: float,
    usual_tilts: NDArray | None = None,
) -> Plane:
    """The best plane around another, by ever smaller steps of tilt and offset.

    Args:
        likeness: Of the structures that the plane parts.
        start: Tilts and offset from the middle of `likeness`.
        mirror: Weight of mirroring against distances.
        usual_tilts: About which others are less likely; by default those of a straight head.
    """
    usual = np.zeros(2) if usual_tilts is None else usual_tilts

    def score(candidate: NDArray) -> float:
        plane = Plane.tilted(candidate[:2], likeness.centre, candidate[2])
        total = -0.5 * float(np.sum(np.square((candidate[:2] - usual) / _TILT_SPREAD)))
        total += float(likeness.of_distances(plane.lateral_mm(likeness.points)))
        return total + (mirror * likeness.of_mirroring(plane) if mirror else 0.0)

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
    return Plane.tilted(best[:2], likeness.centre, best[2])


def _upright(labels: NDArray, geometry: Geometry) -> tuple[NDArray, Geometry]:
    """Axes i, j and k nearest to the patient's left, posterior and superior: no result depends on what they were."""
    axes, signs = geometry.nearest_axes()
    corner = np.zeros(3)
    for axis, sign in zip(axes, signs, strict=True):
        corner[axis] = geometry.size_ijk[axis] - 1 if sign < 0 else 0
    a, b, c = axes
    first = geometry.ijk_to_lps @ [*corner, 1.0]
    upright = labels.transpose([2 - axis for axis in (c, b, a)])[
        tuple(slice(None, None, sign) for sign in signs[::-1])
    ]
    return upright, Geometry(
        upright.shape[::-1],
        (geometry.spacing_mm[a], geometry.spacing_mm[b], geometry.spacing_mm[c]),
        (first[0], first[1], first[2]),
        tuple((geometry.direction_matrix[:, axes] * signs).ravel()),
    )


def _thinned(labels: NDArray, geometry: Geometry) -> tuple[NDArray, Geometry]:
    """Every so many voxels along each axis, for about `_WORK_MM`."""
    steps = [max(1, round(_WORK_MM / mm)) for mm in geometry.spacing_mm]
    i, j, k = steps
    thin = np.ascontiguousarray(labels[::k, ::j, ::i])
    spacing = [mm * step for mm, step in zip(geometry.spacing_mm, steps, strict=True)]
    return thin, dataclasses.replace(
        geometry, size_ijk=thin.shape[::-1], spacing_mm=(spacing[0], spacing[1], spacing[2])
    )


def _cropped(labels: NDArray, geometry: Geometry, values: list[int]) -> tuple[NDArray, Geometry]:
    """The box of some values and `_MARGIN` voxels around, as far as there are any."""
    there = np.isin(labels, values)
    box = []
    for axis in range(3):
        found = np.flatnonzero(there.any(axis=tuple({0, 1, 2} - {axis})))
        if not len(found):
            return labels, geometry
        box.append(slice(max(0, int(found[0]) - _MARGIN), int(found[-1]) + 1 + _MARGIN))
    part = np.ascontiguousarray(labels[tuple(box)])
    first = _points_lps(np.array([[one.start] for one in box]), geometry)[0]
    return part, dataclasses.replace(
        geometry, size_ijk=part.shape[::-1], origin_lps_mm=tuple(first)
    )


def _points_lps(kji: NDArray, geometry: Geometry) -> NDArray:
    """Patient mm (n, 3) of voxels (3, n)."""
    k, j, i = kji
    matrix = geometry.ijk_to_lps[:3]
    return np.stack([i * a + j * b + k * c + d for a, b, c, d in matrix], axis=-1)


def _laterals(voxels: _Voxels, plane: Plane, evidence: Evidence) -> NDArray[np.float32]:
    """Lateral mm of all voxels, as their structures have it."""
    plain = _lateral_grid(plane, voxels.geometry).ravel()
    lateral = plain.copy()
    if evidence in ("both sides", "one side"):
        cerebellum = voxels.of("core", "mantle", part="cerebellum")
        if cerebellum and evidence == "both sides":
            own = _plane_of_cerebellum(voxels, plane, cerebellum)
            for value in cerebellum:
                flat = voxels.where[value]
                lateral[flat] = own.lateral_mm(voxels.points_lps(flat))
        for value in voxels.of("nucleus"):
            _keep_whole(voxels, value, lateral)
        for part in ("cerebrum", "cerebellum"):
            _hang_together(voxels, part, lateral)
        _carry_over(voxels, plain, lateral)
    return lateral.reshape(voxels.labels.shape)


def _lateral_grid(plane: Plane, geometry: Geometry) -> NDArray[np.float32]:
    """Lateral mm (k, j, i) of a grid."""
    matrix = geometry.ijk_to_lps
    i, j, k = (
        np.arange(n) * (np.array(plane.normal_lps) @ matrix[:3, axis])
        for axis, n in enumerate(geometry.size_ijk)
    )
    first = plane.lateral_mm(matrix[:3, 3])
    lateral: NDArray = (first + k)[:, None, None] + j[:, None] + i
    return lateral.astype(np.float32)


def _plane_of_cerebellum(voxels: _Voxels, plane: Plane, values: list[int]) -> Plane:
    """The cerebrum's plane, moved to where both sides of the cerebellum mirror each other best."""
    likeness = _Likeness(voxels, values, 4 * _FINE_SAMPLES)
    normal = np.array(plane.normal_lps)
    tilts = normal[1:] / normal[0]
    start = (tilts, -float(plane.lateral_mm(likeness.centre)))
    # Distances are of the whole head: of a part of it they say little.
    return _refined(likeness, start, mirror=10 * _MIRROR_WEIGHT, usual_tilts=tilts)


def _keep_whole(voxels: _Voxels, value: int, lateral: NDArray) -> None:
    """Give each component of a structure that the plane does not part to the side of its most."""
    import SimpleITK as sitk  # noqa: N813

    flat = voxels.where[value]
    kji = np.stack(np.unravel_index(flat, voxels.labels.shape))
    first = kji.min(axis=1)
    box = np.zeros(kji.max(axis=1) - first + 1, dtype=np.uint8)
    place = tuple(kji - first[:, None])
    box[place] = 1
    components = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(box)))
    number = components[place].astype(np.intp)
    lefts = np.bincount(number, lateral[flat] > 0) / np.maximum(1, np.bincount(number))
    share = lefts[number]
    size = np.maximum(np.abs(lateral[flat]), _WORK_MM / 2)
    kept = np.where(share > _WHOLE, size, np.where(share < 1 - _WHOLE, -size, lateral[flat]))
    lateral[flat] = kept


def _hang_together(voxels: _Voxels, part: str, lateral: NDArray) -> None:
    """Move the border of core and mantle from the plane to where both hemispheres are equally far."""
    cores = voxels.of("core", part=part)
    core, mantle = (
        np.concatenate([np.empty(0, dtype=np.intp), *(voxels.where[v] for v in values)])
        for values in (cores, voxels.of("mantle", part=part))
    )
    # Farther voxels are no nearer to any of the band.
    edge_mm = _BAND_MM + 2 * max(voxels.geometry.spacing_mm)
    core, mantle = (flat[np.abs(lateral[flat]) < edge_mm] for flat in (core, mantle))
    far = np.abs(lateral[core]) >= _BAND_MM
    apart = _nearer_left_mm(voxels, core, far, lateral[core])
    # Between the hemispheres the plane is exact, and ways along the grid are not; a gyrus across it is far from there.
    strays = ~far & (np.abs(apart) > _STRAY_MM) & (apart * lateral[core] < 0)
    lateral[core[strays]] = apart[strays]
    domain = np.concatenate([mantle, core])
    seeds = np.abs(lateral[domain]) >= _BAND_MM
    seeds[len(mantle) :] = True
    apart = _nearer_left_mm(voxels, domain, seeds, lateral[domain])
    moved = _PLANE_WEIGHT * lateral[domain] + apart
    lateral[mantle] = np.where(seeds, lateral[domain], moved)[: len(mantle)]


def _nearer_left_mm(
    voxels: _Voxels, domain: NDArray, seeds: NDArray, lateral: NDArray
) -> NDArray[np.float32]:
    """Half of how much shorter the way to seeds on the left is than to those on the right, through a domain.

    Args:
        voxels: Whose grid it is.
        domain: Places in memory (n,).
        seeds: Which of them (n,) are at their hemisphere already.
        lateral: Of each (n,).
    """
    shape, size = voxels.labels.shape, len(domain)
    number = np.full(voxels.labels.size, size)
    number[domain] = np.arange(size)
    kji = np.unravel_index(domain, shape)
    beside = []
    for axis, mm in enumerate(voxels.geometry.spacing_mm[::-1]):
        for step in (-1, 1):
            moved = [*kji]
            moved[axis] = kji[axis] + step
            inside = (moved[axis] >= 0) & (moved[axis] < shape[axis])
            moved[axis] = moved[axis].clip(0, shape[axis] - 1)
            there = number[np.ravel_multi_index(moved, shape)]
            beside.append((np.where(inside, there, size), np.float32(mm)))
    # A row more, for all that is not in the domain.
    ways = np.full((size + 1, 2), _FAR_MM, dtype=np.float32)
    ways[:-1][seeds & (lateral <= 0), 0] = 0
    ways[:-1][seeds & (lateral > 0), 1] = 0
    before = np.zeros_like(ways)
    while not np.array_equal(before, ways):
        before = ways.copy()
        for there, length in beside:
            np.minimum(ways[:-1], ways[there] + length, out=ways[:-1])
    to_right, to_left = ways[:-1].T
    return np.asarray((to_right - to_left) / 2, dtype=np.float32)


def _carry_over(voxels: _Voxels, plain: NDArray, lateral: NDArray) -> None:
    """Where a structure's side is not the plane's, let voxels beside it that have no side of their own follow."""
    shape = voxels.labels.shape
    paired = np.isin(voxels.labels.ravel(), voxels.of("nucleus", "core", "mantle"))
    moved = np.flatnonzero((lateral > 0) != (plain > 0))
    kji = np.stack(np.unravel_index(moved, shape))
    for step in product((-1, 0, 1), repeat=3):
        beside = kji + np.array(step)[:, None]
        inside = np.all((beside >= 0) & (beside < np.array(shape)[:, None]), axis=0)
        flat = np.ravel_multi_index(tuple(beside[:, inside]), shape)
        free = ~paired[flat]
        lateral[flat[free]] = lateral[moved[inside][free]]


def _interpolated(lateral: NDArray, kji: NDArray) -> NDArray[np.float32]:
    """Values at places (3, n) of a grid, linear between voxels and level beyond the last."""
    shape = lateral.shape
    nearest = [np.rint(p).clip(0, n - 1).astype(np.intp) for p, n in zip(kji, shape, strict=True)]
    result: NDArray[np.float32] = lateral[tuple(nearest)]
    # Only beside a border can those around decide otherwise.
    open_ = np.flatnonzero(np.abs(result) < 2 * _WORK_MM)
    low, share = [], []
    for place, n in zip(kji[:, open_], shape, strict=True):
        place = place.clip(0, n - 1)
        floor = np.floor(place).clip(0, max(0, n - 2))
        low.append(floor.astype(np.intp))
        share.append(place - floor)
    total = np.zeros(len(open_), dtype=np.float32)
    for corner in product((0, 1), repeat=3):
        index = [np.minimum(at + one, n - 1) for at, one, n in zip(low, corner, shape, strict=True)]
        a, b, c = (s if one else 1 - s for s, one in zip(share, corner, strict=True))
        total += a * b * c * lateral[tuple(index)]
    result[open_] = total
    return result


def _slabs_of(labels: NDArray, wanted: NDArray) -> Iterator[tuple[int, tuple[NDArray, ...]]]:
    """Slabs' first rows, and in each the voxels (k, j, i) whose values are wanted."""
    rows = max(1, _SLAB_VOXELS // max(1, labels[0].size))
    for first in range(0, len(labels), rows):
        yield first, np.nonzero(wanted[labels[first : first + rows]])
