"""Padding takes no part in what an image's intensities are; what looks like labels is told."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

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


@pytest.mark.parametrize("value", [-400, -2000, 4000, 32767])
@pytest.mark.parametrize("edge", [48, 64, 96])
def test_padding_may_be_most_of_the_volume(a_head, value, edge):
    """Up to 96 % of it here: a small field of view in a large one."""
    padded = np.full((edge,) * 3, value, np.int16)
    padded[8 : 8 + 30, 2 : 2 + 36, 5 : 5 + 40] = a_head
    volume = Volume.from_array(padded, Geometry((edge,) * 3, (1.0, 1.0, 1.0)))
    np.testing.assert_array_equal(volume.array[0], np.where(padded == value, a_head.min(), padded))


@pytest.mark.parametrize(
    "values", [(-2000, -1000), (-2000, 32767), (-32768, -2000), (-3024, -2000, 32767)]
)
def test_several_values_of_padding_are_all_taken_out(a_head, values):
    padded = a_head.copy()
    for index, value in enumerate(values):
        padded[:, 4 * index : 4 * index + 3, :20] = value
    volume = Volume.from_array(padded, GRID)
    is_padding = np.isin(padded, values)
    np.testing.assert_array_equal(
        volume.array[0], np.where(is_padding, a_head[~is_padding].min(), a_head)
    )
    told = [float(word) for w in volume.warnings for word in w.split(",")[0].split()[-1:]]
    assert sorted(told) == sorted(values)


@pytest.mark.parametrize("value", [-2000, -3024, -8192])
def test_padding_of_computed_tomography_needs_no_tag(a_head, value):
    """Nothing in a body is below -1024 Hounsfield units."""
    image = np.clip(3 * a_head - 1024, -1024, 1500).astype(np.int16)
    volume = Volume.from_array(np.where(corners(), value, image).astype(np.int16), GRID)
    np.testing.assert_array_equal(
        volume.array[0], np.where(corners(), image[~corners()].min(), image)
    )


@pytest.mark.parametrize(
    "image",
    [
        lambda head: head,
        lambda head: np.where(head < 200, 0, head),  # a brain without its skull
        lambda head: head - 1024,
        lambda head: np.clip(head, 0, 500),
        lambda head: np.where(np.arange(head.size).reshape(head.shape) == 5, 30000, head),
        lambda head: np.where(head < 5, -3, head),
    ],
    ids=[
        "as scanned",
        "skull-stripped",
        "Hounsfield units",
        "saturated",
        "one bright voxel",
        "below 0",
    ],
)
def test_what_is_no_padding_is_left_alone(a_head, image):
    array = image(a_head).astype(np.int16)
    volume = Volume.from_array(array, GRID)
    np.testing.assert_array_equal(volume.array[0], array)
    assert not volume.warnings


FINE = (60, 72, 80)


def a_fine_head() -> np.ndarray:
    """As `a_head` with twice as many voxels along each axis, dark fat and air that is never below 0."""
    k, j, i = (np.indices(FINE) - np.array([30, 36, 40])[:, None, None, None]) / 24
    bright = 600 * np.exp(-((k**2 + j**2 + i**2) ** 2)) + 150 * np.sin(9 * i) * (i**2 + j**2 < 1)
    noise = np.random.default_rng(0).normal(0, 10, FINE)
    return np.abs(bright + noise).astype(np.float32)


def around(share: float) -> np.ndarray:
    _, j, i = np.indices(FINE)
    return ((i - 40) / 40) ** 2 + ((j - 36) / 36) ** 2 > share


def resampled(array: np.ndarray, interpolator: int, outside: float) -> np.ndarray:
    """Turned and brought to other voxels."""
    image = SimpleITK.GetImageFromArray(array)
    turn = SimpleITK.Euler3DTransform((40, 36, 30), 0.02, 0.03, 0.06)
    size, spacing = [70, 62, 52], [1.15] * 3
    image = SimpleITK.Resample(
        image, size, turn, interpolator, (0, 0, 0), spacing, (1, 0, 0, 0, 1, 0, 0, 0, 1), outside
    )
    return SimpleITK.GetArrayFromImage(image)


@pytest.mark.parametrize("interpolator", [SimpleITK.sitkLinear, SimpleITK.sitkBSpline])
@pytest.mark.parametrize("outside", [None, 0.0])
@pytest.mark.parametrize("value", [-2000.0, -1000.0, -300.0, 32767.0])
def test_padding_that_was_resampled_is_padding_with_its_ramp(interpolator, outside, value):
    head = a_fine_head()
    padded = np.where(around(1.05), value, head).astype(np.float32)
    outside = value if outside is None else outside
    smeared = resampled(padded, interpolator, outside)
    assert np.abs(smeared - resampled(head, interpolator, 0.0)).max() > 200
    grid = Geometry(tuple(reversed(smeared.shape)), (1.15,) * 3)
    volume = Volume.from_array(smeared, grid, name="head")
    (warning,) = volume.warnings
    assert "which was resampled after it had been padded" in warning
    assert f"have the value {value:g}" in warning
    unpadded = resampled(head, interpolator, 0.0)
    off = np.abs(volume.array[0] - unpadded)
    # Overshoot leaves a faint edge, and a ramp passes through the image's own values somewhere.
    assert np.mean(off > 50) < 0.03
    assert off.max() < 800
    within = resampled((~around(0.8)).astype(np.float32), SimpleITK.sitkNearestNeighbor, 0.0) > 0
    assert off[within].max() < 120


def test_resampled_padding_of_computed_tomography_is_padding():
    scan = np.clip(3 * a_fine_head() - 1024, -1024, 1500).astype(np.float32)
    smeared = resampled(
        np.where(around(1.05), -3024, scan).astype(np.float32), SimpleITK.sitkBSpline, -3024.0
    )
    grid = Geometry(tuple(reversed(smeared.shape)), (1.15,) * 3)
    volume = Volume.from_array(smeared, grid)
    assert "have the value -3024" in volume.warnings[0]
    assert -1200 < volume.array.min() < -1000


def stripped(head: np.ndarray) -> np.ndarray:
    return np.where(around(0.3), 0, head + 40)


@pytest.mark.parametrize(
    "image",
    [
        a_fine_head,
        lambda: stripped(a_fine_head()),
        lambda: (lambda s: (s - s.mean()) / s.std())(stripped(a_fine_head())),
        lambda: -stripped(a_fine_head()),
        lambda: np.clip(a_fine_head(), 0, 200),
        lambda: np.clip(3 * a_fine_head() - 1200, -1000, 1500),
        lambda: np.where(around(0.02), a_fine_head(), 30000),
    ],
    ids=[
        "as scanned",
        "skull-stripped",
        "standardised, stripped",
        "negative",
        "saturated",
        "computed tomography without its noise in air",
        "metal",
    ],
)
@pytest.mark.parametrize("interpolator", [SimpleITK.sitkLinear, SimpleITK.sitkBSpline])
def test_what_is_no_padding_is_left_alone_when_resampled(image, interpolator):
    array = image().astype(np.float32)
    array = resampled(array, interpolator, float(array[0, 0, 0]))
    volume = Volume.from_array(array, Geometry(tuple(reversed(array.shape)), (1.15,) * 3))
    np.testing.assert_array_equal(volume.array[0], array)


def test_few_whole_values_are_told_as_looking_like_labels(a_head):
    for kind in (np.uint8, np.float32):
        volume = Volume.from_array((a_head // 100).astype(kind), GRID, name="labels")
        assert "looks like a segmentation" in volume.warnings[0]
    assert not Volume.from_array((a_head // 100) / np.float32(3), GRID).warnings


def test_a_map_of_a_hundred_structures_is_told_as_looking_like_labels():
    """FreeSurfer's parcellations have more values than an eight-bit image needs."""
    places = np.random.default_rng(0).integers(0, 30, (100, 3))
    kji = np.moveaxis(np.indices(GRID.shape_kji), 0, -1)[..., None, :]
    nearest = np.argmin(((kji - places) ** 2).sum(axis=-1), axis=-1)
    labels = np.where(borders(), 0, 1000 + 11 * nearest).astype(np.int16)
    assert len(np.unique(labels)) > 64
    assert "looks like a segmentation" in Volume.from_array(labels, GRID).warnings[0]


def test_a_smooth_image_does_not_look_like_labels():
    k, j, i = np.indices(GRID.shape_kji)
    smooth = 120 + 100 * np.sin(i / 5 + j / 7 + k / 9)
    for kind in (np.uint8, np.int16):
        assert not Volume.from_array(smooth.astype(kind), GRID).warnings
