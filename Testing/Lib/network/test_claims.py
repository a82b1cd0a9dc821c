"""A walk through the claims of US 10,783,640, a test or more each, named after the claim, on the nets that ship.

Claims 1 to 9 are on a system, 10 to 16 on a method, 17 to 20 on a stored program. What they have in common, the net,
is tested here, once; how each uses it in `test_claims_in_use`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from CompactSegLib import Model, load_model
from CompactSegLib.inference.devices import select_runtime
from CompactSegLib.inference.processor import Processor
from CompactSegLib.network.claims import claims_of
from CompactSegLib.network.config import BranchConfig, HeadConfig
from CompactSegLib.network.feature_map import FeatureMap
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.network.reach import halo
from Testing.Lib.nets import layer, net_config, parallel, random_image, serial
from Testing.Lib.network.gradients import gradient_reach
from Testing.Lib.network.plain import Plain

SHIPPED = ("brain-mr", "hippocampus-mr")
SHAPE = (17, 14, 19)  # no multiple of a stride


@pytest.fixture(scope="module", params=SHIPPED)
def a_model(request) -> Model:
    return load_model(request.param)


@pytest.fixture(scope="module")
def a_net(a_model) -> MultiLevelNet:
    """The net that the engine runs: batch norm folded, on its device."""
    return Processor(a_model.net, select_runtime("cpu", "fp32")).net


@pytest.fixture(scope="module")
def the_brain_net() -> MultiLevelNet:
    return load_model("brain-mr").net


@pytest.fixture(scope="module")
def an_image(a_net) -> Tensor:
    return random_image(a_net.config, SHAPE)


@pytest.fixture(scope="module")
def plain(a_model, an_image) -> Plain:
    return Plain(a_model, an_image)


def assert_same(actual: Tensor, expected: Tensor) -> None:
    """Up to the rounding of folded batch norm."""
    scale = float(expected.abs().max())
    assert scale > 0
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-4 * scale)


@torch.no_grad()
def test_claims_1_10_17_levels_are_heads_on_neighbouring_feature_maps(a_net, an_image, plain):
    evaluation = a_net.evaluate(an_image)
    for number, expected in enumerate(plain.maps, start=1):
        assert_same(evaluation.feature_map(number), expected)
    for level, expected in enumerate(plain.logits, start=1):
        assert_same(evaluation.logits(level), expected)
        maps = {n: FeatureMap.of(evaluation.feature_map(n)) for n in (level, level + 1)}
        assert_same(
            a_net.level_logits(level, a_net.level_features(level, maps, shape=an_image.shape[-3:])),
            expected,
        )


def test_claims_1_10_17_the_first_level_does_not_depend_on_the_third_block(a_model, an_image):
    net = a_model.trainable_net()
    net.evaluate(an_image).logits(1).sum().backward()
    for deeper in (*net.blocks[2:], *net.heads[1:]):
        assert all(parameter.grad is None for parameter in deeper.parameters())
    for needed in (*net.blocks[:2], net.heads[0]):
        assert all(parameter.grad is not None for parameter in needed.parameters())


@torch.no_grad()
def test_claims_2_11_18_parallel_layers_are_concatenated(a_net, an_image, plain):
    evaluation = a_net.evaluate(an_image)
    for number in range(2, len(a_net.config.blocks) + 1):
        joined, branches = evaluation.feature_map(number), plain.branches[number]
        assert len(branches) > 1
        channels = [branch.shape[1] for branch in branches]
        assert joined.shape[1] == sum(channels) == a_net.config.map_channels[number - 1]
        for part, branch in zip(joined.split(channels, dim=1), branches, strict=True):
            assert_same(part, branch)


def test_claims_3_12_19_dilated_layers_enlarge_the_field_of_what_they_are_in(a_net):
    """Both nets that ship have them in their second block.

    Beside a branch that pools more, as in both, a level's own field is that branch's.
    """
    block = a_net.config.blocks[1]
    (number,) = (
        at for at, branch in enumerate(block.branches) if any(e.dilation > 1 for e in branch.layers)
    )
    branch = block.branches[number]
    executed = [each.conv.dilation for each in a_net.blocks[1].branches[number].layers]
    assert executed == [(each.dilation,) * 3 for each in branch.layers]
    undilated = replace(branch, layers=tuple(replace(each, dilation=1) for each in branch.layers))
    alone, without = (
        net_config(a_net.config.blocks[0], parallel(each)) for each in (branch, undilated)
    )
    reach = halo(alone, 1)
    assert reach.before == halo(without, 1).before + branch.pool
    assert gradient_reach(alone, 1) == (reach.before, reach.after, reach.size)


@pytest.mark.parametrize("level", [1, 3])
def test_claims_3_12_19_the_receptive_field_is_the_one_that_gradients_show(a_model, level):
    computed = halo(a_model.net_config, level)
    found = gradient_reach(a_model.net_config, level)
    assert (computed.before, computed.after, computed.size) == found


def test_claims_4_13_max_pooling_in_front_of_the_layers(the_brain_net):
    """Of brain-mr's last block."""
    block = the_brain_net.blocks[3]
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn((1, the_brain_net.config.map_channels[2], *SHAPE), generator=generator)
    with torch.no_grad():
        pooled = functional.max_pool3d(maps, 2, ceil_mode=True)
        whole = block(maps)
        assert whole.shape[-3:] == pooled.shape[-3:] == (9, 7, 10)
        for part, branch in zip(
            whole.split([branch.layers[-1].conv.out_channels for branch in block.branches], dim=1),
            block.branches,
            strict=True,
        ):
            torch.testing.assert_close(part, branch(pooled), rtol=0, atol=1e-5)


@torch.no_grad()
def test_claims_4_13_max_pooling_in_a_parallel_branch(a_net):
    """Each comes back to its block's resolution."""
    second = a_net.blocks[1]
    maps = random_image(a_net.config, SHAPE).repeat(1, a_net.config.map_channels[0], 1, 1, 1)
    pools = [branch.pool for branch in second.branches]
    assert pools[0] == 1
    assert len(pools) > len({1, *pools}) - 1 > 1
    for branch in second.branches[1:]:
        coarse = branch.layers(functional.max_pool3d(maps, branch.pool, ceil_mode=True))
        finer = functional.interpolate(coarse, scale_factor=float(branch.pool), mode="trilinear")
        d, h, w = SHAPE
        torch.testing.assert_close(branch(maps), finer[..., :d, :h, :w])


@torch.no_grad()
def test_claims_5_14_heads_are_serial_convolution_blocks(a_net):
    for level, head in enumerate(a_net.heads, start=1):
        layers = [m for m in head.modules() if isinstance(m, torch.nn.Conv3d)]
        assert len(layers) > 1
        assert layers[0].in_channels == a_net.config.level_channels(level)
        assert layers[-1].out_channels == a_net.config.classes
        for one, following in pairwise(layers):
            assert one.out_channels == following.in_channels


@torch.no_grad()
def test_claims_6_15_20_only_coarser_maps_are_upsampled_before_they_are_joined(
    a_net, an_image, plain, monkeypatch
):
    ran: list[float] = []
    original = functional.interpolate

    def interpolate(*args, **options):
        ran.append(options["scale_factor"])
        return original(*args, **options)

    monkeypatch.setattr(functional, "interpolate", interpolate)
    strides = a_net.config.map_strides
    for level in range(1, a_net.levels + 1):
        ran.clear()
        maps = {number: plain.maps[number - 1] for number in (level, level + 1)}
        joined = a_net.level_map(level, maps, shape=an_image.shape[-3:])
        assert joined.shape[-3:] == SHAPE
        assert ran == [float(strides[n - 1]) for n in (level, level + 1) if strides[n - 1] > 1]


def test_claim_6_of_the_nets_that_ship_one_has_a_coarser_map_and_one_has_none():
    strides = {name: load_model(name).net_config.map_strides for name in SHIPPED}
    assert strides == {"brain-mr": (1, 1, 1, 2), "hippocampus-mr": (1, 1, 1, 1)}


@torch.no_grad()
def test_claims_8_9_maps_are_joined_voxel_by_voxel(a_net, an_image, plain):
    f1, f2 = plain.maps[:2]
    joined = a_net.level_map(1, {1: f1, 2: f2}, shape=an_image.shape[-3:])
    for d, h, w in [(0, 0, 0), (16, 13, 18), (1, 2, 3)]:
        expected = [*f1[0, :, d, h, w].tolist(), *f2[0, :, d, h, w].tolist()]
        assert joined[0, :, d, h, w].tolist() == expected


@torch.no_grad()
def test_title_scalable_a_level_is_added_and_earlier_outputs_stay_bit_identical(a_net, an_image):
    before = a_net(an_image)
    grown = a_net.add_level(serial(layer(6, dilation=2)), HeadConfig((layer(3, 1),)))
    after = grown(an_image)
    assert grown.levels == a_net.levels + 1 == len(after)
    for old, new in zip(before, after, strict=False):
        assert torch.equal(old, new)


def test_the_claims_that_a_net_executes_are_told(a_model):
    told = {claim.numbers[0]: claim.where for claim in claims_of(a_model.net_config)}
    silent = {"brain-mr": [], "hippocampus-mr": [6]}
    assert [number for number, where in told.items() if not where] == silent[a_model.name]
    told = {
        claim.numbers[0]: claim.where for claim in claims_of(net_config(*[serial(layer(3))] * 3))
    }
    assert [number for number, where in told.items() if not where] == [2, 3, 4, 6]
    rich = parallel(
        BranchConfig((layer(2, dilation=3),)), BranchConfig((layer(2),), pool=2), pool=1
    )
    coarse = net_config(serial(layer(3)), rich, serial(layer(5), pool=2))
    told = {claim.numbers[0]: claim.where for claim in claims_of(coarse)}
    assert (told[2], told[3], told[4]) == (
        "block 2: 2 branches",
        "block 2: dilation 3",
        "block 2: by 2",
    )
    assert told[6] == "feature map 3"
    assert sorted(n for claim in claims_of(coarse) for n in claim.numbers) == list(range(1, 21))
