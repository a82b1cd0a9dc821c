"""A walk through the claims of US 10,783,640, a test or more each, named after the claim.

Claims 1 to 9 are on a system, 10 to 16 on a method, 17 to 20 on a stored program. The system is this library with a
file to read, a model in memory and a processor; the method is ``segment``; the stored program is a model folder that is
loaded from disk and run.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CompactSegLib import Segmenter, load_model, read_volume, segment
from CompactSegLib.network.claims import claims_of
from CompactSegLib.network.config import BranchConfig, HeadConfig, NetConfig
from CompactSegLib.network.reach import receptive_field
from Testing.Lib.conftest import write_nifti
from Testing.Lib.nets import layer, net_config, parallel, random_image, random_net, serial

THREE_BLOCKS = net_config(serial(layer(3)), serial(layer(4)), serial(layer(5)), serial(layer(2)))


def counted(module: torch.nn.Module) -> list[int]:
    """A list that grows by one each time the module is executed."""
    calls: list[int] = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("claim", [1, 10, 17])
def test_claims_1_10_17_levels_are_heads_on_neighbouring_feature_maps(claim):
    net, image = random_net(THREE_BLOCKS), random_image(THREE_BLOCKS, (9, 8, 7))
    with torch.no_grad():
        evaluation = net.evaluate(image)
        f1 = net.blocks[0](image)
        f2 = net.blocks[1](f1)
        f3 = net.blocks[2](f2)
        first = net.heads[0](torch.cat([f1, f2], dim=1))
        second = net.heads[1](torch.cat([f2, f3], dim=1))
        torch.testing.assert_close(evaluation.logits(1), first, rtol=0, atol=0)
        torch.testing.assert_close(evaluation.logits(2), second, rtol=0, atol=0)
        for number, expected in enumerate((f1, f2, f3), start=1):
            torch.testing.assert_close(evaluation.feature_map(number), expected, rtol=0, atol=0)


def test_claims_1_10_17_the_first_level_does_not_depend_on_the_third_block():
    net, image = random_net(THREE_BLOCKS), random_image(THREE_BLOCKS, (6, 6, 6))
    net.evaluate(image).logits(1).sum().backward()
    assert all(parameter.grad is None for parameter in net.blocks[2].parameters())
    assert all(parameter.grad is not None for parameter in net.blocks[1].parameters())


def test_claim_1_a_system_receives_an_image_stores_a_net_and_segments(
    a_volume_file, the_tiny_model
):
    volume = read_volume(a_volume_file)
    levels = list(segment(volume, load_model(the_tiny_model.folder), all_levels=True, device="cpu"))
    assert [level.number for level in levels] == [1, 2, 3]
    assert all(level.labels.shape == volume.shape_kji for level in levels)


def test_claim_10_the_method_gives_the_nets_own_segmentation(an_oblique_volume, the_tiny_model):
    run = Segmenter(the_tiny_model, device="cpu", precision="fp32").start(an_oblique_volume)
    grid = run.grid
    image = the_tiny_model.intensity.apply(grid.prepare(an_oblique_volume.array))[None]
    whole = tuple(slice(0, size) for size in grid.model_shape)
    source = tuple(slice(0, size) for size in grid.oriented_shape)
    with torch.no_grad():
        for number, logits in enumerate(the_tiny_model.net(image), start=1):
            expected = grid.to_source(grid.labels(logits[0], whole, source).numpy())
            np.testing.assert_array_equal(run.level(number).labels, expected)


def test_claim_17_a_stored_program_gives_the_same_after_it_is_read_again(
    an_oblique_volume, the_tiny_model
):
    first, again = (load_model(the_tiny_model.folder) for _ in range(2))
    for one, other in zip(
        segment(an_oblique_volume, first, all_levels=True, device="cpu"),
        segment(an_oblique_volume, again, all_levels=True, device="cpu"),
        strict=True,
    ):
        np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("claim", [2, 11, 18])
def test_claims_2_11_18_parallel_layers_are_concatenated(claim):
    config = net_config(
        serial(layer(2)),
        parallel(
            BranchConfig((layer(3),)), BranchConfig((layer(4, 1),)), BranchConfig((layer(5),))
        ),
    )
    assert config.map_channels == (2, 12)
    net, image = random_net(config), random_image(config, (6, 7, 5))
    with torch.no_grad():
        f1 = net.blocks[0](image)
        expected = torch.cat([branch(f1) for branch in net.blocks[1].branches], dim=1)
        torch.testing.assert_close(net.blocks[1](f1), expected, rtol=0, atol=0)


@pytest.mark.parametrize("claim", [3, 12, 19])
def test_claims_3_12_19_dilation_enlarges_the_receptive_field(claim):
    plain = net_config(serial(layer(2)), serial(layer(2)))
    dilated = net_config(serial(layer(2)), serial(layer(2, dilation=3)))
    assert random_net(dilated).blocks[1].branches[0].layers[0].conv.dilation == (3, 3, 3)
    assert receptive_field(plain, 1) == 5
    assert receptive_field(dilated, 1) == 9


@pytest.mark.parametrize("claim", [4, 13])
def test_claims_4_13_max_pooling_in_front_of_the_layers(claim):
    config = net_config(serial(layer(2)), serial(layer(3), pool=2))
    net, image = random_net(config), random_image(config, (6, 8, 10))
    with torch.no_grad():
        f1 = net.blocks[0](image)
        pooled = torch.nn.functional.max_pool3d(f1, 2)
        expected = net.blocks[1].branches[0].layers(pooled)
        f2 = net.blocks[1](f1)
    assert f2.shape == (1, 3, 3, 4, 5)
    torch.testing.assert_close(f2, expected, rtol=0, atol=0)


@pytest.mark.parametrize("claim", [4, 13])
def test_claims_4_13_max_pooling_in_a_parallel_branch(claim):
    block = parallel(BranchConfig((layer(3),)), BranchConfig((layer(4),), pool=2))
    config = net_config(serial(layer(2)), block)
    net, image = random_net(config), random_image(config, (6, 8, 10))
    with torch.no_grad():
        f1 = net.blocks[0](image)
        coarse = net.blocks[1].branches[1].layers(torch.nn.functional.max_pool3d(f1, 2))
        finer = torch.nn.functional.interpolate(
            coarse, size=f1.shape[-3:], mode="trilinear", align_corners=False
        )
        f2 = net.blocks[1](f1)
    assert f2.shape == (1, 7, 6, 8, 10)
    torch.testing.assert_close(f2[:, 3:], finer)


@pytest.mark.parametrize("claim", [5, 14])
def test_claims_5_14_heads_are_serial_convolution_blocks(claim):
    heads = (HeadConfig((layer(4, 1), layer(3))),)
    config = NetConfig(1, 3, THREE_BLOCKS.blocks[:2], heads)
    head = random_net(config).heads[0]
    convolutions = [m for m in head.modules() if isinstance(m, torch.nn.Conv3d)]
    assert [conv.kernel_size[0] for conv in convolutions] == [1, 3, 1]
    assert [conv.in_channels for conv in convolutions] == [7, 4, 3]
    assert [conv.out_channels for conv in convolutions] == [4, 3, 3]


@pytest.mark.parametrize("claim", [6, 15, 20])
def test_claims_6_15_20_coarser_maps_are_upsampled_before_they_are_joined(claim):
    config = net_config(serial(layer(2)), serial(layer(3), pool=2), serial(layer(4), pool=2))
    net, image = random_net(config), random_image(config, (7, 9, 5))
    with torch.no_grad():
        evaluation = net.evaluate(image)
        shapes = [evaluation.feature_map(k).shape[-3:] for k in (1, 2, 3)]
        assert shapes == [(7, 9, 5), (4, 5, 3), (2, 3, 2)]
        joined = net.level_map(
            1,
            {k: evaluation.feature_map(k) for k in (1, 2)},
            shape=image.shape[-3:],
        )
        assert joined.shape == (1, 5, 7, 9, 5)
        assert [logits.shape[-3:] for logits in net(image)] == [(7, 9, 5)] * 2


@pytest.mark.parametrize("claim", [6, 15, 20])
def test_claims_6_15_20_nothing_is_upsampled_where_resolutions_agree(claim, monkeypatch):
    ran: list[float] = []
    original = torch.nn.functional.interpolate

    def interpolate(*args, **options):
        ran.append(options["scale_factor"])
        return original(*args, **options)

    monkeypatch.setattr(torch.nn.functional, "interpolate", interpolate)
    with torch.no_grad():
        random_net(THREE_BLOCKS)(random_image(THREE_BLOCKS, (6, 6, 6)))
        assert ran == []
        config = net_config(serial(layer(2)), serial(layer(3)), serial(layer(4), pool=2))
        random_net(config)(random_image(config, (6, 6, 6)))
        assert ran == [2.0]


@pytest.mark.parametrize("claim", [7, 16])
def test_claims_7_16_below_the_threshold_no_further_block_is_executed(
    claim, an_oblique_volume, the_tiny_model
):
    segmenter = Segmenter(the_tiny_model, device="cpu", precision="fp32")
    change = segmenter.start(an_oblique_volume).level(2).improvement
    run = segmenter.start(an_oblique_volume)
    blocks = [counted(block) for block in run.processor.net.blocks]
    heads = [counted(head) for head in run.processor.net.heads]

    levels = list(run.levels(threshold=min(1.0, change * 1.01)))

    assert [level.number for level in levels] == [1, 2]
    assert levels[-1].stop == "threshold"
    assert "below the threshold" in levels[-1].stop_reason
    assert [bool(calls) for calls in blocks] == [True, True, True, False]
    assert [bool(calls) for calls in heads] == [True, True, False]


@pytest.mark.parametrize("claim", [7, 16])
def test_claims_7_16_at_or_above_the_threshold_the_next_block_runs(
    claim, an_oblique_volume, the_tiny_model
):
    segmenter = Segmenter(the_tiny_model, device="cpu", precision="fp32")
    change = segmenter.start(an_oblique_volume).level(2).improvement
    assert change > 0
    levels = list(segmenter.start(an_oblique_volume).levels(threshold=change))
    assert [level.number for level in levels] == [1, 2, 3]
    assert levels[-1].stop == "last-level"


@pytest.mark.parametrize("claim", [8, 9])
def test_claims_8_9_maps_are_joined_voxel_by_voxel(claim):
    net = random_net(THREE_BLOCKS)
    f1, f2 = torch.randn(1, 3, 4, 5, 6), torch.randn(1, 4, 4, 5, 6)
    joined = net.level_map(1, {1: f1, 2: f2}, shape=torch.Size((4, 5, 6)))
    for d, h, w in [(0, 0, 0), (3, 4, 5), (1, 2, 3)]:
        expected = [*f1[0, :, d, h, w].tolist(), *f2[0, :, d, h, w].tolist()]
        assert joined[0, :, d, h, w].tolist() == expected


def test_title_scalable_a_level_is_added_and_earlier_outputs_stay_bit_identical():
    net, image = random_net(THREE_BLOCKS), random_image(THREE_BLOCKS, (7, 6, 9))
    with torch.no_grad():
        before = net(image)
        grown = net.add_level(serial(layer(6, dilation=2)), HeadConfig((layer(3, 1),)))
        after = grown(image)
    assert grown.levels == net.levels + 1 == len(after)
    for old, new in zip(before, after, strict=False):
        assert torch.equal(old, new)


def test_the_image_may_come_from_any_file_format(tmp_path, an_oblique_volume, the_tiny_model):
    results = []
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        volume = read_volume(write_nifti(an_oblique_volume, tmp_path / name))
        results.append(next(segment(volume, the_tiny_model, device="cpu")).labels)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_the_claims_that_a_net_executes_are_told():
    plain = {claim.numbers[0]: claim.where for claim in claims_of(THREE_BLOCKS)}
    assert [number for number, where in plain.items() if not where] == [2, 3, 4, 6]
    rich = parallel(
        BranchConfig((layer(2, dilation=3),)), BranchConfig((layer(2),), pool=2), pool=1
    )
    coarse = net_config(serial(layer(3)), rich, serial(layer(5), pool=2))
    told = {claim.numbers[0]: claim.where for claim in claims_of(coarse)}
    assert all(told.values())
    assert (told[2], told[3], told[4]) == (
        "block 2: 2 branches",
        "block 2: dilation 3",
        "block 2: by 2",
    )
    assert told[6] == "feature map 3"
    assert sorted(n for claim in claims_of(coarse) for n in claim.numbers) == list(range(1, 21))
