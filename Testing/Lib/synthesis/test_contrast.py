import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.synthesis.contrast import random_contrast, without_skull
from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.synthesis.tissues import SHADED
from Testing.Lib.synthesis.heads import a_contrast, a_plan

VALUES = (0, 2, 3, 10, 13, 24, 25, 507, 515)


def drawn(seed, **synthesis):
    return random_contrast(VALUES, a_plan(**synthesis).synthesis, np.random.default_rng(seed))


@given(seed=st.integers(0, 100_000))
@settings(max_examples=100, deadline=None)
def test_contrasts_stay_within_the_plan(seed):
    contrast = drawn(seed, spread=0.1, texture=0.05)
    assert contrast.means.min() >= 0
    assert contrast.means.max() <= 1.5  # fat, and iron beyond white matter
    assert contrast.spreads[0] == 0
    assert contrast.spreads[1:].min() > 0
    assert contrast.spreads.max() <= 0.1
    assert contrast.textures[:7].max() <= 0.05
    assert contrast.textures.max() <= 0.15  # tissues outside of the brain


@given(seed=st.integers(0, 100_000))
@settings(max_examples=100, deadline=None)
def test_contrasts_of_tissues_are_ordered_as_in_real_ones(seed):
    means = dict(
        zip(VALUES, drawn(seed, tissue_contrast_probability=1.0).means[0].tolist(), strict=True)
    )
    fluid, grey, white = means[24], means[3], means[2]
    orders = {
        "T1": fluid < grey < white,
        "T2": white < grey < fluid,
        "FLAIR": fluid < white < grey,
        "PD": white < fluid < grey,
    }
    # Each tissue strays a little of its own; what is left apart is told apart.
    if min(abs(fluid - grey), abs(grey - white), abs(fluid - white)) > 0.1:
        assert any(orders.values())
    low, high = sorted((grey, white))
    assert low - 0.2 <= means[10] <= high + 0.2


def test_nuclei_lie_where_their_fibres_and_iron_put_them():
    places = {10: [], 13: []}
    for seed in range(300):
        contrast = drawn(seed, tissue_contrast_probability=1.0, least_contrast=0.25)
        means = dict(zip(VALUES, contrast.means[0].tolist(), strict=True))
        for value, found in places.items():
            found.append((means[value] - means[3]) / (means[2] - means[3]))
    thalamus, pallidum = np.array(places[10]), np.array(places[13])
    assert np.mean(thalamus) < np.mean(pallidum)
    # As white as white matter, or beyond it, where T2 is what counts.
    assert np.mean(pallidum > 0.95) > 0.2
    assert np.mean(thalamus > 1.2) < 0.05
    # In many images no border with white matter is to be seen.
    assert 0.3 < np.mean(np.abs(pallidum - 1) < 0.15) < 0.8


def test_deep_nuclei_alone_are_shaded_and_as_far_as_the_plan_says():
    drawn_shading = [drawn(seed, shading=0.6).shading for seed in range(50)]
    nuclei = torch.tensor([value in SHADED for value in VALUES])
    assert not torch.stack(drawn_shading)[:, ~nuclei].any()
    shares = torch.stack(drawn_shading)[:, nuclei]
    assert 0 <= shares.min() < 0.1
    assert 0.5 < shares.max() <= 0.6
    assert not drawn(0).shading.any()


def test_a_tissue_leans_to_white_matter_upwards_and_backwards_as_far_as_the_plan_says():
    values, leaning = (0, 2, 3, 4, 10, 12), []
    plan = a_plan(slopes={"12": [0.4, 0.2], "13": [0.4, 0.4]}, tissue_contrast_probability=1.0)
    for seed in range(200):
        contrast = random_contrast(values, plan.synthesis, np.random.default_rng(seed))
        assert not contrast.slopes[:5].any()
        # Of the middle of the clusters, as the plan has none.
        _, white, grey, *_ = contrast.means[0]
        leaning.append(contrast.slopes[5] / (white - grey))
    upwards, forwards = torch.stack(leaning).T
    assert 0 <= upwards.min() < 0.05 < 0.35 < upwards.max() <= 0.4 + 1e-5
    assert -0.2 - 1e-5 <= forwards.min() < -0.17 < -0.03 < forwards.max() <= 0
    assert not drawn(0).slopes.any()


def test_white_matter_is_flat_in_t1_images_alone_and_as_often_as_the_plan_says():
    values, flat, t1 = (0, 2, 3, 4, 10, 515), 0, 0
    plan = a_plan(flat_white_probability=0.5, cluster_probability=0.0).synthesis
    for seed in range(200):
        contrast = random_contrast(values, plan, np.random.default_rng(seed))
        white, grey, fluid = contrast.means[0, 1:4].tolist()
        if fluid < grey < white:
            t1, flat = t1 + 1, flat + np.isfinite(contrast.ceiling)
        else:
            assert contrast.ceiling == np.inf
        if np.isfinite(contrast.ceiling):
            assert -0.4 < (contrast.ceiling - white) / (white - grey) < 0.1
    assert 0.35 < flat / t1 < 0.65


@pytest.mark.parametrize("least", [0.0, 0.2, 0.4])
def test_grey_and_white_differ_as_much_as_is_asked(least):
    smallest = []
    for seed in range(60):
        means = drawn(seed, tissue_contrast_probability=1.0, least_contrast=least).means[0]
        smallest.append(float((means[1] - means[2]).abs()))
    # Each tissue strays a little of its own.
    assert min(smallest) > least - 0.1
    assert least or min(smallest) < 0.05


def test_a_contrast_that_hardly_fits_is_refused():
    with pytest.raises(
        ConfigurationError, match=r"least_contrast: expected a number from 0 to 0\.4"
    ):
        SynthesisPlan(least_contrast=0.6)


def test_all_orders_and_all_means_occur():
    found = set()
    for seed in range(60):
        means = drawn(seed, tissue_contrast_probability=1.0).means[0]
        found.add(tuple(torch.argsort(means[[1, 2, 5]]).tolist()))
    assert found == {(2, 1, 0), (0, 1, 2), (2, 0, 1), (0, 2, 1)}
    free = torch.stack(
        [drawn(seed, tissue_contrast_probability=0.0).means[0] for seed in range(200)]
    )
    # White and grey matter know nothing of each other.
    assert abs(np.corrcoef(free[:, 1], free[:, 2])[0, 1]) < 0.2
    assert free[:, 1].std() == pytest.approx(1 / np.sqrt(12), rel=0.15)


def test_bone_is_mostly_dark():
    bone = torch.stack([drawn(seed).means[0][VALUES.index(515)] for seed in range(200)])
    assert 0.75 < (bone < 0.25).float().mean() < 0.95


def test_a_given_contrast_has_its_means_and_nothing_where_none_is_given():
    contrast = a_contrast(VALUES, {2: 0.8, 3: 0.5}, spread=0.02)
    assert contrast.means[0].tolist() == pytest.approx([0, 0.8, 0.5, 0, 0, 0, 0, 0, 0])
    assert contrast.spreads.tolist() == pytest.approx([0, 0.02, 0.02, 0, 0, 0, 0, 0, 0])


def test_the_skull_is_removed_and_the_brain_stays():
    tissues = torch.arange(len(VALUES), dtype=torch.uint8).reshape(3, 3, 1)
    kept = without_skull(tissues, VALUES, keep_fluid=True).flatten().tolist()
    assert kept == [0, 1, 2, 3, 4, 5, 6, 0, 0]
    kept = without_skull(tissues, VALUES, keep_fluid=False).flatten().tolist()
    assert kept == [0, 1, 2, 3, 4, 0, 6, 0, 0]


def test_tissues_have_several_brightnesses_where_the_plan_says_so():
    one = drawn(3, tissue_contrast_probability=1.0, cluster_probability=0.0)
    several = [drawn(seed, cluster_probability=1.0, cluster_spread=0.05) for seed in range(40)]
    assert len(one.means) == 1
    assert {len(contrast.means) for contrast in several} == {2, 3, 4}
    apart = torch.stack([contrast.means.std(dim=0) for contrast in several]).mean(dim=0)
    assert apart[0] == 0  # air
    assert apart[7:].mean() > 2 * apart[1:7].mean()  # scalp and skull


def test_fat_is_brighter_than_white_matter_in_many_t1_images():
    values = (0, 2, 3, 24, 516)
    brighter, t1 = 0, 0
    for seed in range(300):
        plan = a_plan(tissue_contrast_probability=1.0).synthesis
        _, white, grey, fluid, fat = random_contrast(
            values, plan, np.random.default_rng(seed)
        ).means[0]
        if fluid < grey < white:
            t1 += 1
            brighter += bool(fat >= white)
    assert 0.6 < brighter / t1 < 0.9


def test_a_rough_cut_leaves_bits_of_what_is_around_or_takes_some():
    tissues = torch.full((24, 24, 24), 7, dtype=torch.uint8)
    tissues[6:18, 6:18, 6:18] = 1
    brain = tissues == 1

    def cut(edge):
        generator = torch.Generator().manual_seed(1)
        return without_skull(tissues, VALUES, keep_fluid=True, edge=edge, generator=generator) > 0

    assert (cut(0.15) & ~brain).sum() > 0
    assert (brain & ~cut(0.15)).sum() < 0.1 * brain.sum()
    assert 0 < (brain & ~cut(0.5)).sum() < 0.6 * brain.sum()
    assert not cut(0.4)[:2].any()
