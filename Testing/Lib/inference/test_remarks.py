"""What the user is told where the image, or what was found in it, is unlike what the model knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from CompactSegLib import Segmenter
from CompactSegLib.inference.remarks import on_findings
from CompactSegLib.model.model import ExpectedVolume
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.volume import Volume
from Testing.Lib.inference.models_in_memory import a_volume, model_in_memory, run_for
from Testing.Lib.nets import POOLED, calls_of, layer, net_config, serial

CONFIG = net_config(serial(layer(4)), POOLED, POOLED, POOLED)
LABELS = [f"label {value}" for value in range(1, CONFIG.classes)]


def expecting(millilitres: float, **others: float) -> dict[str, ExpectedVolume]:
    """Of each label so much in all training cases, and of others something else."""
    volumes = dict.fromkeys(LABELS, millilitres) | others
    return {name: ExpectedVolume(volume, volume, volume) for name, volume in volumes.items()}


def found_by(model, volume: Volume | None = None):
    """The last level, and what was told at the end."""
    run = run_for(model, volume or a_volume((8, 9, 10)))
    *_, level = run.levels(all_levels=True)
    return level, run.info.messages


@pytest.fixture
def what_the_net_finds() -> dict[str, float]:
    """In the noise that all these tests segment, at the last level."""
    level, messages = found_by(model_in_memory(CONFIG, seed=3))
    assert messages == ()
    assert len(level.millilitres) >= 2
    assert all(volume > 0 for volume in level.millilitres.values())
    return level.millilitres


def test_as_much_as_expected_is_no_news(what_the_net_finds):
    expected = {
        name: ExpectedVolume(volume, volume / 2, volume * 2)
        for name, volume in what_the_net_finds.items()
    }
    assert found_by(model_in_memory(CONFIG, seed=3, expected=expected))[1] == ()


def test_hardly_anything_is_said_with_what_was_expected():
    spacing_mm = (10.0, 10.0, 10.0)
    model = model_in_memory(CONFIG, seed=3, expected=expecting(1e6), spacing_mm=spacing_mm)
    large = a_volume((8, 9, 10), spacing_mm=spacing_mm)
    level, _ = found_by(model, large)
    little = dict.fromkeys(level.millilitres, 0.001)
    object.__setattr__(level, "millilitres", little)
    sentence = on_findings(level, large, model)
    assert sentence is not None
    assert sentence.startswith("Hardly anything was found: 0.0")
    assert "where training cases of in-memory have" in sentence
    assert sentence.endswith("check that the volume shows what the model is for (MR).")


def test_a_crop_full_of_the_structure_is_no_news(what_the_net_finds):
    """The image cannot hold what a whole head has, and half of it is found to be structure."""
    level, messages = found_by(model_in_memory(CONFIG, seed=3, expected=expecting(1e3)))
    assert level.labels.any(axis=None)
    assert messages == ()


def test_nothing_at_all_is_said_of_every_model():
    level, messages = found_by(model_in_memory(CONFIG, zero_weights=True))
    assert not level.labels.any()
    assert messages == (
        "Nothing was found; check that the volume shows what the model is for (MR).",
    )
    _, (message,) = found_by(model_in_memory(CONFIG, zero_weights=True, expected=expecting(650)))
    usual = f"{650 * len(LABELS):,}"
    assert message.startswith(
        f"Nothing was found: 0 ml, where training cases of in-memory have {usual}"
    )


def test_a_structure_far_out_of_its_range_is_named(what_the_net_finds):
    first = LABELS[0]
    expected = expecting(0, **what_the_net_finds | {first: what_the_net_finds[first] / 4})
    _, (message,) = found_by(model_in_memory(CONFIG, seed=3, expected=expected))
    assert message.startswith(f"Far from what the training cases have: {first} ")
    assert not any(name in message for name in LABELS[1:])


def test_of_many_that_are_far_out_three_are_named(what_the_net_finds):
    names = [f"part {number}" for number in range(5)]
    model = replace(
        model_in_memory(CONFIG),
        expected_millilitres=dict.fromkeys(names, ExpectedVolume(1, 0.5, 2)),
    )
    volume = a_volume((8, 9, 10))
    level, _ = found_by(model_in_memory(CONFIG, seed=3), volume)
    level = replace(level, millilitres=dict(zip(names, (7, 8, 1, 9, 10), strict=True)))
    message = on_findings(level, volume, model)
    assert message is not None
    assert message.startswith(
        "Far from what the training cases have: part 0 7 ml (there 0.5 to 2 ml), part 1 8 ml (there 0.5 to 2 ml), "
        "part 3 9 ml (there 0.5 to 2 ml) and 1 more; "
    )


@pytest.mark.parametrize(("spacing_mm", "told"), [(1.0, False), (2.0, True)])
def test_a_structure_that_is_missing_is_named_unless_the_image_is_a_crop(spacing_mm, told):
    """What is not there in a crop may lie outside of it."""
    model = model_in_memory(CONFIG, expected=expecting(0.5))
    volume = a_volume((10, 10, 10), spacing_mm=(spacing_mm,) * 3)
    level, _ = found_by(model_in_memory(CONFIG, seed=3), volume)
    level = replace(level, millilitres=dict.fromkeys(LABELS, 0.5) | {LABELS[0]: 0.01})
    message = on_findings(level, volume, model)
    assert (message is not None) == told
    if message:
        assert (
            f"{LABELS[0]} 0.01 ml (there 0.5 to 0.5 ml); an error, disease, or a volume" in message
        )


def test_only_the_last_level_is_spoken_of():
    model = model_in_memory(CONFIG, seed=3, expected=expecting(1e-6))
    volume = a_volume((8, 9, 10))
    run = run_for(model, volume)
    told = []
    for level in run.levels(all_levels=True):
        assert run.info.messages == (on_findings(level, volume, model),)
        told += run.info.messages
    assert len(set(told)) == 3
    assert run_for(model, volume).info.messages == ()


def nothing_to_see(value: float, shape=(8, 9, 10), spacing_mm=(1.0, 1.0, 1.0)) -> Volume:
    noise = a_volume(shape, spacing_mm=spacing_mm)
    return Volume.from_array(np.full(shape, value, np.float32), noise.geometry, name="flat")


@pytest.mark.parametrize("rule", [IntensityRule("zscore"), IntensityRule("percentiles", 1, 99)])
@pytest.mark.parametrize("value", [0.0, 7.1, -1024.0])
def test_in_a_constant_volume_nothing_is_found_and_the_net_does_not_run(rule, value):
    """Resampled as well, which makes the last digits differ."""
    volume = nothing_to_see(value, spacing_mm=(0.7, 0.9, 1.3))
    run = run_for(model_in_memory(CONFIG, seed=3, intensity=rule), volume)
    calls, steps = calls_of(run.processor.net.blocks), []
    levels = list(run.levels(all_levels=True, progress=steps.append))
    assert not any(calls)
    assert [level.number for level in levels] == [1, 2, 3]
    assert not any(level.labels.any() for level in levels)
    assert [level.improvement for level in levels] == [None, 0, 0]
    assert [level.blocks_run for level in levels] == [0, 0, 0]
    assert levels[0].labels.shape == volume.shape_kji
    assert [step.fraction for step in steps] == [1, 1, 1]
    (message,) = run.info.messages
    assert message.startswith("Nothing was found: all voxels of flat are alike, so that it was")


def test_the_stop_rule_ends_a_run_on_a_constant_volume_at_level_2():
    run = run_for(model_in_memory(CONFIG, seed=3), nothing_to_see(3.0))
    *_, last = run.levels()
    assert (last.number, last.stop) == (2, "threshold")


def test_contrast_that_the_intensity_rule_cuts_off_is_none():
    volume = nothing_to_see(0.0)
    volume.array[0, 4, 4, 4] = 100.0
    volume = Volume.from_array(volume.array, volume.geometry, name="a dot")
    assert volume.warnings == ()
    rule = IntensityRule("percentiles", 1, 99)
    level, (message,) = found_by(model_in_memory(CONFIG, seed=3, intensity=rule), volume)
    assert not level.labels.any()
    assert message.startswith("Nothing was found: nearly all voxels of a dot are alike")
    assert found_by(model_in_memory(CONFIG, seed=3), volume)[0].labels.any()


def test_after_a_constant_volume_the_next_one_is_segmented():
    expected, _ = found_by(model_in_memory(CONFIG, seed=3))
    segmenter = Segmenter(model_in_memory(CONFIG, seed=3), device="cpu", precision="fp32")
    for volume in (nothing_to_see(1.0), a_volume((8, 9, 10))):
        run = segmenter.start(volume)
        *_, level = run.levels(all_levels=True)
    np.testing.assert_array_equal(level.labels, expected.labels)
    assert run.info.messages == ()
