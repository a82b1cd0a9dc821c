"""Feature maps kept from level to level: what the next level begins with, and within which limit."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from CompactSegLib.errors import Cancelled, DeviceError
from CompactSegLib.inference.kept_map import KeptMap
from CompactSegLib.network.feature_map import FeatureMap
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.inference.models_in_memory import a_volume, model_in_memory, run_for
from Testing.Lib.nets import POOLED, layer, net_config, random_image, random_net, serial


@pytest.fixture
def a_model():
    return model_in_memory(net_config(serial(layer(4)), POOLED, POOLED, POOLED))


def test_without_memory_for_kept_maps_blocks_run_again_and_labels_are_the_same(a_model):
    volume = a_volume((8, 9, 10))
    kept = [level.labels for level in run_for(a_model, volume).levels(all_levels=True)]
    run = run_for(a_model, volume, kept_bytes=0)
    levels = list(run.levels(all_levels=True))
    assert [level.blocks_run for level in levels] == [2, 3, 4]
    for level, expected in zip(levels, kept, strict=True):
        np.testing.assert_array_equal(level.labels, expected)


def test_a_limit_keeps_only_maps_that_fit(a_model):
    volume = a_volume((8, 9, 10))
    one_map = 6 * 8 * 9 * 10 * 4
    levels = run_for(a_model, volume, kept_bytes=one_map).levels(all_levels=True)
    # F_3 is computed while F_2 is still read: two maps do not fit, and level 3 begins with F_2.
    assert [level.blocks_run for level in levels] == [2, 1, 2]
    levels = run_for(a_model, volume, kept_bytes=2 * one_map).levels(all_levels=True)
    assert [level.blocks_run for level in levels] == [2, 1, 1]


def test_a_map_of_the_whole_volume_is_kept_as_it_is_and_one_of_tiles_is_put_together():
    config = net_config(serial(layer(4)), serial(layer(3)), serial(layer(3)))
    whole = (slice(0, 8), slice(0, 6), slice(0, 5))
    values = torch.arange(3 * 8 * 6 * 5.0).reshape(1, 3, 8, 6, 5)
    for cores in ([whole], [(slice(0, 3), *whole[1:]), (slice(3, 8), *whole[1:])]):
        kept = KeptMap(config, shape=(8, 6, 5), limit_bytes=10**6)
        kept.begin(1, dtype=torch.float32)
        for core in cores:
            kept.write(2, FeatureMap.of(values), region=whole, core=core)
        kept.finish(is_standard=True)
        read = kept.read(whole).joined()
        assert torch.equal(read, values)
        assert (read.data_ptr() == values.data_ptr()) == (cores == [whole])


def test_of_a_volume_in_tiles_branches_are_kept_at_their_own_resolution():
    config = net_config(serial(layer(4)), POOLED, serial(layer(3)))
    net, image = random_net(config), random_image(config, (16, 12, 10))
    kept = KeptMap(config, shape=(16, 12, 10), limit_bytes=10**6)
    kept.begin(1, dtype=torch.float32)
    everything = (slice(0, 16), slice(0, 12), slice(0, 10))
    with torch.inference_mode():
        made = net.blocks[1](net.blocks[0](FeatureMap.of(image)))
        expected = made.joined()
        for rows in (slice(0, 8), slice(8, 16)):
            kept.write(2, made, region=everything, core=(rows, *everything[1:]))
        kept.finish(is_standard=True)
        assert (
            kept.bytes == sum(part.values.numel() * 4 for part in made.parts) < expected.numel() * 4
        )
        for region in (everything, (slice(4, 13), slice(0, 9), slice(8, 10))):
            assert torch.equal(
                kept.read(region).joined(), expected[(slice(None), slice(None), *region)]
            )


def test_after_the_last_level_neither_maps_nor_image_are_kept_and_levels_are_known():
    config = net_config(serial(layer(4)), POOLED, POOLED, POOLED)
    run = run_for(model_in_memory(config), a_volume((8, 9, 10)))
    levels = [run.level(1), run.level(2)]
    (part,) = run._parts
    kept, image = part.image.kept, weakref.ref(part.image)
    assert kept.bytes > 0
    levels.append(run.level(3))
    assert kept.bytes == 0
    assert image() is None
    assert [run.level(number) for number in (1, 2, 3)] == levels


def test_the_last_level_is_computed_again_after_it_was_cancelled(a_model):
    expected = run_for(a_model, a_volume((8, 9, 10))).level(3)
    run = run_for(a_model, a_volume((8, 9, 10)), tile=6)
    run.level(2)
    told = []
    with pytest.raises(Cancelled):
        run.level(3, progress=told.append, cancel=lambda: len(told) > 2)
    level = run.level(3)
    assert level.blocks_run == 1
    np.testing.assert_array_equal(level.labels, expected.labels)


def test_the_last_level_is_computed_again_where_there_was_no_memory_for_its_labels(
    a_model, monkeypatch
):
    def refuse(*_):
        raise MemoryError

    expected = run_for(a_model, a_volume((8, 9, 10))).level(3)
    run = run_for(a_model, a_volume((8, 9, 10)))
    run.level(2)
    with monkeypatch.context() as patch:
        patch.setattr(GridMap, "to_source", refuse)
        with pytest.raises(DeviceError):
            run.level(3)
    np.testing.assert_array_equal(run.level(3).labels, expected.labels)
