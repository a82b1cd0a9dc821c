"""Which hemisphere each labelled voxel near the plane belongs to.

The falx is not flat, so there a voxel belongs to the hemisphere it hangs together with: white matter by the way to it
through white matter, cortex by the nearest white matter that hangs together with one, a nucleus as a whole. The
cerebellum has a plane of its own, since it is often turned against the cerebrum.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.labelled_voxels import LabelledVoxels
from CompactSegLib.volume.midplane import Evidence, Midplane, plane_of_cerebellum

# Labels are looked at on about this grid: the net's own.
_WORK_MM = 2.0
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


def laterals(voxels: LabelledVoxels, plane: Midplane, evidence: Evidence) -> NDArray[np.float32]:
    """Lateral mm of all voxels, as their structures have it."""
    plain = _lateral_grid(plane, voxels.geometry).ravel()
    lateral = plain.copy()
    if evidence in ("both sides", "one side"):
        cerebellum = voxels.of("core", "mantle", part="cerebellum")
        if cerebellum and evidence == "both sides":
            own = plane_of_cerebellum(voxels, plane, cerebellum)
            for value in cerebellum:
                flat = voxels.where[value]
                lateral[flat] = own.lateral_mm(voxels.points_lps(flat))
        for value in voxels.of("nucleus"):
            _keep_whole(voxels, value, lateral)
        for part in ("cerebrum", "cerebellum"):
            _hang_together(voxels, part, lateral)
        _carry_over(voxels, plain, lateral)
    return lateral.reshape(voxels.labels.shape)


def _lateral_grid(plane: Midplane, geometry: Geometry) -> NDArray[np.float32]:
    """Lateral mm (k, j, i) of a grid."""
    matrix = geometry.ijk_to_lps
    i, j, k = (
        np.arange(n) * (np.array(plane.normal_lps) @ matrix[:3, axis])
        for axis, n in enumerate(geometry.size_ijk)
    )
    first = plane.lateral_mm(matrix[:3, 3])
    lateral: NDArray = (first + k)[:, None, None] + j[:, None] + i
    return lateral.astype(np.float32)


def _keep_whole(voxels: LabelledVoxels, value: int, lateral: NDArray) -> None:
    """Give each component of a structure that the plane does not part to the side of its most."""
    import SimpleITK as sitk  # noqa: N813

    flat = voxels.where[value]
    # Then no two neighbours lie on both sides, and nothing changes.
    if np.abs(lateral[flat]).min() > max(_WORK_MM, *voxels.geometry.spacing_mm) / 2:
        return
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


def _hang_together(voxels: LabelledVoxels, part: str, lateral: NDArray) -> None:
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
    apart, is_reached = _nearer_left_mm(voxels, core, far, lateral[core])
    # Between the hemispheres the plane is exact, and ways along the grid are not; a gyrus across it is far from there.
    strays = ~far & (np.abs(apart) > _STRAY_MM) & (apart * lateral[core] < 0)
    lateral[core[strays]] = apart[strays]
    # One voxel in the fissure, which hangs together with neither, would draw the mantle around it to its side.
    mantle, core = np.concatenate([mantle, core[~is_reached]]), core[is_reached]
    domain = np.concatenate([mantle, core])
    seeds = np.abs(lateral[domain]) >= _BAND_MM
    seeds[len(mantle) :] = True
    apart, _ = _nearer_left_mm(voxels, domain, seeds, lateral[domain])
    moved = _PLANE_WEIGHT * lateral[domain] + apart
    lateral[mantle] = np.where(seeds, lateral[domain], moved)[: len(mantle)]


def _nearer_left_mm(
    voxels: LabelledVoxels, domain: NDArray, seeds: NDArray, lateral: NDArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """How much nearer the seeds on the left are than those on the right, by ways through a domain.

    Args:
        voxels: Whose grid it is.
        domain: Places in memory (n,).
        seeds: Which of them (n,) are at their hemisphere already.
        lateral: Of each (n,).

    Returns:
        Of each place (n,), half the difference of both ways, and whether a seed is within reach.
    """
    shape, size = voxels.labels.shape, len(domain)
    # With a border of one voxel, so that each has neighbours.
    depth, height, width = (n + 2 for n in shape)
    k, j, i = np.unravel_index(domain, shape)
    flat = ((k + 1) * height + j + 1) * width + i + 1
    number = np.full(depth * height * width, size)
    number[flat] = np.arange(size)
    beside = [
        (number[flat + step], np.float32(mm))
        for stride, mm in zip(
            (height * width, width, 1), voxels.geometry.spacing_mm[::-1], strict=True
        )
        for step in (-stride, stride)
    ]
    # A place more, for all that is not in the domain.
    ways = np.full((2, size + 1), _FAR_MM, dtype=np.float32)
    ways[0, :-1][seeds & (lateral <= 0)] = 0
    ways[1, :-1][seeds & (lateral > 0)] = 0
    for way in ways:
        _follow(way, beside)
    to_right, to_left = ways[:, :-1]
    return (to_right - to_left) / 2, np.minimum(to_right, to_left) < _FAR_MM


def _follow(way: NDArray[np.float32], beside: list[tuple[NDArray, np.float32]]) -> None:
    """Shorten ways (n + 1,), in place, until none is shorter by a neighbour's."""
    inner, longer = way[:-1], np.empty_like(way[:-1])
    before = np.empty_like(way)
    while not np.array_equal(before, way):
        before[:] = way
        for there, length in beside:
            np.take(way, there, out=longer, mode="clip")
            np.minimum(inner, np.add(longer, length, out=longer), out=inner)


def _carry_over(voxels: LabelledVoxels, plain: NDArray, lateral: NDArray) -> None:
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
