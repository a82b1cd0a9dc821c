"""Levels as the engine yields them: lazily, on the source grid, with what is known of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib import Level, Segmenter, segment
from CompactSegLib.errors import Cancelled, ConfigurationError, InputError
from CompactSegLib.network.blocks import ConvLayer
from CompactSegLib.volume.volume import Volume
from Testing.Lib.inference.models_in_memory import (
    a_volume,
    model_in_memory,
    out_of_memory_above,
    run_for,
)
from Testing.Lib.nets import POOLED, calls_of, layer, net_config, serial
from Testing.Lib.volume.frames import laid_out, laid_out_array, layouts

CONFIG = net_config(serial(layer(4)), POOLED, POOLED, POOLED)


@pytest.fixture
def a_model():
    """Its labels are all there at every level, and none changes entirely."""
    return model_in_memory(CONFIG, seed=3)


def test_a_deeper_level_later_runs_one_block_and_one_head(a_model):
    run = run_for(a_model, a_volume((8, 9, 10)))
    calls = calls_of(run.processor.net.blocks)
    first = run.level(1)
    assert (calls, first.blocks_run) == ([1, 1, 0, 0], 2)
    second = run.level(2)
    assert (calls, second.blocks_run) == ([1, 1, 1, 0], 1)
    assert run.level(1) is first
    third = run.level(3)
    assert (calls, third.blocks_run) == ([1, 1, 1, 1], 1)


def test_levels_that_nobody_takes_are_not_computed(a_model):
    run = run_for(a_model, a_volume((6, 6, 6)))
    calls = calls_of(run.processor.net.blocks)
    levels = run.levels(all_levels=True)
    assert calls == [0, 0, 0, 0]
    next(levels)
    assert calls == [1, 1, 0, 0]


def test_levels_say_why_they_end(a_model):
    volume = a_volume((9, 8, 7))
    *early, last = segment(volume, a_model, all_levels=True, device="cpu")
    assert [level.stop for level in early] == [None, None]
    assert (last.stop, last.stop_reason) == ("last-level", "all 3 levels computed")
    (only,) = segment(volume, a_model, levels=1, device="cpu")
    assert (only.stop, only.stop_reason) == (
        "levels-requested",
        "level 1 was the deepest asked for",
    )
    *_, stopped = segment(volume, a_model, threshold=just_above(early[1]), device="cpu")
    assert stopped.number == 2
    assert stopped.stop == "threshold"
    assert stopped.stop_reason.startswith(f"the change {early[1].improvement:.4f} is below")


def test_the_models_own_threshold_is_the_default(a_model):
    volume = a_volume((9, 8, 7))
    *_, second, _ = segment(volume, a_model, all_levels=True, device="cpu")
    model = model_in_memory(CONFIG, seed=3, threshold=just_above(second))
    assert [level.number for level in segment(volume, model, device="cpu")] == [1, 2]
    model = model_in_memory(CONFIG, threshold=0.0)
    assert [level.number for level in segment(volume, model, device="cpu")] == [1, 2, 3]


def just_above(level: Level) -> float:
    """A threshold that this level's improvement does not reach."""
    assert level.improvement < 1
    return level.improvement + 1e-6


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan"), True, "0.1"])
def test_an_impossible_threshold_is_refused_at_once(a_model, threshold):
    with pytest.raises(ConfigurationError, match="threshold: expected a number from 0 to 1"):
        segment(a_volume((6, 6, 6)), a_model, threshold=threshold, device="cpu")


@pytest.mark.parametrize("levels", [0, 4, 1.5, True])
def test_a_level_that_the_model_lacks_is_refused_at_once(a_model, levels):
    with pytest.raises(ConfigurationError, match=f"expected 1 to 3, .* got {levels}"):
        segment(a_volume((6, 6, 6)), a_model, levels=levels, device="cpu")


def test_a_volume_with_other_channels_is_refused_at_once(a_model):
    with pytest.raises(InputError, match=r"noise: expected 1 channel\(s\).*got 2"):
        segment(a_volume((6, 6, 6), channels=2), a_model, device="cpu")


def test_improvement_and_millilitres_are_those_of_the_labels(a_model):
    volume = a_volume((9, 8, 7), spacing_mm=(0.5, 1.0, 2.0))
    first, second, _ = segment(volume, a_model, all_levels=True, device="cpu")
    assert first.improvement is None
    changes = {}
    for label in a_model.labels:
        a, b = first.labels == label.value, second.labels == label.value
        changes[label.name] = 1 - (a & b).sum() / (a | b).sum()
        assert second.millilitres[label.name] == pytest.approx(b.sum() * 1.0 / 1000)
    assert second.improvement_by_label == pytest.approx(changes)
    assert second.improvement == pytest.approx(max(changes.values()))


@pytest.mark.slow
@settings(max_examples=24)
@given(layout=layouts(), thick=st.booleans())
def test_a_reoriented_copy_gets_the_reoriented_labels(layout, thick):
    """Also mirrored and left-handed frames, and with a resampled axis."""
    model = model_in_memory(CONFIG)
    volume = a_volume((9, 8, 7), spacing_mm=(1.0, 1.0, 1.6 if thick else 1.0))
    for original, other in zip(
        run_for(model, volume).levels(all_levels=True),
        run_for(model, laid_out(volume, layout)).levels(all_levels=True),
        strict=True,
    ):
        np.testing.assert_array_equal(other.labels, laid_out_array(original.labels, layout))


def test_a_finer_copy_gets_the_finer_labels(a_model):
    """Each voxel of a smooth image cut into eight: the labels are the same but where borders run between voxels."""
    k, j, i = np.indices((14, 15, 16)) / 3.0
    smooth = (np.sin(k) + np.cos(j) + np.sin(i + 1))[None].astype(np.float32)
    coarse = a_volume((14, 15, 16))
    coarse = Volume(smooth, coarse.geometry, name="smooth")
    fine = Volume(
        smooth.repeat(2, axis=1).repeat(2, axis=2).repeat(2, axis=3),
        a_volume((28, 30, 32), spacing_mm=(0.5, 0.5, 0.5)).geometry,
        name="fine",
    )
    for one, two in zip(
        run_for(a_model, coarse).levels(all_levels=True),
        run_for(a_model, fine).levels(all_levels=True),
        strict=True,
    ):
        assert len(np.unique(one.labels)) > 1
        agreement = (one.labels.repeat(2, 0).repeat(2, 1).repeat(2, 2) == two.labels).mean()
        assert agreement > 0.85
        majority = two.labels[::2, ::2, ::2] == two.labels[1::2, 1::2, 1::2]
        assert (two.labels[::2, ::2, ::2] == one.labels)[majority].mean() > 0.95


def test_progress_never_runs_backwards_and_ends_at_one(a_model):
    told = []
    run = run_for(a_model, a_volume((9, 9, 9)), tile=4)
    list(run.levels(all_levels=True, progress=told.append))
    for number in (1, 2, 3):
        fractions = [p.fraction for p in told if p.level == number]
        assert fractions == sorted(fractions)
        assert 0 < fractions[0] < 0.2
        assert fractions[-1] == 1.0
    assert {p.levels for p in told} == {3}


def test_cancelling_within_a_level_keeps_the_finished_ones(a_model):
    volume = a_volume((9, 9, 9))
    run = run_for(a_model, volume, tile=4)
    first = run.level(1)
    asked = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(Cancelled, match="Cancelled at level 2"):
        run.level(2, cancel=cancel)
    assert len(asked) == 6
    assert run.level(1) is first
    expected = list(run_for(a_model, volume).levels(all_levels=True))[1]
    resumed = run.level(2)
    np.testing.assert_array_equal(resumed.labels, expected.labels)
    assert resumed.blocks_run == 1


def test_cancelling_is_asked_before_every_convolution(a_model):
    """On a large tile one block takes long."""
    asked = []
    run = run_for(a_model, a_volume((6, 6, 6)))
    run.level(1, cancel=lambda: bool(asked.append(1)))
    convolutions = sum(
        isinstance(module, ConvLayer)
        for part in (*run.processor.net.blocks[:2], run.processor.net.heads[0])
        for module in part.modules()
    )
    assert len(asked) >= convolutions > 2
    asked.clear()
    run.level(2)
    assert asked == []


@pytest.mark.slow
def test_what_is_said_of_one_volume_never_reaches_another(monkeypatch):
    """Two runs of one segmenter, level by level in turn: one too large, one that runs out of memory, one in order."""
    segmenter = Segmenter(
        model_in_memory(CONFIG, seed=3, field_mm=(20.0,) * 3, threshold=0.0),
        device="cpu",
        precision="fp32",
    )
    volumes = [a_volume((8, 9, 40)), a_volume((12, 13, 30)), a_volume((8, 9, 10))]
    alone = [list(segmenter.start(volume).levels(most=2)) for volume in volumes]
    runs = [segmenter.start(volume) for volume in volumes]
    out_of_memory_above(runs[1], 16**3)
    for number, levels in enumerate(zip(*(run.levels(most=2) for run in runs), strict=True)):
        for level, expected in zip(levels, alone, strict=True):
            np.testing.assert_array_equal(level.labels, expected[number].labels)
        large, tight, ordinary = (run.info for run in runs)
        (message,) = large.messages
        assert "measures 40 × 9 × 8 mm" in message
        assert [m.split(":")[0] for m in tight.messages[1:2]] == ["Level 1"]
        assert tight.tile < 30 <= large.tile
        assert ordinary.messages == ()


def test_a_volume_far_larger_than_the_training_images_is_remarked_on():
    model = model_in_memory(CONFIG, field_mm=(10.0, 10.0, 10.0))
    assert run_for(model, a_volume((6, 12, 14))).info.messages == ()
    (message,) = run_for(model, a_volume((6, 12, 14), spacing_mm=(1.0, 2.0, 1.0))).info.messages
    assert message.startswith(
        "noise measures 14 × 24 × 6 mm, but in-memory was trained on images of at most 10 × 10 × 10 mm; crop"
    )


@pytest.mark.parametrize(("option", "value"), [("tile", 0), ("tile", 2.5), ("kept_bytes", -1)])
def test_impossible_settings_are_refused(a_model, option, value):
    with pytest.raises(ConfigurationError, match="expected"):
        Segmenter(a_model, device="cpu", **{option: value})
