"""The way back: labels on exactly the voxels that came in."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from CompactSegLib.network.slabs import AtATime
from CompactSegLib.volume import labelling
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.volume import Volume
from Testing.Lib.volume.frames import geometries, laid_out, laid_out_array, layouts, noise

SPACINGS = [(1.0, 1.0, 1.0), (0.7, 1.3, 2.5), (2.0, 0.5, 1.0), (5.0, 5.0, 5.0), (0.3, 0.3, 0.3)]


def the_whole(shape):
    return tuple(slice(0, n) for n in shape)


def a_grid(geometry, mm, orientation="RAS"):
    return GridMap.between(geometry, orientation=orientation, spacing_mm=mm)


def random_logits(grid, *, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((classes, *grid.model_shape), generator=generator)


def labels_of(volume: Volume, grid: GridMap, thresholds=(90.0, 110.0)) -> np.ndarray:
    """Segment with the simplest net there is: a class for each range of intensity."""
    image = grid.prepare(volume.array)[0]
    logits = torch.stack([torch.zeros_like(image), *(image - t for t in thresholds)])
    logits[2] = 2 * logits[2]
    whole = the_whole(grid.model_shape)
    oriented = grid.labels(logits, whole, grid.oriented_box(whole))
    return grid.to_source(oriented.numpy())


@given(geometries(), layouts(), st.sampled_from(SPACINGS))
def test_labels_of_a_re_oriented_copy_are_the_re_oriented_labels(geometry, layout, mm):
    volume = noise(geometry)
    copy = laid_out(volume, layout)
    labels = labels_of(volume, a_grid(geometry, mm))
    again = labels_of(copy, a_grid(copy.geometry, mm))
    assert labels.shape == geometry.shape_kji
    np.testing.assert_array_equal(again, laid_out_array(labels, layout))


@given(geometries(), layouts())
def test_an_array_comes_back_from_the_oriented_grid_as_it_went(geometry, layout):
    copy = laid_out(noise(geometry), layout)
    grid = a_grid(copy.geometry, (1.0, 1.0, 1.0))
    oriented = grid.to_oriented(copy.array[0])
    assert oriented.shape == grid.oriented_shape
    np.testing.assert_array_equal(grid.to_source(oriented), copy.array[0])
    if not grid.resamples:
        np.testing.assert_array_equal(oriented, grid.prepare(copy.array)[0].numpy())


@given(geometries(), st.sampled_from(SPACINGS), st.data())
def test_a_partition_of_the_model_grid_is_a_partition_of_the_source(geometry, mm, data):
    grid = a_grid(geometry, mm)
    count = np.zeros(grid.oriented_shape, int)
    cuts = []
    for n in grid.model_shape:
        inner = data.draw(st.lists(st.integers(1, n), max_size=3))
        ends = sorted({0, n, *inner})
        cuts.append([slice(a, b) for a, b in pairwise(ends)])
    for model_box in product(*cuts):
        count[grid.oriented_box(model_box)] += 1
    assert np.all(count == 1)


@given(geometries(), st.sampled_from(SPACINGS), st.data())
def test_tiles_of_logits_give_the_labels_of_the_whole(geometry, mm, data):
    """Each tile brings no more than the support of its own source voxels."""
    grid = a_grid(geometry, mm)
    logits = random_logits(grid)
    whole = the_whole(grid.model_shape)
    expected = grid.labels(logits, whole, grid.oriented_box(whole))
    tile = data.draw(st.tuples(*[st.integers(1, 7)] * 3))
    came = torch.full_like(expected, 255)
    tiles = [
        [slice(start, min(start + edge, n)) for start in range(0, n, edge)]
        for n, edge in zip(grid.model_shape, tile, strict=True)
    ]
    for model_box in product(*tiles):
        box = grid.oriented_box(model_box)
        support = grid.support(box)
        came[box] = grid.labels(logits[(slice(None), *support)], support, box)
    assert torch.equal(came, expected)


@given(geometries(), st.sampled_from(SPACINGS), st.integers(1, 3000))
def test_the_size_of_the_slabs_does_not_matter(geometry, mm, slab_bytes):
    grid = a_grid(geometry, mm)
    logits = random_logits(grid, classes=4)
    whole = the_whole(grid.model_shape)
    box = grid.oriented_box(whole)
    expected = grid.labels(logits, whole, box)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelling, "SLAB_BYTES", AtATime(slab_bytes, 0))
        assert torch.equal(grid.labels(logits, whole, box), expected)


@given(geometries(), st.sampled_from(SPACINGS))
def test_labels_are_those_of_scipys_linear_interpolation(geometry, mm):
    grid = a_grid(geometry, mm)
    logits = random_logits(grid)
    whole = the_whole(grid.model_shape)
    came = grid.labels(logits, whole, grid.oriented_box(whole)).numpy()
    coordinates = np.meshgrid(
        *[
            (np.arange(n) + 0.5) * scale - 0.5
            for n, scale in zip(grid.oriented_shape, grid.scales, strict=True)
        ],
        indexing="ij",
    )
    expected = np.stack(
        [
            map_coordinates(c.astype(float), coordinates, order=1, mode="nearest")
            for c in logits.numpy()
        ]
    )
    two_best = np.sort(expected, axis=0)[-2:]
    clear = two_best[1] - two_best[0] > 1e-4
    np.testing.assert_array_equal(came[clear], expected.argmax(axis=0)[clear])


@given(geometries(), st.sampled_from(["RAS", "LPS", "SAR"]))
def test_without_resampling_labels_are_the_cropped_argmax(geometry, orientation):
    axes = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2}
    nearest, _ = geometry.nearest_axes()
    mm = tuple(geometry.spacing_mm[nearest[axes[letter]]] for letter in orientation)
    grid = a_grid(geometry, mm, orientation)
    logits = random_logits(grid, classes=5)
    box = tuple(slice(n // 3, n) for n in grid.model_shape)
    assert grid.oriented_box(box) == box == grid.support(box)
    labels = grid.labels(logits, the_whole(grid.model_shape), box)
    assert labels.dtype == torch.uint8
    assert torch.equal(labels, logits.argmax(dim=0)[box].to(torch.uint8))


def test_of_equal_logits_the_first_class_wins():
    grid = a_grid(Geometry((3, 3, 3), (1.0, 1.0, 1.0)), (1.0, 1.0, 1.0))
    whole = the_whole(grid.model_shape)
    assert not grid.labels(torch.ones(4, 3, 3, 3), whole, whole).any()


@pytest.mark.parametrize("layout", ["contiguous", "channels last", "bfloat16"])
def test_the_layout_and_type_of_the_logits_do_not_matter(layout):
    grid = a_grid(Geometry((9, 8, 7), (1.0, 1.2, 1.0)), (1.5, 1.2, 0.8))
    logits = random_logits(grid).bfloat16().float()
    whole = the_whole(grid.model_shape)
    expected = grid.labels(logits, whole, grid.oriented_box(whole))
    if layout == "channels last":
        logits = logits.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)
    if layout == "bfloat16":
        logits = logits.bfloat16()
    assert torch.equal(grid.labels(logits, whole, grid.oriented_box(whole)), expected)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_finer_copy_gets_finer_labels(factor):
    """At most 1.5 % of the voxels differ from the field itself, all near its surfaces."""
    coarse, fine = (_a_smooth_field(n) for n in (1, factor))
    labels = labels_of(coarse, a_grid(coarse.geometry, (1.0, 1.0, 1.0)))
    finer = labels_of(fine, a_grid(fine.geometry, (1.0, 1.0, 1.0)))
    np.testing.assert_array_equal(labels, _classes(coarse))
    assert np.mean(finer != _classes(fine)) < 0.015


def test_a_nearest_neighbour_copy_gets_labels_within_a_voxel():
    volume = _a_smooth_field(1)
    array = volume.array.repeat(2, 1).repeat(2, 2).repeat(2, 3)
    size = tuple(2 * n for n in volume.geometry.size_ijk)
    copy = Volume(array, Geometry(size, (0.5, 0.5, 0.5)))
    labels = labels_of(volume, a_grid(volume.geometry, (1.0, 1.0, 1.0)))
    again = labels_of(copy, a_grid(copy.geometry, (1.0, 1.0, 1.0)))
    repeated = labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert np.mean(again != repeated) < 0.03


@given(geometries(), st.sampled_from(SPACINGS))
def test_only_ties_change_when_logits_change_a_little(geometry, mm):
    grid = a_grid(geometry, mm)
    logits = random_logits(grid, classes=4)
    logits[3] = logits[1] + 1e-4 * (logits[2] > 0)
    whole = the_whole(grid.model_shape)
    box = grid.oriented_box(whole)
    labels, ties = grid.labels_and_ties(logits, whole, box, within=1e-3)
    disturbed = logits.clone()
    disturbed[3] -= 2e-4
    changed = grid.labels(disturbed, whole, box) != labels
    assert not (changed & ~ties).any()


def test_ties_are_found_as_by_sorting():
    grid = a_grid(Geometry((9, 8, 7), (1.0, 1.0, 1.0)), (1.0, 1.0, 1.0))
    logits = random_logits(grid, classes=5)
    box = (slice(1, 6), slice(2, 8), slice(0, 9))
    best, second = logits[(slice(None), *box)].topk(2, dim=0).values
    _, ties = grid.labels_and_ties(logits, the_whole(grid.model_shape), box, within=0.1)
    assert torch.equal(ties, best - second <= 0.1 * (1 + best.abs()))
    assert 0 < ties.sum() < ties.numel()


def test_an_empty_box_gives_an_empty_tensor():
    grid = a_grid(Geometry((3, 3, 3), (5.0, 5.0, 5.0)), (1.0, 1.0, 1.0))
    box = grid.oriented_box((slice(0, 1), slice(0, 15), slice(0, 15)))
    assert box[0].start == box[0].stop
    support = grid.support(box)
    logits = torch.zeros((2, *(s.stop - s.start for s in support)))
    assert grid.labels(logits, support, box).shape == (0, 3, 3)


def test_logits_that_do_not_cover_the_box_are_refused():
    grid = a_grid(Geometry((6, 6, 6), (1.0, 1.0, 1.0)), (1.5, 1.5, 1.5))
    whole = the_whole(grid.model_shape)
    part = (slice(0, 2), *whole[1:])
    logits = random_logits(grid)
    with pytest.raises(ValueError, match="do not cover"):
        grid.labels(logits[:, 0:2], part, the_whole((6, 6, 6)))
    with pytest.raises(ValueError, match="do not cover"):
        grid.labels(logits, part, the_whole((6, 6, 6)))


def _a_smooth_field(finer: int) -> Volume:
    """A sum of long waves, sampled on one grid or another over the same box."""
    n = np.array([20, 22, 24])
    places = [(np.arange(m * finer) + 0.5) / finer for m in n]
    k, j, i = np.meshgrid(*places, indexing="ij")
    array = 100 + 30 * np.sin(k / 4) * np.cos(j / 5) + 20 * np.sin(i / 6)
    size = (24 * finer, 22 * finer, 20 * finer)
    return Volume(array[None].astype(np.float32), Geometry(size, (1.0 / finer,) * 3))


def _classes(volume: Volume) -> np.ndarray:
    image = volume.array[0]
    return np.stack([0 * image, image - 90, 2 * (image - 110)]).argmax(axis=0)
