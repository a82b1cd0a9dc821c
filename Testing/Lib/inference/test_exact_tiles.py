"""In fp32, a volume cut into tiles gives what the whole volume gives, whatever the net, the volume and the tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.inference.tiles import split, standard_edge, with_halo
from CompactSegLib.network.boxes import full_box, shape_of
from CompactSegLib.network.config import BranchConfig
from CompactSegLib.network.reach import halo
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.inference.models_in_memory import (
    a_volume,
    model_in_memory,
    out_of_memory_above,
    run_for,
)
from Testing.Lib.nets import calls_of, layer, net_config, net_configs, parallel, random_net, serial

pytestmark = pytest.mark.slow

shapes = st.tuples(*[st.integers(2, 21)] * 3)


@settings(max_examples=20)
@given(config=net_configs(), shape=shapes, tile=st.integers(1, 12), kept=st.booleans())
def test_labels_of_any_tile_size_equal_those_of_the_whole_volume(config, shape, tile, kept):
    model, volume = model_in_memory(config), a_volume(shape, channels=config.in_channels)
    at_once = run_for(model, volume, tile=64).levels(all_levels=True)
    in_tiles = run_for(model, volume, tile=tile, kept_bytes=None if kept else 0)
    for expected, level in zip(at_once, in_tiles.levels(all_levels=True), strict=True):
        np.testing.assert_array_equal(level.labels, expected.labels)
    assert all(message.startswith("Nothing was found") for message in in_tiles.info.messages)


@settings(max_examples=20)
@given(config=net_configs(), shape=shapes, tile=st.integers(1, 12))
def test_logits_of_any_tile_agree_with_those_of_the_whole_volume(config, shape, tile):
    net = random_net(config)
    image = torch.randn((1, config.in_channels, *shape), generator=torch.Generator().manual_seed(0))
    level = config.levels
    with torch.no_grad():
        evaluation = net.evaluate(image)
        expected = evaluation.logits(level)
        for core in split(full_box(shape), tile, stride=config.stride()):
            around = halo(config, level)
            region = with_halo(core, around, stride=config.stride(), shape=shape)
            part = net.evaluate(image[(..., *region)]).logits(level)
            inner = [
                slice(c.start - r.start, c.stop - r.start)
                for c, r in zip(core, region, strict=True)
            ]
            difference = (part[(..., *inner)] - expected[(..., *core)]).abs().max()
            assert difference <= 1e-4 * max(1.0, float(expected.abs().max()))


def test_a_halo_one_voxel_short_is_noticed():
    """The property above can fail: the halo is as large as it must be and no larger."""
    config = net_config(
        serial(layer(3)),
        parallel(BranchConfig((layer(3),)), BranchConfig((layer(3),), pool=4)),
    )
    net, shape = random_net(config), (40, 8, 8)
    image = torch.randn((1, 1, *shape), generator=torch.Generator().manual_seed(0))
    reach = halo(config, 1)

    def worst(margin: int) -> float:
        core = slice(16, 24)
        region = slice(max(0, core.start - margin), core.stop + margin)
        start = region.start // 4 * 4
        with torch.no_grad():
            expected = net(image)[0][:, :, core]
            part = net(image[:, :, start : region.stop])[0]
        return float((part[:, :, 16 - start : 24 - start] - expected).abs().max())

    assert worst(reach.before) <= 1e-5
    assert worst(reach.before - 4) > 1e-3


@given(shape=shapes, edge=st.integers(1, 30), stride=st.sampled_from([1, 2, 4, 8]))
def test_cores_are_a_partition_that_begins_at_multiples_of_the_stride(shape, edge, stride):
    seen = np.zeros(shape, dtype=int)
    for core in split(full_box(shape), edge, stride=stride):
        seen[core] += 1
        assert all(axis.start % stride == 0 for axis in core)
        assert max(shape_of(core)) <= max(edge, stride)
    assert (seen == 1).all()


def test_a_thin_rest_is_shared_among_the_cores():
    lengths = [shape_of(core)[0] for core in split(full_box((130, 1, 1)), 128, stride=2)]
    assert lengths == [66, 64]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Let also so small a tile be labelled in parts."""
    monkeypatch.setattr("CompactSegLib.inference.tiles._PART_VOXELS", AtATime(50, 0))
    monkeypatch.setattr("CompactSegLib.inference.tiles._LEAST_ROWS", 2)


@pytest.fixture
def standard_tiles(monkeypatch):
    """Let ties be decided from tiles of an edge, instead of the whole of so small a volume."""

    def set_edge(edge: int | None) -> None:
        if edge is not None:
            monkeypatch.setattr("CompactSegLib.inference.tiles._MOST_WHOLE_VOXELS", 0)
            monkeypatch.setattr("CompactSegLib.inference.tiles._STANDARD_EDGE", edge)

    return set_edge


@pytest.mark.parametrize("edge", [2, 4, None], ids=["tiles of 2", "tiles of 4", "the whole"])
@pytest.mark.parametrize("kept_bytes", [None, 0], ids=["kept maps", "none kept"])
def test_voxels_that_tie_are_labelled_alike_in_any_tiling(
    monkeypatch, standard_tiles, edge, kept_bytes
):
    """With every voxel taken for a tie, labels come from standard tiles, which no tiling changes."""
    standard_tiles(edge)
    config = net_config(serial(layer(2)), serial(layer(2), pool=2), serial(layer(2)))
    model, volume = model_in_memory(config), a_volume((6, 5, 4))
    expected = [each.labels for each in run_for(model, volume).levels(all_levels=True)]
    wrong = GridMap.labels_and_ties

    def all_tie(self, *arguments, within):
        labels, ties = wrong(self, *arguments, within=within)
        return torch.full_like(labels, 77), torch.ones_like(ties)

    monkeypatch.setattr(GridMap, "labels_and_ties", all_tie)
    for tile in (2, 6):
        run = run_for(model, volume, tile=tile, kept_bytes=kept_bytes)
        for number, labels in enumerate(expected, start=1):
            np.testing.assert_array_equal(run.level(number).labels, labels)


def test_the_bar_moves_while_ties_are_decided(monkeypatch, standard_tiles):
    standard_tiles(2)
    monkeypatch.setattr("CompactSegLib.inference.tiled_level._CLOSE", 1e9)
    config = net_config(serial(layer(2)), serial(layer(2)), serial(layer(2)))
    run, told = run_for(model_in_memory(config), a_volume((6, 5, 4)), tile=64), []
    for number, steps in ((1, 3), (2, 2)):  # level 2 begins with the map that level 1 left
        told.clear()
        run.level(number, progress=lambda step: told.append(step.fraction))
        assert told == sorted(told)
        standard = 3 * 3 * 2
        assert len({fraction for fraction in told if fraction > steps / (steps + 1)}) == standard
        assert told[-1] == 1


def test_ties_cost_nothing_in_standard_tiles_and_a_pass_in_others(monkeypatch, standard_tiles):
    standard_tiles(4)
    config = net_config(serial(layer(2)), serial(layer(2)), serial(layer(2)))
    model, volume = model_in_memory(config), a_volume((6, 5, 4))
    monkeypatch.setattr("CompactSegLib.inference.tiled_level._CLOSE", 1e9)

    def block_runs(tile: int | None) -> int:
        run = run_for(model, volume, tile=tile)
        calls = calls_of(run.processor.net.blocks)
        list(run.levels(all_levels=True))
        return sum(calls)

    standard, blocks = 2 * 2 * 1, 3
    assert block_runs(None) == block_runs(4) == standard * blocks
    # Once for all voxels that tie, be they all there are.
    assert block_runs(3) == 2 * 2 * 2 * blocks + standard * blocks


def test_without_memory_to_decide_ties_the_report_says_so(monkeypatch):
    monkeypatch.setattr("CompactSegLib.inference.tiled_level._CLOSE", 1e9)
    config = net_config(serial(layer(2)), serial(layer(2)))
    run = run_for(model_in_memory(config), a_volume((12, 12, 12)), tile=2)
    out_of_memory_above(run, 1000)
    run.level(1)
    assert "1728 voxels tie between two labels, and there was no memory" in run.info.messages[0]


def test_a_volume_is_cut_by_its_size_alone_for_what_decides_ties():
    assert standard_edge((128, 128, 90), stride=8) >= 128
    assert standard_edge((20, 400, 17), stride=8) == 400
    assert standard_edge((200, 200, 200), stride=8) >= 200
    assert standard_edge((256, 256, 200), stride=8) == 144


@pytest.mark.parametrize("tile", [8, 16])
def test_resampled_grids_are_cut_exactly_too(tile):
    config = net_config(
        serial(layer(3)), parallel(BranchConfig((layer(3),)), BranchConfig((layer(3),), pool=2))
    )
    model = model_in_memory(config, spacing_mm=(1.0, 1.3, 0.8))
    volume = a_volume((20, 17, 23), spacing_mm=(0.7, 1.0, 2.0))
    expected = run_for(model, volume, tile=128).level(1).labels
    assert len(np.unique(expected)) > 1
    actual = run_for(model, volume, tile=tile).level(1).labels
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("tile", [8, 32])
def test_scores_of_all_classes_never_exist_for_the_whole_volume(tile):
    """Also where it is one tile."""
    config = net_config(serial(layer(2)), serial(layer(2), pool=2), classes=4)
    run = run_for(model_in_memory(config), a_volume((32, 32, 32)), tile=tile)
    sizes: list[int] = []
    for head in run.processor.net.heads:
        head.register_forward_hook(lambda _m, _i, scores: sizes.append(scores.numel()))
    run.level(1)
    assert len(sizes) >= 16
    assert max(sizes) <= 4 * 32**3 / 8
