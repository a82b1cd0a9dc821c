"""What labels look like in an image, beside the same said with sorting and logarithms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CompactSegLib.volume.likeliest import Likeliest
from CompactSegLib.volume.mixture import _BINS, Field, Mixture, Scale, _bin_of

FEWEST = 20


def blocks(random: np.random.Generator, shape=(13, 14, 15), *, labels=5) -> np.ndarray:
    """Boxes of some labels in a background, uint8 ``(D, H, W)``."""
    result = np.zeros(shape, np.uint8)
    for label in (*range(1, labels + 1), *random.integers(0, labels + 1, 6)):
        first = [random.integers(0, side - 2) for side in shape]
        result[tuple(slice(at, at + random.integers(2, 9)) for at in first)] = label
    return result


def intensities(random: np.random.Generator, labels: np.ndarray, *, levels: int) -> np.ndarray:
    """Of each label its own, with noise; in so many steps, float32."""
    image = random.uniform(-1, 2, 256)[labels] + 0.2 * random.standard_normal(labels.shape)
    return (np.round(image * levels) / levels).astype(np.float32)


def lower_median(values: np.ndarray) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 100, 10**6]))
@settings(max_examples=40, deadline=None)
def test_means_and_deviation_are_those_of_sorted_intensities(seed, levels):
    random = np.random.default_rng(seed)
    labels = blocks(random)
    image = intensities(random, labels, levels=levels)
    mixture = Mixture.of(torch.from_numpy(labels), torch.from_numpy(image))
    # Of the bins that medians are found in.
    width = float(image.max() - image.min()) / 4096
    cross = ndimage.generate_binary_structure(3, 1)
    means, squares, voxels = {}, 0.0, 0
    for label in range(1, 6):
        mask = labels == label
        core = ndimage.binary_erosion(mask, cross, border_value=1)
        if mask.sum() >= FEWEST:
            means[label] = lower_median(image[core if core.sum() >= FEWEST else mask])
            spread = lower_median(abs(image[mask] - lower_median(image[mask])))
            squares, voxels = squares + mask.sum() * (1.4826 * spread) ** 2, voxels + mask.sum()
    assert mixture.means.keys() == means.keys()
    assert list(mixture.means.values()) == pytest.approx(list(means.values()), abs=0.51 * width)
    least = 64 * width / math.sqrt(2 * math.pi)
    wanted = max(math.sqrt(squares / max(1, voxels)), least)
    assert mixture.deviation == pytest.approx(wanted, abs=2 * 1.4826 * width)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_background_s_density_is_its_smoothed_histogram(seed):
    random = np.random.default_rng(seed)
    labels = blocks(random)
    image = intensities(random, labels, levels=100)
    mixture = Mixture.of(torch.from_numpy(labels), torch.from_numpy(image))
    if (labels == 0).sum() < FEWEST:
        assert mixture.background is None
        return
    density = mixture.background.exp().numpy() * mixture.bin
    assert density.sum() == pytest.approx(1, abs=1e-3)
    edges = image.min() + np.arange(65) * (image.max() - image.min()) / 64
    # Intensities next to an edge may be counted on either side of it.
    counts, _ = np.histogram(image[labels == 0], edges)
    near = np.abs(image[labels == 0][:, None] - edges).min(axis=1) < 1e-4
    padded = np.pad(counts, 1, mode="edge")
    wanted = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    assert np.abs(density - (wanted / wanted.sum()).clip(1e-6)).sum() <= 0.02 + 2 * near.mean()


def test_a_scale_leaves_out_the_half_percent_at_both_ends():
    random = np.random.default_rng(3)
    image = torch.from_numpy(random.permutation(1001).astype(np.float32).reshape(7, 11, 13))
    scale = Scale.of(image)
    assert (scale.low, scale.high) == (5, 995)
    scaled = scale.scaled(image)
    assert scaled.flatten()[image.flatten() == 500] == pytest.approx(0.5)
    assert Scale.of(torch.full((2, 3, 4), 7.0)).scaled(torch.tensor([7.0, 9.0])).tolist() == [0, 2]


def test_a_field_is_the_same_whatever_box_of_the_image_it_is_drawn_in():
    d, h, w = np.ogrid[:4, :5, :3]
    field = Field(torch.from_numpy((d + 10 * h + 100 * w).astype(np.float32)), (5, 0, 7), (2, 1, 2))
    whole = field.at((slice(0, 60), slice(0, 30), slice(0, 40)), (1, 1, 1))
    # In cells, of 8, 4 and 8 voxels, as far as there are any.
    d, h, w = (
        (((np.arange(size) - first + 0.5) / cell) - 0.5).clip(0, cells - 1)
        for size, first, cell, cells in ((60, 5, 8, 4), (30, 0, 4, 5), (40, 7, 8, 3))
    )
    wanted = d[:, None, None] + 10 * h[:, None] + 100 * w
    np.testing.assert_allclose(whole.numpy(), wanted, rtol=1e-5, atol=1e-4)
    box = (slice(9, 40), slice(3, 21), slice(2, 38))
    assert (field.at(box, (2, 1, 3)) == whole[9:40:2, 3:21, 2:38:3]).all()


def smoothed(mask: np.ndarray, kernels) -> np.ndarray:
    share = mask.astype(np.float64)
    for axis, kernel in enumerate(kernels):
        share = ndimage.convolve1d(share, np.asarray(kernel), axis=axis, mode="constant")
    return share


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_most_likely_label_is_that_of_logarithms_added(seed):
    random = np.random.default_rng(seed)
    labels = blocks(random)
    image = intensities(random, labels, levels=10**6)
    mixture = Mixture.of(torch.from_numpy(labels), torch.from_numpy(image))
    wide, narrow = [[0.05, 0.25, 0.4, 0.25, 0.05]] * 3, [[0.2, 0.6, 0.2]] * 3
    kernels = [wide if label % 2 else narrow for label in range(256)]
    weights = torch.from_numpy(random.uniform(0.2, 1, 256).astype(np.float32))
    visible = mixture.visible_borders(0.5, [(1, 2)])
    likeliest = Likeliest(torch.from_numpy(labels), kernels=kernels, weights=weights)
    found = likeliest.found(
        torch.from_numpy(image).__getitem__, mixture, visible, lambda: None
    ).numpy()

    own = weights.numpy()[labels].astype(np.float64)
    scores = np.full((6, *labels.shape), -np.inf)
    for label in mixture.labels:
        share = smoothed(labels == label, kernels[label]) * visible.numpy()[label][labels]
        if label:
            strange = ((image - mixture.means[label]) / mixture.deviation).clip(-4, 4)
            likelihood = -0.5 * strange**2 - math.log(mixture.deviation * math.sqrt(2 * math.pi))
        else:
            bins = _bin_of(torch.from_numpy(image), mixture.lowest, mixture.bin, _BINS)
            likelihood = mixture.background.numpy()[bins.numpy()]
        with np.errstate(divide="ignore"):
            scores[label] = np.log(share) + own * likelihood
    for label in set(range(6)) - set(mixture.labels):
        scores[label][labels == label] = np.inf
    best, second = np.sort(scores, axis=0)[[-1, -2]]
    is_clear = (best > second + 1e-4) & (best > -np.inf)
    assert is_clear.mean() > 0.9
    assert (found == scores.argmax(axis=0))[is_clear].all()
