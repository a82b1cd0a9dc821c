"""Label maps with sides, and what may happen to them on the way into a computer: for ``sides.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.brain_mr.real_heads import FREESURFER, GIF, IN_GIF, Numbers
from CompactSegLib import Geometry, read_volume
from CompactSegLib.volume.boxes import box_of

_PAIRED = [name for name, numbers in FREESURFER.items() if numbers.right]
_MIDLINE = [name for name, numbers in FREESURFER.items() if not numbers.right]
NAMES = (*_PAIRED, *_MIDLINE)
PAIRS = len(_PAIRED)
STRUCTURES = dict(enumerate(NAMES, 1))
LEFTS = {value: 100 + value for value in range(1, PAIRS + 1)}
RIGHTS = {value: 150 + value for value in range(1, PAIRS + 1)}
HIPPOCAMPUS = 1 + NAMES.index("Hippocampus")
SEED = 15


@dataclass(frozen=True)
class Head:
    """A label map: values of `LEFTS` and `RIGHTS` where sides are, else of `STRUCTURES`."""

    name: str
    truth: NDArray[np.uint8]
    geometry: Geometry

    @classmethod
    def read(cls, path: Path) -> Head:
        volume = read_volume(path)
        codes = np.zeros(2**16, np.uint8)
        table = GIF if path.name.startswith(IN_GIF) else FREESURFER
        for value, name in STRUCTURES.items():
            numbers = table.get(name, Numbers())
            if value <= PAIRS:
                codes[list(numbers.left)] = LEFTS[value]
                codes[list(numbers.right)] = RIGHTS[value]
            else:
                codes[list(numbers.middle)] = value
        labels = np.rint(volume.array[0]).astype(np.uint16)
        return cls(path.name.partition(".")[0], codes[labels], volume.geometry)

    @property
    def merged(self) -> NDArray[np.uint8]:
        return np.where(
            self.truth > 150,
            self.truth - 150,
            np.where(self.truth > 100, self.truth - 100, self.truth),
        ).astype(np.uint8)

    def lateral_mm(self) -> NDArray[np.float64]:
        """Distance (K, J, I) to the left of the middle of both hemispheres, along the patient's own axis."""
        i, j, k = (
            np.arange(n) * self.geometry.ijk_to_lps[0, axis]
            for axis, n in enumerate(self.geometry.size_ijk)
        )
        x = k[:, None, None] + j[:, None] + i
        centres = [x[np.isin(self.truth, [*table.values()])].mean() for table in (LEFTS, RIGHTS)]
        return x - np.mean(centres)


def stored(head: Head, axes: tuple[int, int, int], flips: tuple[int, ...]) -> Head:
    """The same voxels in another order in memory: array axes permuted, then some flipped."""
    old = head.geometry
    truth = np.flip(head.truth.transpose(axes), flips)
    sources = [2 - axes[2 - ijk] for ijk in range(3)]
    signs = [-1 if 2 - ijk in flips else 1 for ijk in range(3)]
    corner = np.zeros(3)
    for source, sign in zip(sources, signs, strict=True):
        corner[source] = old.size_ijk[source] - 1 if sign < 0 else 0
    geometry = Geometry(
        truth.shape[::-1],
        tuple(old.spacing_mm[source] for source in sources),
        tuple((old.ijk_to_lps @ [*corner, 1.0])[:3]),
        tuple((old.direction_matrix[:, sources] * signs).ravel()),
    )
    return replace(head, truth=np.ascontiguousarray(truth), geometry=geometry)


def turned(head: Head, axis: int, degrees: float) -> Head:
    """The patient turned about an axis, lps, and shifted: the same voxels, another geometry."""
    angle = np.deg2rad(degrees)
    a, b = [other for other in range(3) if other != axis]
    turn = np.eye(3)
    turn[[a, a, b, b], [a, b, a, b]] = [np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)]
    old = head.geometry
    geometry = replace(
        old,
        origin_lps_mm=tuple(turn @ np.array(old.origin_lps_mm) + [31.0, -17.0, 55.0]),
        direction_lps=tuple((turn @ old.direction_matrix).ravel()),
    )
    return replace(head, geometry=geometry)


def thinned(head: Head, steps: tuple[int, int, int]) -> Head:
    """Every so many voxels along k, j and i."""
    c, b, a = steps
    truth = np.ascontiguousarray(head.truth[::c, ::b, ::a])
    spacing = tuple(mm * n for mm, n in zip(head.geometry.spacing_mm, (a, b, c), strict=True))
    return replace(
        head,
        truth=truth,
        geometry=replace(head.geometry, size_ijk=truth.shape[::-1], spacing_mm=spacing),
    )


def cropped(head: Head, inside: NDArray[np.bool_]) -> Head:
    """The smallest box of the grid that holds some voxels."""
    box = box_of(inside)
    assert box is not None
    truth = np.ascontiguousarray(head.truth[box])
    return replace(head, truth=truth, geometry=head.geometry.cropped(box))


def half(head: Head, sign: int) -> Head:
    """A field of one hemisphere."""
    return cropped(head, head.lateral_mm() * sign > 0)


def around_nuclei(head: Head) -> Head:
    """A field around both thalami, 6 cm wide at most."""
    thalamus = 1 + NAMES.index("Thalamus")
    return cropped(head, np.isin(head.truth, (LEFTS[thalamus], RIGHTS[thalamus])))


def without_hippocampus(head: Head) -> Head:
    truth = head.truth.copy()
    truth[truth == LEFTS[HIPPOCAMPUS]] = 0
    return replace(head, truth=truth)


def with_lesion(head: Head) -> Head:
    """A ball of 5 cm in one hemisphere in which nothing is labelled."""
    left = np.argwhere(np.isin(head.truth, [*LEFTS.values()]))
    centre = left[np.random.default_rng(SEED).integers(len(left))]
    grids = np.ogrid[tuple(slice(0, n) for n in head.truth.shape)]
    mm = head.geometry.spacing_mm[::-1]
    square = sum(((g - c) * s) ** 2 for g, c, s in zip(grids, centre, mm, strict=True))
    return replace(head, truth=np.where(square < 25**2, 0, head.truth).astype(np.uint8))


def worn(head: Head) -> Head:
    """Borders eaten away or grown at random, by up to three voxels, and false specks."""
    rng = np.random.default_rng(SEED)
    shape = head.truth.shape
    coarse = rng.normal(0, 1.5, (3, *(n // 6 + 1 for n in shape)))
    index = []
    for axis, shifts in enumerate(coarse):
        for along in range(3):
            shifts = shifts.repeat(6, axis=along)
        shifts = np.rint(shifts[tuple(slice(0, n) for n in shape)]).astype(int)
        own = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])
        index.append((own + shifts).clip(0, shape[axis] - 1))
    return replace(head, truth=np.where(rng.random(shape) < 0.02, 0, head.truth[tuple(index)]))


def bent(head: Head) -> Head:
    """A midline shift: the middle of the head pushed to the right by up to 8 mm, as a mass does."""
    nuclei = np.argwhere(np.isin(head.truth, [LEFTS[6], RIGHTS[6]])).mean(axis=0)
    grids = np.ogrid[tuple(slice(0, n) for n in head.truth.shape)]
    square = sum((g - c) ** 2 for g, c in zip(grids, nuclei, strict=True))
    axes, _ = head.geometry.nearest_axes()
    axis = 2 - axes[0]
    step = head.geometry.ijk_to_lps[0, axes[0]]
    moved = np.rint(grids[axis] + 8 / step * np.exp(-square / (2 * 30.0**2))).astype(int)
    index = list(np.broadcast_arrays(*grids))
    index[axis] = moved.clip(0, head.truth.shape[axis] - 1)
    return replace(head, truth=head.truth[tuple(index)])


CHANGES: dict[str, Callable[[Head], Head]] = {
    "as it is": lambda head: head,
    "stored as axes k i j, first flipped": lambda head: stored(head, (0, 2, 1), (0,)),
    "stored as axes i k j, all flipped": lambda head: stored(head, (2, 0, 1), (0, 1, 2)),
    **{
        f"turned {degrees:+d}° about {'LPS'[axis]}, shifted": (
            lambda head, axis=axis, degrees=degrees: turned(head, axis, degrees)
        )
        for axis, degrees in ((0, 30), (1, 30), (1, -30), (2, 30), (2, -30))
    },
    "turned 20° about P and S": lambda head: turned(turned(head, 1, 20), 2, 20),
    "labels on 2 mm": lambda head: thinned(head, (2, 2, 2)),
    "slices of 5 mm": lambda head: thinned(head, (1, 5, 1)),
    "left half alone": lambda head: half(head, 1),
    "right half alone": lambda head: half(head, -1),
    "field around the thalami": around_nuclei,
    "no left hippocampus": without_hippocampus,
    "lesion of 5 cm": with_lesion,
    "worn borders": worn,
    "midline shift of 8 mm": bent,
}


def changed(head: Head, count: int, draw: int) -> Head:
    """Some labelled voxels with the values of others, all drawn at random."""
    places = np.flatnonzero(head.truth)
    drawn = np.random.default_rng([SEED, count, draw]).choice(places, (2, count))
    truth = head.truth.copy()
    truth.flat[drawn[0]] = head.truth.flat[drawn[1]]
    return replace(head, truth=truth)


def _still(head: Head, after: Head) -> tuple[Head, Geometry]:
    return after, head.geometry


def _along(after: Head) -> tuple[Head, Geometry]:
    return after, after.geometry


NUDGES: dict[str, tuple[int, Callable[[Head, int], tuple[Head, Geometry]]]] = {
    **{
        f"{name} changed": (
            draws,
            lambda head, draw, count=count: _still(head, changed(head, count, draw)),
        )
        for name, count, draws in (("1 voxel", 1, 4), ("10 voxels", 10, 2), ("100 voxels", 100, 1))
    },
    "stored otherwise": (
        2,
        lambda head, draw: _still(
            head, stored(head, *(((0, 2, 1), (0,)), ((2, 0, 1), (0, 1, 2)))[draw])
        ),
    ),
    "turned 0.3°": (3, lambda head, draw: _along(turned(head, draw, 0.3))),
}
"""How often to draw, and of a head and a draw: the head after next to nothing was changed, and where its voxels lie."""
