"""Frames of reference for tests: the 48 ways to lay a volume out in memory, and oblique ones."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from hypothesis import strategies as st

from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.volume import Volume

Layout = tuple[tuple[int, int, int], tuple[bool, bool, bool]]

LAYOUTS: list[Layout] = [
    (axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)
]


def laid_out_array(array: np.ndarray, layout: Layout) -> np.ndarray:
    """The last three axes of an array, permuted and then flipped."""
    axes, flips = layout
    leading = array.ndim - 3
    permuted = array.transpose(*range(leading), *(axis + leading for axis in axes))
    return np.ascontiguousarray(
        permuted[(..., *(slice(None, None, -1 if flip else 1) for flip in flips))]
    )


def laid_out(volume: Volume, layout: Layout) -> Volume:
    """The same voxels at the same places in the patient, in another order in memory."""
    axes, flips = layout
    old = volume.geometry
    columns, sizes, spacings = [], [], []
    corner = np.zeros(3)
    for new_ijk in range(3):
        old_ijk = 2 - axes[2 - new_ijk]
        flip = flips[2 - new_ijk]
        columns.append(old.direction_matrix[:, old_ijk] * (-1 if flip else 1))
        sizes.append(old.size_ijk[old_ijk])
        spacings.append(old.spacing_mm[old_ijk])
        corner[old_ijk] = old.size_ijk[old_ijk] - 1 if flip else 0
    origin = old.ijk_to_lps @ [*corner, 1.0]
    geometry = Geometry(
        tuple(sizes), tuple(spacings), tuple(origin[:3]), tuple(np.stack(columns, axis=1).ravel())
    )
    return Volume(laid_out_array(volume.array, layout), geometry, name=volume.name)


def rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    """Turned about the three axes, one after the other."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        turn = np.eye(3)
        others = [other for other in range(3) if other != axis]
        turn[np.ix_(others, others)] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
        matrix = turn @ matrix
    return matrix


@st.composite
def geometries(draw: st.DrawFn, *, largest: int = 9) -> Geometry:
    """Small grids in any frame: oblique at any angle, left-handed, anisotropic."""
    size = draw(st.tuples(*[st.integers(2, largest)] * 3))
    spacing = draw(st.tuples(*[st.sampled_from([0.5, 0.7, 1.0, 1.3, 2.5])] * 3))
    degrees = draw(st.tuples(*[st.floats(-180, 180, width=16)] * 3))
    mirrored = draw(st.booleans())
    origin = draw(st.tuples(*[st.floats(-200, 200, width=16)] * 3))
    direction = rotation(degrees) @ np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    return Geometry(size, spacing, origin, tuple(direction.ravel()))


def layouts() -> st.SearchStrategy[Layout]:
    return st.sampled_from(LAYOUTS)


def noise(geometry: Geometry, *, channels: int = 1, seed: int = 0) -> Volume:
    """A volume in which no two voxels are alike."""
    generator = np.random.default_rng(seed)
    array = generator.normal(100, 30, (channels, *geometry.shape_kji)).astype(np.float32)
    return Volume(array, geometry, name="noise")
