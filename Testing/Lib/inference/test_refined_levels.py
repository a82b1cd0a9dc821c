"""Levels of a model that states a refinement."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.brain_mr.changes import reoriented
from CompactSegLib.errors import Cancelled
from CompactSegLib.inference.devices import Runtime
from CompactSegLib.inference.progress import LevelReporter
from CompactSegLib.inference.stop import jaccard_distances, overlap_counts
from CompactSegLib.model.model import GainCalibration, StopSettings
from CompactSegLib.volume.refinement import Refinement
from CompactSegLib.volume.volume import Volume
from Testing.Lib.inference.models_in_memory import a_volume, model_in_memory, segmenter_for
from Testing.Lib.nets import POOLED, layer, net_config, serial

CONFIG = net_config(serial(layer(4)), POOLED, POOLED, POOLED)
REFINEMENT = Refinement(1.0)
SPACING_MM = (1.0, 0.9, 2.0)


@pytest.fixture
def a_noise():
    return a_volume((14, 16, 18), spacing_mm=SPACING_MM)


def levels_of(volume, refinement, **options):
    segmenter = segmenter_for(model_in_memory(CONFIG, seed=3, refinement=refinement), **options)
    return segmenter, list(segmenter.levels(volume, all_levels=True))


def test_every_level_is_refined_by_the_volume(a_noise):
    segmenter, plain = levels_of(a_noise, None)
    grid = segmenter.start(a_noise).grid
    _, refined = levels_of(a_noise, REFINEMENT)
    for before, after in zip(plain, refined, strict=True):
        oriented = (grid.to_oriented(each) for each in (before.labels, a_noise.array[0]))
        wanted = grid.to_source(REFINEMENT.apply(*oriented, SPACING_MM[::-1]))
        assert (after.labels == wanted).all()
        assert (after.labels != before.labels).any()
        assert not after.labels.flags.writeable
        voxel = a_noise.geometry.voxel_millilitres
        assert list(after.millilitres.values()) == pytest.approx(
            [(after.labels == value).sum() * voxel for value in (1, 2)]
        )
    counts = overlap_counts(refined[0].labels, refined[1].labels, classes=CONFIG.classes)
    assert refined[1].improvement == max(jaccard_distances(counts).values())


def test_the_order_of_voxels_in_memory_makes_no_difference(a_noise):
    _, levels = levels_of(a_noise, REFINEMENT)
    turned = reoriented(a_noise, "PIR")
    _, again = levels_of(turned, REFINEMENT)
    for before, after in zip(levels, again, strict=True):
        as_volume = Volume(before.labels[None], a_noise.geometry, name="labels")
        assert (reoriented(as_volume, "PIR").array[0] == after.labels).all()


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
    segmenter, plain = levels_of(a_noise, None)
    grid, own = segmenter.start(a_noise).grid, plain[0].labels
    segmenter = segmenter_for(model_in_memory(CONFIG, seed=3, refinement=REFINEMENT))
    evaluation = segmenter.start(a_noise)
    report = LevelReporter(1, levels=3, voxels=1, progress=None, cancel=None)
    wanted = evaluation._refined(grid.to_oriented(own), report)
    assert not segmenter.info.messages
    # A device that computes nothing.
    monkeypatch.setattr(segmenter, "runtime", Runtime(torch.device("meta"), "fp32"))
    assert (evaluation._refined(grid.to_oriented(own), report) == wanted).all()
    assert ["meta could not refine labels" in each for each in segmenter._messages] == [True]


def test_the_expected_gain_is_that_of_the_net_alone(a_noise):
    calibrated = StopSettings(0.0, "dice", (GainCalibration(2, 0.5, 0.001, 4),))
    gains = []
    for refinement in (None, REFINEMENT):
        model = model_in_memory(CONFIG, seed=3, refinement=refinement, stop=calibrated)
        levels = list(segmenter_for(model).levels(a_noise, all_levels=True))
        gains.append([level.expected_gain for level in levels])
    assert gains[0] == gains[1]
    assert gains[0][1] > 0.001
    assert gains[0][0] is gains[0][2] is None


def test_refining_can_be_cancelled(a_noise, monkeypatch):
    segmenter = segmenter_for(model_in_memory(CONFIG, seed=3, refinement=REFINEMENT))
    apply, refining = Refinement.apply, []

    def begun(*arguments, **options):
        refining.append(True)
        return apply(*arguments, **options)

    monkeypatch.setattr(Refinement, "apply", begun)
    with pytest.raises(Cancelled):
        next(segmenter.levels(a_noise, cancel=lambda: bool(refining)))
