"""Left and right of paired brain structures, told from labels that do not know them.

The plane between the hemispheres is found from the labels themselves (`midplane`), and near it the hemisphere that each
voxel belongs to (`hemispheres`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import InputError
from CompactSegLib.volume.boxes import box_of
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.hemispheres import laterals
from CompactSegLib.volume.labelled_voxels import LabelledVoxels
from CompactSegLib.volume.midplane import Evidence, Midplane, plane_of

if TYPE_CHECKING:
    from CompactSegLib.network.boxes import Box

# Labels are looked at on about this grid: the net's own.
_WORK_MM = 2.0
_LOOK_UP_MM = 30.0
_SLAB_VOXELS = 2**21
# Of one grid's steps along another's axes: below it, only rounding.
_ALIGNED = 1e-9
# What the nearest voxel says.
_LEFT, _BESIDE_A_BORDER, _OUTSIDE = 1, 2, 3


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

    plane: Midplane
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
        voxels = LabelledVoxels(*_thinned(*_upright(labels, geometry)), names)
        plane, evidence = plane_of(voxels)
        return cls(plane, evidence, voxels.geometry, laterals(voxels, plane, evidence))

    def _is_left(
        self, geometry: Geometry, box: Box, wanted: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Whether voxels of a box are on the left; no result depends on the other voxels.

        Args:
            geometry: Of the grid.
            box: (k, j, i) in it.
            wanted: (K, J, I) of the box; others may come out wrong.
        """
        # Sums by hand: a matrix product may round differently with the number of points.
        to_lps = geometry.ijk_to_lps
        *normal, shift = self._lateral_of_ijk(geometry)
        k, j, i = np.ogrid[box]
        lateral = _sum(normal, (i, j, k), shift)
        result = np.asarray(lateral > 0)
        open_ = np.abs(lateral) < _LOOK_UP_MM
        to_kji = (np.linalg.inv(self.geometry.ijk_to_lps) @ to_lps)[2::-1]
        found = self._nearest(to_kji, (k, j, i))
        if found is not None:
            np.copyto(result, found == _LEFT, where=open_ & (found <= _LEFT))
            open_ &= found == _BESIDE_A_BORDER
        open_ &= wanted
        places = np.nonzero(open_)
        k, j, i = (at + along.start for at, along in zip(places, box, strict=True))
        kji = np.stack([_sum(row[:3], (i, j, k), row[3]) for row in to_kji])
        last = np.array(self.lateral.shape, dtype=np.float32)[:, None] - 1
        inside = np.all((kji > -0.5) & (kji < last + 0.5), axis=0)
        result[tuple(place[inside] for place in places)] = (
            _interpolated(self.lateral, kji[:, inside]) > 0
        )
        return result

    def _lateral_of_ijk(self, geometry: Geometry) -> NDArray:
        """Lateral mm by the plane, (4,): of a step along i, j and k of a grid, and of its first voxel."""
        plane = np.array([*self.plane.normal_lps, -self.plane.offset_mm])
        return np.asarray(plane @ geometry.ijk_to_lps)

    def _parted(self, geometry: Geometry, box: Box) -> Iterator[tuple[Box, bool | None]]:
        """Parts of a box of a grid, cut across its most lateral axis, and the side of each.

        True where all of a part is on the left, False where it is on the right; None where each voxel is looked at.
        """
        *steps, shift = self._lateral_of_ijk(geometry)[[2, 1, 0, 3]]
        axis = int(np.abs(steps).argmax())
        ends = [
            sorted((step * part.start, step * (part.stop - 1)))
            for step, part in zip(steps, box, strict=True)
        ]
        low, high = (sum(end[which] for end in ends) - ends[axis][which] for which in (0, 1))
        along = np.arange(box[axis].start, box[axis].stop) * steps[axis] + shift
        # With a mm to spare for rounding.
        is_left, is_right = along + low > _LOOK_UP_MM + 1, along + high < -_LOOK_UP_MM - 1
        cuts = np.flatnonzero(np.diff(is_left) | np.diff(is_right)) + 1
        start = box[axis].start
        for first, last in pairwise([0, *cuts.tolist(), len(along)]):
            part = [*box]
            part[axis] = slice(start + first, start + last)
            k, j, i = part
            is_far = is_left[first] or is_right[first]
            yield (k, j, i), bool(is_left[first]) if is_far else None

    def _nearest(self, to_kji: NDArray, places: Sequence[NDArray]) -> NDArray[np.uint8] | None:
        """What the nearest voxel of `lateral` says of each voxel of a grid; None where grids are turned.

        Args:
            to_kji: (3, 4), from the grid's i, j, k to places in `lateral`.
            places: k, j and i in the grid, one axis each.
        """
        turn = to_kji[:, 2::-1]
        axes = np.abs(turn).argmax(axis=0)
        off = np.abs(turn)
        off[axes, range(3)] = 0
        if sorted(axes) != [0, 1, 2] or off.max() > _ALIGNED:
            return None
        said = self._said.transpose(axes)
        for at, (axis, place) in enumerate(zip(axes, places, strict=True)):
            along = (place.ravel() * turn[axis, at] + to_kji[axis, 3]).astype(np.float32)
            size = self.lateral.shape[axis]
            inside = (along > -0.5) & (along < size - 0.5)
            nearest = np.rint(along).clip(0, size - 1).astype(np.intp)
            said = said.take(np.where(inside, nearest, size), axis=at)
        return said

    @cached_property
    def _said(self) -> NDArray[np.uint8]:
        """What each voxel of `lateral` says, and one more along each axis: what lies outside."""
        said = np.where(np.abs(self.lateral) < 2 * _WORK_MM, _BESIDE_A_BORDER, self.lateral > 0)
        return np.pad(said.astype(np.uint8), (0, 1), constant_values=_OUTSIDE)

    def told(
        self,
        labels: NDArray[np.uint8],
        geometry: Geometry,
        *,
        left: Mapping[int, int],
        right: Mapping[int, int],
    ) -> NDArray[np.uint8]:
        """Labels with sides, slab by slab.

        A value that becomes the same on both sides may be named too.

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
        box = box_of(labels)
        if box is None:
            return result
        wanted = tables[0] != tables[1]
        rows = max(1, _SLAB_VOXELS // max(1, labels[0].size))
        for first in range(box[0].start, box[0].stop, rows):
            slab = (slice(first, min(first + rows, box[0].stop)), *box[1:])
            for part, all_left in self._parted(geometry, slab):
                inner = labels[part]
                if all_left is not None:
                    result[part] = _looked_up(tables[int(all_left)], inner)
                    continue
                is_left = self._is_left(geometry, part, _looked_up(wanted, inner))
                of_right, of_left = (_looked_up(table, inner) for table in tables)
                result[part] = np.where(is_left, of_left, of_right)
        return result


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


def _sum(weights: Sequence[float], places: Sequence[NDArray], shift: float) -> NDArray[np.float32]:
    """Weighted sum of three coordinates and a number; in double precision, as they may be large and the sum small."""
    total = places[0] * weights[0]
    for weight, place in zip(weights[1:], places[1:], strict=True):
        total = total + place * weight
    total += shift
    return np.asarray(total, dtype=np.float32)


def _looked_up(table: NDArray[Any], index: NDArray[np.uint8]) -> NDArray[Any]:
    """``table[index]``, ten times as fast, for tables of 256 bytes."""
    found = np.ascontiguousarray(index).tobytes().translate(table.tobytes())
    return np.frombuffer(found, dtype=table.dtype).reshape(index.shape)
