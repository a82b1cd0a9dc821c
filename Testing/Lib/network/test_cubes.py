"""Nets that take cubes of voxels as voxels."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.utils import pixelshuffle, pixelunshuffle

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.blocks import depth_to_space, space_to_depth, voxels_at
from CompactSegLib.network.config import BranchConfig
from CompactSegLib.network.cost import level_costs, parameter_count
from Testing.Lib.nets import layer, net_config, parallel, random_image, random_net, serial

PLAIN = net_config(
    parallel(BranchConfig((layer(4),)), BranchConfig((layer(2),), pool=2)),
    serial(layer(5)),
    serial(layer(3), pool=2),
    in_channels=2,
)
EVEN = (6, 4, 8)


def finely(image: torch.Tensor) -> torch.Tensor:
    """Every voxel as a cube of eight."""
    for axis in (2, 3, 4):
        image = image.repeat_interleave(2, dim=axis)
    return image


@pytest.mark.parametrize("factor", [2, 4])
def test_channels_are_in_the_order_of_pixel_shuffle(factor):
    image = torch.randn(2, 3, 2 * factor, factor, 3 * factor)
    cubes = space_to_depth(image, factor)
    assert torch.equal(cubes, pixelunshuffle(image, 3, factor))
    assert torch.equal(depth_to_space(cubes, factor), pixelshuffle(cubes, 3, factor))


@given(shape=st.tuples(*[st.integers(1, 9)] * 3), factor=st.sampled_from([1, 2, 4]))
@settings(max_examples=25, deadline=None)
def test_what_stands_out_of_the_image_is_zero_and_is_cut_off_again(shape, factor):
    image = torch.rand(1, 2, *shape) + 1
    cubes = space_to_depth(image, factor)
    assert cubes.shape[2:] == tuple(-(-side // factor) for side in shape)
    assert torch.equal(depth_to_space(cubes, factor, shape=image.shape[2:]), image)
    assert torch.isclose(cubes.sum(), image.sum())


def test_a_finer_net_begins_with_the_scores_of_the_coarse_one():
    net = random_net(PLAIN)
    finer = net.finer(2)
    assert finer.config == dataclasses.replace(PLAIN, shuffle=2)
    assert not finer.training
    assert net.train().finer(2).training
    net.eval()
    image = random_image(PLAIN, EVEN)
    with torch.no_grad():
        for coarse, fine in zip(net(image), finer(finely(image)), strict=True):
            torch.testing.assert_close(fine, finely(coarse))
    # On the grid that it came from it costs little more, per voxel of its own an eighth of that.
    before, after = level_costs(PLAIN)[-1], level_costs(finer.config)[-1]
    assert before.macs_per_voxel / 8 < after.macs_per_voxel < before.macs_per_voxel
    assert after.receptive_field == 2 * before.receptive_field
    assert parameter_count(finer.config) > parameter_count(PLAIN)


def test_all_voxels_of_a_cube_have_scores_of_their_own():
    finer = random_net(dataclasses.replace(PLAIN, shuffle=2))
    with torch.no_grad():
        logits = finer(finely(random_image(PLAIN, EVEN)))[-1]
        places = [voxels_at(logits, place, cube=2) for place in range(8)]
    for place, mine in enumerate(places):
        assert mine.shape[2:] == EVEN
        assert not any(torch.equal(mine, other) for other in places[:place])


def test_scores_of_one_place_are_those_of_all_at_that_place():
    net = random_net(dataclasses.replace(PLAIN, shuffle=2))
    image = random_image(PLAIN, tuple(2 * side for side in EVEN))
    with torch.no_grad():
        for level in (1, 2):
            every = net.evaluate(image).logits(level)
            for place in range(8):
                some = net.evaluate(image).logits(level, place=place)
                torch.testing.assert_close(some, voxels_at(every, place, cube=2))
    assert voxels_at(image, None, cube=2) is image


def test_what_cannot_begin_on_a_finer_grid_is_refused():
    pooled = net_config(
        parallel(BranchConfig((layer(2),)), BranchConfig((), pool=2)), serial(layer(2))
    )
    for config in (pooled, dataclasses.replace(PLAIN, shuffle=2)):
        with pytest.raises(ConfigurationError, match="finer grid"):
            random_net(config).finer(2)
    with pytest.raises(ConfigurationError, match="shuffle: expected one of 1, 2, 4, got 3"):
        random_net(PLAIN).finer(3)


def test_nets_without_cubes_are_written_as_before_there_were_any():
    assert "shuffle" not in PLAIN.to_dict()
    fine = dataclasses.replace(PLAIN, shuffle=4)
    assert type(PLAIN).from_dict(fine.to_dict()) == fine
