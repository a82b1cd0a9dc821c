"""Levels of a model that states a refinement."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.brain_mr.changes import reoriented
from CompactSegLib.errors import Cancelled, DeviceError
from CompactSegLib.inference.devices import Runtime
from CompactSegLib.inference.progress import LevelReporter
from CompactSegLib.inference.stop import jaccard_distances, overlap_counts
from CompactSegLib.volume.refinement import Refinement
from CompactSegLib.volume.resampling import GridMap
from CompactSegLib.volume.volume import Volume
from Testing.Lib.inference.models_in_memory import a_volume, model_in_memory, run_for
from Testing.Lib.nets import POOLED, layer, net_config, serial

CONFIG = net_config(serial(layer(4)), POOLED, POOLED, POOLED)
REFINEMENT = Refinement(1.0)
SPACING_MM = (1.0, 0.9, 2.0)


@pytest.fixture
def a_noise():
    return a_volume((14, 16, 18), spacing_mm=SPACING_MM)


def levels_of(volume, refinement, **options):
    run = run_for(model_in_memory(CONFIG, seed=3, refinement=refinement), volume, **options)
    return run, list(run.levels(all_levels=True))


def refined_by_hand(volume, refinement) -> list[np.ndarray]:
    """Labels of each level of the net alone, refined one after the other."""
    run, plain = levels_of(volume, None)
    look, refined = None, []
    for level in plain:
        oriented = (run.grid.to_oriented(each) for each in (level.labels, volume.array[0]))
        labels, look = refinement.at_level(level.number).refined(
            *oriented, SPACING_MM[::-1], look=look
        )
        refined.append(run.grid.to_source(labels))
    return refined


def test_every_level_is_refined_by_the_volume(a_noise):
    _, plain = levels_of(a_noise, None)
    _, refined = levels_of(a_noise, REFINEMENT)
    by_hand = refined_by_hand(a_noise, REFINEMENT)
    for before, after, wanted in zip(plain, refined, by_hand, strict=True):
        assert (after.labels == wanted).all()
        assert (after.labels != before.labels).any()
        assert not after.labels.flags.writeable
        voxel = a_noise.geometry.voxel_millilitres
        assert list(after.millilitres.values()) == pytest.approx(
            [(after.labels == value).sum() * voxel for value in (1, 2)]
        )
    counts = overlap_counts(refined[0].labels, refined[1].labels, classes=CONFIG.classes)
    assert refined[1].improvement == max(jaccard_distances(counts).values())


def test_a_level_is_refined_as_is_said_of_it(a_noise):
    mixed = Refinement(1.0, first_mm=(2.0,))
    levels, by_hand = levels_of(a_noise, mixed)[1], refined_by_hand(a_noise, mixed)
    for level, wanted in zip(levels, by_hand, strict=True):
        assert (level.labels == wanted).all(), level.number
    wide, narrow = (levels_of(a_noise, Refinement(mm))[1][0] for mm in (2.0, 1.0))
    assert (levels[0].labels == wide.labels).all()
    assert (wide.labels != narrow.labels).any()


def test_levels_asked_for_later_or_again_after_an_error_are_the_same(a_noise, monkeypatch):
    _, wanted = levels_of(a_noise, REFINEMENT)
    run = run_for(model_in_memory(CONFIG, seed=3, refinement=REFINEMENT), a_noise)
    list(run.levels(most=1))
    to_source, failures = GridMap.to_source, [MemoryError("just once")]

    def failing(grid, labels):
        if failures:
            raise failures.pop()
        return to_source(grid, labels)

    monkeypatch.setattr(GridMap, "to_source", failing)
    # Level 2 has been refined by then.
    with pytest.raises(DeviceError):
        run.level(2)
    for level in wanted:
        assert (run.level(level.number).labels == level.labels).all(), level.number


def test_the_order_of_voxels_in_memory_makes_no_difference(a_noise):
    _, levels = levels_of(a_noise, REFINEMENT)
    turned = reoriented(a_noise, "PIR")
    _, again = levels_of(turned, REFINEMENT)
    for before, after in zip(levels, again, strict=True):
        as_volume = Volume(before.labels[None], a_noise.geometry, name="labels")
        assert (reoriented(as_volume, "PIR").array[0] == after.labels).all()


@pytest.mark.slow
@pytest.mark.parametrize("tile", [4, 9])
def test_refined_labels_do_not_depend_on_the_tiles(a_noise, tile):
    _, whole = levels_of(a_noise, REFINEMENT)
    _, tiled = levels_of(a_noise, REFINEMENT, tile=tile)
    for one, other in zip(whole, tiled, strict=True):
        assert np.array_equal(one.labels, other.labels)


def test_the_volume_is_left_as_it_is(a_noise):
    before = a_noise.array.copy()
    levels_of(a_noise, REFINEMENT)
    assert (a_noise.array == before).all()


def test_what_a_device_cannot_refine_the_cpu_does_and_it_is_told(a_noise, monkeypatch):
    run, plain = levels_of(a_noise, None)
    grid, own = run.grid, plain[0].labels
    run = run_for(model_in_memory(CONFIG, seed=3, refinement=REFINEMENT), a_noise)
    report = LevelReporter(1, levels=3, voxels=1, progress=None, cancel=None)
    (part,) = run._parts
    wanted = part.refined(grid.to_oriented(own), 1, REFINEMENT, run.processor, report)
    assert not run.info.messages
    # A device that computes nothing.
    monkeypatch.setattr(run.processor, "runtime", Runtime(torch.device("meta"), "fp32"))
    assert (
        part.refined(grid.to_oriented(own), 1, REFINEMENT, run.processor, report) == wanted
    ).all()
    assert ["meta could not refine labels" in each for each in run.processor.messages] == [True]


def test_refining_can_be_cancelled(a_noise, monkeypatch):
    run = run_for(model_in_memory(CONFIG, seed=3, refinement=REFINEMENT), a_noise)
    refined, refining = Refinement.refined, []

    def begun(*arguments, **options):
        refining.append(True)
        return refined(*arguments, **options)

    monkeypatch.setattr(Refinement, "refined", begun)
    with pytest.raises(Cancelled):
        next(run.levels(cancel=lambda: bool(refining)))
