"""Padding takes no part in what an image's intensities are; what looks like labels is told."""

from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.volume import Volume

GRID = Geometry((40, 36, 30), (1.0, 1.0, 1.0))


@pytest.fixture
def a_head() -> np.ndarray:
    """Dark around, bright within, with noise; from 0 to about 900."""
    k, j, i = (np.indices(GRID.shape_kji) - np.array([15, 18, 20])[:, None, None, None]) / 12
    bright = 600 * np.exp(-((k**2 + j**2 + i**2) ** 2))
    noise = np.random.default_rng(0).normal(0, 20, bright.shape)
    return np.abs(bright + noise).astype(np.int16)


def corners() -> np.ndarray:
    _, j, i = np.indices(GRID.shape_kji)
    return ((i - 20) / 20) ** 2 + ((j - 18) / 18) ** 2 > 1.15


def borders() -> np.ndarray:
    inside = np.zeros(GRID.shape_kji, bool)
    inside[3:-3, 3:-3, 3:-3] = True
    return ~inside


@pytest.mark.parametrize("where", [corners, borders])
@pytest.mark.parametrize("value", [-2000, -1000, -32768, 32767])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_a_constant_far_from_all_else_is_taken_as_the_smallest_of_the_rest(
    a_head, where, value, kind
):
    padded = np.where(where(), value, a_head).astype(kind)
    before = padded.copy()
    volume = Volume.from_array(padded, GRID, name="head")
    np.testing.assert_array_equal(
        volume.array[0], np.where(where(), a_head[~where()].min(), a_head)
    )
    assert volume.array.dtype == kind
    (warning,) = volume.warnings
    assert f"of its voxels have the value {value:g}, far from all others" in warning
    assert not volume.is_mended
    np.testing.assert_array_equal(padded, before)


@pytest.mark.parametrize(
    "image",
    [
        lambda head: head,
        lambda head: np.where(head < 200, 0, head),  # a brain without its skull
        lambda head: head - 1024,
        lambda head: np.clip(head, 0, 500),
        lambda head: np.where(np.arange(head.size).reshape(head.shape) == 5, 30000, head),
    ],
    ids=["as scanned", "skull-stripped", "Hounsfield units", "saturated", "one bright voxel"],
)
def test_what_is_no_padding_is_left_alone(a_head, image):
    array = image(a_head).astype(np.int16)
    volume = Volume.from_array(array, GRID)
    np.testing.assert_array_equal(volume.array[0], array)
    assert not volume.warnings


def test_few_whole_values_are_told_as_looking_like_labels(a_head):
    for kind in (np.uint8, np.float32):
        volume = Volume.from_array((a_head // 100).astype(kind), GRID, name="labels")
        assert "looks like a segmentation" in volume.warnings[0]
    assert not Volume.from_array((a_head // 100) / np.float32(3), GRID).warnings
