"""Intensity rules: as numpy would do it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.volume import intensities
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.volume.frames import LAYOUTS, laid_out

RULES = [
    {"rule": "zscore"},
    {"rule": "zscore", "low_percentile": 0.5, "high_percentile": 99.5},
    {"rule": "percentiles", "low": 1, "high": 99},
    {"rule": "window", "low": -200, "high": 300},
]


@pytest.fixture
def an_image():
    generator = np.random.default_rng(0)
    return generator.normal(100, 200, (2, 11, 13, 17)).astype(np.float32)


def in_numpy(channel, settings):
    low, high = settings.get("low"), settings.get("high")
    if settings["rule"] == "zscore":
        if "low_percentile" in settings:
            percents = settings["low_percentile"], settings["high_percentile"]
            channel = np.clip(channel, *np.percentile(channel, percents))
        return (channel - channel.mean()) / channel.std()
    if settings["rule"] == "percentiles":
        low, high = np.percentile(channel, (low, high))
    return (np.clip(channel, low, high) - low) / (high - low)


@pytest.mark.parametrize("settings", RULES)
def test_each_channel_is_as_numpy_computes_it(an_image, settings):
    came = IntensityRule.from_dict(settings).apply(torch.from_numpy(an_image.copy()))
    expected = [in_numpy(channel.astype(np.float64), settings) for channel in an_image]
    np.testing.assert_allclose(came.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("settings", RULES)
def test_what_is_written_to_a_model_is_read_again(settings):
    rule = IntensityRule.from_dict(settings)
    assert rule.to_dict() == settings
    assert IntensityRule.from_dict(rule.to_dict()) == rule


@pytest.mark.parametrize("settings", RULES[:3])
def test_a_channel_without_contrast_becomes_zeros(an_image, settings):
    an_image[1] = 0.1
    came = IntensityRule.from_dict(settings).apply(torch.from_numpy(an_image))
    assert came[0].abs().max() > 0.9
    assert not came[1].any()


@pytest.mark.parametrize("settings", RULES)
@pytest.mark.parametrize("layout", LAYOUTS[::7])
def test_a_re_oriented_copy_is_normalised_the_same(an_oblique_volume, settings, layout):
    def normalised(volume):
        grid = GridMap.between(volume.geometry, orientation="RAS", spacing_mm=(1.0, 1.0, 1.0))
        return IntensityRule.from_dict(settings).apply(grid.prepare(volume.array))

    assert torch.equal(
        normalised(laid_out(an_oblique_volume, layout)), normalised(an_oblique_volume)
    )


def test_percentiles_of_a_sample_are_close_to_those_of_all(monkeypatch):
    """And the sample is no column: here the image differs from column to column."""
    generator = np.random.default_rng(0)
    image = torch.from_numpy(generator.random((1, 16, 32, 32), dtype=np.float32))
    image += torch.arange(32.0)
    exact = intensities._percentiles(image[0], (1.0, 99.0))
    monkeypatch.setattr(intensities, "_MOST_SORTED", 512)
    assert intensities._percentiles(image[0], (1.0, 99.0)) == pytest.approx(exact, abs=0.6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        [],
        {"rule": "histogram"},
        {"rule": ["zscore"]},
        {"rule": "window"},
        {"rule": "window", "low": 3, "high": 3},
        {"rule": "window", "low": "a", "high": 3},
        {"rule": "window", "low": float("nan"), "high": 3},
        {"rule": "percentiles", "low": -1, "high": 99},
        {"rule": "percentiles", "low": 1, "high": 101},
        {"rule": "zscore", "low": 1, "high": 99},
        {"rule": "zscore", "low_percentile": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ConfigurationError, match=r"intensity.*expected"):
        IntensityRule.from_dict(settings)


@pytest.mark.parametrize("factor", [1e30, 1e-30])
def test_the_scale_of_an_image_does_not_matter_to_a_zscore(factor):
    """Squares of such values are beyond fp32."""
    image = torch.randn(1, 5, 6, 7, generator=torch.Generator().manual_seed(0))
    rule = IntensityRule("zscore")
    torch.testing.assert_close(rule.apply(image * factor), rule.apply(image.clone()))
