"""What is done to images before they are measured leaves the patient where he is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.brain_mr import changes, grids, intensities
from CompactSegLib import Geometry, Volume
from Testing.Lib.inference.models_in_memory import model_in_memory, run_for
from Testing.Lib.nets import POOLED, layer, net_config, serial

GEOMETRY = Geometry(
    size_ijk=(30, 24, 26),
    spacing_mm=(1.0, 1.2, 1.5),
    origin_lps_mm=(12.0, -30.0, 5.0),
    direction_lps=(0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
)
INSIDE = (14, 11, 12)
"""Where the ball lies, in ijk."""


@pytest.fixture(scope="module")
def a_head() -> Volume:
    """A bright ball with a brighter one in it, a little beside the middle."""
    return Volume(_ball(9.0)[None] * 80 + _ball(6.0)[None] * 40 + 5, GEOMETRY, name="head")


def _ball(radius_mm: float) -> NDArray[np.float32]:
    k, j, i = np.indices(GEOMETRY.shape_kji)
    offsets = [
        (axis - at) * mm
        for axis, at, mm in zip((i, j, k), INSIDE, GEOMETRY.spacing_mm, strict=True)
    ]
    return (sum(offset**2 for offset in offsets) <= radius_mm**2).astype(np.float32)


def _centre_lps(volume: Volume) -> np.ndarray:
    """Centre of what is above the background, in the patient's millimetres."""
    weights = volume.array[0].astype(float) - 5
    weights[weights < 1] = 0
    k, j, i = (np.average(axis, weights=weights) for axis in np.indices(weights.shape))
    return (volume.geometry.ijk_to_lps @ [i, j, k, 1.0])[:3]


CASES = {
    "averaged": lambda volume: grids.averaged(volume, (2.0, 2.0, 2.0)),
    "sliced": lambda volume: grids.sliced(volume, 5.0, "coronal"),
    "tilted": lambda volume: grids.tilted(volume, 20, "axial"),
    "tilted within an oblique plane": lambda volume: grids.tilted(
        grids.tilted(volume, 20, "axial"), -15, "sagittal"
    ),
    "cropped": lambda volume: grids.cropped(volume, volume.array[0] > 50, margin_mm=2),
    "reoriented": lambda volume: changes.reoriented(volume, "PIR"),
    "blurred": lambda volume: intensities.blurred(volume, 2.0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_head_stays_at_its_millimetres(a_head: Volume, name: str):
    changed = CASES[name](a_head)
    assert np.allclose(_centre_lps(changed), _centre_lps(a_head), atol=0.25)


def test_means_over_whole_voxels_are_block_means(a_head: Volume):
    thick = grids.averaged(a_head, (3.0, 1.2, 1.5))
    blocks = a_head.array.reshape(1, 26, 24, 10, 3).mean(axis=-1)
    assert np.allclose(thick.array, blocks, atol=1e-4)


def test_no_signal_is_lost_in_thicker_voxels(a_head: Volume):
    thick = grids.averaged(a_head, (1.7, 2.1, 4.0))
    before, after = (
        (one.array - 5).sum() * one.geometry.voxel_millilitres for one in (a_head, thick)
    )
    assert after == pytest.approx(before, rel=1e-3)


def test_slices_are_thick_across_their_plane_alone(a_head: Volume):
    for plane, axis in grids.ACROSS.items():
        spacing = grids.sliced(a_head, 4.0, plane).geometry.spacing_mm
        axes, _ = GEOMETRY.nearest_axes()
        expected = list(GEOMETRY.spacing_mm)
        expected[axes[axis]] = 4.0
        assert spacing == tuple(expected)


def test_a_turned_grid_holds_every_corner_and_turns_by_the_angle():
    grid = grids.turned_grid(GEOMETRY, 20, 2)
    corners = (np.array([*np.ndindex(2, 2, 2)])) * GEOMETRY.size_ijk - 0.5
    lps = np.c_[corners, np.ones(8)] @ GEOMETRY.ijk_to_lps.T
    ijk = (lps @ np.linalg.inv(grid.ijk_to_lps).T)[:, :3]
    assert (ijk > -0.51).all()
    assert (ijk < np.array(grid.size_ijk) - 0.49).all()
    cosines = np.diag(grid.direction_matrix.T @ GEOMETRY.direction_matrix)
    assert sorted(cosines) == pytest.approx(sorted([1, *[np.cos(np.radians(20))] * 2]))


def test_labels_come_back_from_a_turned_grid_and_miss_what_was_not_in_view(a_head: Volume):
    labels = (a_head.array[0] > 50).astype(np.uint8)
    turned = grids.turned_grid(GEOMETRY, 25, 0)
    there = grids.labels_on(labels, GEOMETRY, turned)
    back = grids.labels_on(np.where(there == grids.OUTSIDE, 0, there), turned, GEOMETRY)
    assert not (back == grids.OUTSIDE).any()
    assert 2 * (back & labels).sum() / (back.sum() + labels.sum()) > 0.85
    part = grids.cropped(a_head, labels > 0)
    seen = grids.labels_on(np.ones(part.shape_kji, np.uint8), part.geometry, GEOMETRY)
    assert (seen != grids.OUTSIDE).sum() == part.array.size
    assert (seen[labels > 0] == 1).all()


def test_labels_on_their_own_grid_are_themselves():
    labels = np.ones(GEOMETRY.shape_kji, np.uint8)
    assert grids.labels_on(labels, GEOMETRY, GEOMETRY) is labels


@pytest.mark.parametrize("name", changes.UNSEEN)
def test_what_the_engine_undoes_does_not_change_any_volume(a_head: Volume, name: str):
    model = model_in_memory(net_config(serial(layer(4)), POOLED, classes=4), spacing_mm=(2, 2, 2))
    noisy = intensities.noised(a_head, 0.2)
    before, after = (
        next(run_for(model, volume).levels()).millilitres
        for volume in (noisy, changes.UNSEEN[name](noisy, np.zeros(0, np.uint8)))
    )
    assert len({round(volume, 6) for volume in before.values()}) > 1
    assert after == pytest.approx(before)


@pytest.mark.parametrize("name", changes.SEEN)
def test_every_change_changes_the_image_and_keeps_it_one(a_head: Volume, name: str):
    labels = (a_head.array[0] > 100).astype(np.uint8)
    changed = changes.SEEN[name](a_head, labels)
    assert np.isfinite(changed.array).all()
    assert changed.array.max() > changed.array.min()
    same_grid = changed.geometry.matches(a_head.geometry)
    assert not (same_grid and np.allclose(changed.array, a_head.array))


def test_an_inverted_head_keeps_its_air_dark(a_head: Volume):
    inverted = changes.inverted(a_head).array[0]
    air, outer, inner = a_head.array[0] < 50, a_head.array[0] == 85, a_head.array[0] > 100
    assert inverted[air].max() < inverted[inner].min() < inverted[outer].min()


def test_the_skull_goes_dark_and_the_brain_stays(a_head: Volume):
    brain = (a_head.array[0] > 100).astype(np.uint8)
    bare = changes.without_skull(a_head, brain).array[0]
    assert (bare[brain > 0] == a_head.array[0][brain > 0]).all()
    assert (bare == a_head.array.min()).sum() > (a_head.array[0] == a_head.array.min()).sum()


def test_noise_lies_around_the_signal_and_is_never_negative(a_head: Volume):
    noisy = intensities.noised(a_head, 0.05).array[0]
    low, high = intensities.bounds(a_head)
    bright = a_head.array[0] == 85
    assert noisy.min() >= 0
    assert noisy[bright].mean() == pytest.approx((85 - low) / (high - low), abs=0.02)
    assert noisy[bright].std() == pytest.approx(0.05, rel=0.15)
