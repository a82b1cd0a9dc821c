from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.blocks import PointConv, max_pool
from CompactSegLib.network.boxes import full_box
from CompactSegLib.network.config import BlockConfig, BranchConfig, HeadConfig
from CompactSegLib.network.feature_map import FeatureMap, Part
from CompactSegLib.network.folding import fold_batch_norm
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.network.upsampling import upsample
from Testing.Lib.nets import (
    calls_of,
    layer,
    net_config,
    net_configs,
    parallel,
    random_image,
    random_net,
    serial,
)

FOUR_BLOCKS = net_config(*(serial(layer(2)) for _ in range(4)))
SHAPE = (21, 11, 19)


def test_a_level_runs_its_blocks_and_its_head_and_no_more():
    net = random_net(FOUR_BLOCKS)
    blocks, heads = calls_of(net.blocks), calls_of(net.heads)
    evaluation = net.evaluate(random_image(FOUR_BLOCKS, (4, 4, 4)))
    evaluation.logits(2)
    assert (blocks, heads) == ([1, 1, 1, 0], [0, 1, 0])
    evaluation.logits(3)
    assert (blocks, heads) == ([1, 1, 1, 1], [0, 1, 1])
    evaluation.logits(3)
    assert (blocks, heads) == ([1, 1, 1, 1], [0, 1, 1])


def test_a_level_that_is_not_there_is_refused():
    evaluation = random_net(FOUR_BLOCKS).evaluate(random_image(FOUR_BLOCKS, (4, 4, 4)))
    for level in (0, 4):
        with pytest.raises(ConfigurationError, match=f"expected 1 to 3, .* got {level}"):
            evaluation.logits(level)


def test_an_image_of_the_wrong_shape_is_refused():
    with pytest.raises(ConfigurationError, match=r"expected shape \(N, 1, D, H, W\), got \(2, 4"):
        random_net(FOUR_BLOCKS).evaluate(torch.zeros(2, 4, 4, 4))


def test_a_grown_net_shares_what_was_there_and_can_be_trained():
    net = random_net(FOUR_BLOCKS)
    block = BlockConfig((BranchConfig((layer(3),)), BranchConfig((layer(2),), pool=2)))
    grown = net.add_level(block, HeadConfig())
    assert [a is b for a, b in zip(grown.blocks, net.blocks, strict=False)] == [True] * 4
    assert grown.config.levels == 4
    grown.train()(random_image(FOUR_BLOCKS, (4, 4, 4)))[-1].sum().backward()
    assert all(p.grad is not None for p in grown.blocks[-1].parameters())


def test_a_grown_net_keeps_the_precision_of_the_old_one():
    net = random_net(FOUR_BLOCKS).double()
    grown = net.add_level(serial(layer(2)), HeadConfig())
    assert {p.dtype for p in grown.parameters()} == {torch.float64}


@settings(max_examples=25)
@given(net_configs())
def test_without_gradients_branches_give_the_same_maps(config):
    """Up to rounding: what is coarser comes to the block's resolution along depth first."""
    net, image = random_net(config), random_image(config, (9, 6, 11))
    with_gradients, without = net.evaluate(image), net.evaluate(image)
    for number in range(1, config.levels + 2):
        expected = with_gradients.feature_map(number).detach()
        with torch.no_grad():
            maps = without.feature_map(number)
        scale = max(1.0, float(expected.abs().max()))
        assert (maps - expected).abs().max() <= 1e-5 * scale


@st.composite
def boxes(draw):
    box = []
    for size in SHAPE:
        start = draw(st.integers(0, size - 1))
        box.append(slice(start, draw(st.integers(start + 1, size))))
    return tuple(box)


@settings(max_examples=50)
@given(boxes(), st.integers(1, 4000))
def test_a_joined_map_is_the_same_in_any_box_and_any_slabs(box, slab_values):
    """Bit for bit; exact tiles and ties rely on it. And it is what up-sampling as a whole makes, up to rounding."""
    factors = (1, 2, 4, 8)
    generator = torch.Generator().manual_seed(0)
    parts = [
        torch.randn((1, 3, *(-(-size // factor) for size in SHAPE)), generator=generator)
        for factor in factors
    ]
    everything = FeatureMap(
        tuple(Part(part, f, full_box(SHAPE)) for part, f in zip(parts, factors, strict=True))
    )
    with torch.inference_mode():
        joined = everything.joined()
        expected = torch.cat(
            [
                upsample(part, factor=factor, shape=torch.Size(SHAPE))
                for part, factor in zip(parts, factors, strict=True)
            ],
            dim=1,
        )
        torch.testing.assert_close(joined, expected, rtol=0, atol=2e-6)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(slab_values, 0))
            came = everything.cropped(box)
            copied, doubled = came.read([(torch.clone, 1), (lambda slab: 2 * slab, 1)])
            assert torch.equal(doubled, 2 * copied)
            assert torch.equal(copied, joined[(slice(None), slice(None), *box)])
            assert torch.equal(came.joined(), copied)


@settings(max_examples=50)
@given(boxes(), st.sampled_from([1, 2, 4, 8]), st.integers(1, 4000))
def test_pooling_slab_by_slab_is_pooling_of_the_whole(box, factor, slab_values):
    """Also where the last window is cut off, and beside a reader that does not pool."""
    values = torch.randn((1, 2, *SHAPE), generator=torch.Generator().manual_seed(0))
    coarse = torch.randn((1, 3, 11, 6, 10), generator=torch.Generator().manual_seed(1))
    parts = (Part(values, 1, full_box(SHAPE)), Part(coarse, 2, full_box(SHAPE)))
    maps = FeatureMap(parts).cropped(box)
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        expected = max_pool(maps.joined(), factor)
        patch.setattr("CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(slab_values, 0))
        pooled, mean = maps.read(
            [(partial(max_pool, factor=factor), factor), (lambda slab: slab.mean(1, True), 1)]
        )
        torch.testing.assert_close(mean, maps.joined().mean(1, True))
    assert torch.equal(pooled, expected)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_slab_lies_in_memory_channels_last_also_where_it_is_one_plane(rows):
    """Else its convolutions take three times as long."""
    last = torch.channels_last_3d
    parts = [torch.randn(1, 4, 8 // f, 8 // f, 8 // f).to(memory_format=last) for f in (1, 2)]
    maps = FeatureMap(tuple(Part(part, 8 // part.shape[2], full_box((8, 8, 8))) for part in parts))
    seen: list[torch.Tensor] = []
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(rows * 8 * 8 * 8, 0)
        )
        maps.read([(lambda slab: seen.append(slab) or slab, 1)])
    assert [slab.shape[2] for slab in seen] == [rows] * (8 // rows)
    assert all(slab.is_contiguous(memory_format=last) for slab in seen)


@settings(max_examples=25)
@given(net_configs(), st.integers(1, 400))
def test_a_head_slab_by_slab_gives_the_scores_of_the_whole(config, slab_values):
    net, image = random_net(config), random_image(config, (9, 6, 11))
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(slab_values, 0))
        evaluation, maps = net.evaluate(image), {0: FeatureMap.of(image)}
        for number, block in enumerate(net.blocks, start=1):
            maps[number] = block(maps[number - 1])
        for level in range(1, config.levels + 1):
            came = net.level_logits(level, net.level_features(level, maps, shape=image.shape[-3:]))
            expected = evaluation.logits(level)
            assert came.shape == expected.shape
            scale = max(1.0, float(expected.abs().max()))
            assert (came - expected).abs().max() <= 1e-5 * scale


def test_coarser_maps_come_to_the_images_resolution_slab_by_slab_as_at_once(monkeypatch):
    config = net_config(*(replace(serial(layer(2)), pool=2) for _ in range(3)))
    monkeypatch.setattr("CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(1, 0))
    joined: list[torch.Tensor] = []
    image = random_image(config, (13, 6, 7))
    net = random_net(config)
    net.heads[1].layers.register_forward_pre_hook(lambda _, came: joined.append(came[0].clone()))
    with torch.no_grad():
        evaluation = net.evaluate(image)
        maps = {k: evaluation.feature_map(k) for k in (2, 3)}
        unjoined = {number: FeatureMap.of(values) for number, values in maps.items()}
        net.level_logits(2, net.level_features(2, unjoined, shape=image.shape[-3:]))
        joined_map = net.level_map(2, maps, shape=image.shape[-3:])
    margin = net.heads[1].margin
    rows, start = max(1, 4 * margin), 0
    for slab in joined:
        first, last = max(0, start - margin), min(13, start + rows + margin)
        torch.testing.assert_close(slab, joined_map[:, :, first:last], rtol=0, atol=2e-6)
        start += rows
    assert start >= 13


def test_the_level_feature_map_is_joined_in_slabs(monkeypatch):
    net = random_net(FOUR_BLOCKS)
    monkeypatch.setattr("CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(4 * 4 * 4 * 5, 0))
    joined = []
    net.heads[0].layers.register_forward_pre_hook(lambda _, came: joined.append(came[0].shape[2]))
    with torch.no_grad():
        evaluation = net.evaluate(random_image(FOUR_BLOCKS, (12, 4, 4)))
        maps = {number: FeatureMap.of(evaluation.feature_map(number)) for number in (1, 2)}
        net.level_logits(1, net.level_features(1, maps, shape=torch.Size((12, 4, 4))))
    assert joined == [5, 5, 2]


@settings(max_examples=25)
@given(net_configs())
def test_folding_batch_norm_changes_outputs_by_rounding_only(config):
    net = random_net(config)
    image = random_image(config, (9, 6, 11))
    with torch.no_grad():
        for before, after in zip(net(image), fold_batch_norm(net)(image), strict=True):
            scale = max(1.0, float(before.abs().max()))
            assert (before - after).abs().max() <= 1e-5 * scale


def test_a_folded_net_has_no_batch_norm_and_the_original_keeps_its_own():
    net = random_net(FOUR_BLOCKS)
    folded = fold_batch_norm(net)
    assert not any(isinstance(m, torch.nn.BatchNorm3d) for m in folded.modules())
    assert sum(isinstance(m, torch.nn.BatchNorm3d) for m in net.modules()) == 4
    assert not folded.training
    assert not any(p.requires_grad for p in folded.parameters())


@settings(max_examples=25)
@given(net_configs())
def test_logits_have_the_shape_of_any_image(config):
    with torch.no_grad():
        for shape in ((1, 1, 1), (5, 8, 3)):
            outputs = random_net(config)(random_image(config, shape))
            assert [o.shape for o in outputs] == [(1, config.classes, *shape)] * config.levels


def test_layers_of_one_voxel_learn_as_matrix_products_what_convolutions_would():
    layer = PointConv(5, 3, kernel_size=1)
    maps = torch.randn(2, 5, 4, 3, 6).contiguous(memory_format=torch.channels_last_3d)
    product, convolved = layer(maps), torch.nn.functional.conv3d(maps, layer.weight, layer.bias)
    torch.testing.assert_close(product, convolved)
    gradients = [
        torch.autograd.grad(one.square().sum(), layer.weight)[0] for one in (product, convolved)
    ]
    torch.testing.assert_close(*gradients)
    with torch.no_grad():
        # Whatever a tile's size is, its voxels get the same.
        assert torch.equal(layer(maps[:, :, 1:3]), layer(maps)[:, :, 1:3])


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
def test_where_nothing_is_learnt_pytorch_does_not_choose_how_a_small_map_is_convolved(monkeypatch):
    """Its choice hangs on size and threads; for small maps it is up to 15 times slower."""
    config = net_config(
        serial(layer(4), layer(3)), parallel(BranchConfig((layer(5, 1), layer(4, 3, 2)), pool=2))
    )
    net = fold_batch_norm(random_net(config))
    image = random_image(config, (7, 6, 5)).contiguous(memory_format=torch.channels_last_3d)
    expected = fold_batch_norm(random_net(config).double())(image.double())

    def refuse(*_):
        raise AssertionError("PyTorch was left to choose")

    monkeypatch.setattr(torch.nn.Conv3d, "forward", refuse)
    with torch.no_grad():
        for logits, exact in zip(net(image), expected, strict=True):
            torch.testing.assert_close(logits, exact.float(), rtol=1e-4, atol=1e-5)
