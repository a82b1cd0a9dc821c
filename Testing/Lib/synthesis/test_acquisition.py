from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.synthesis.acquisition import (
    Scan,
    painted,
    random_scan,
    regridded,
    scanned,
    smooth_field,
)
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.synthesis.heads import a_contrast, a_head, a_plan

MEANS = {2: 0.9, 3: 0.6, 10: 0.7, 24: 0.2, 515: 0.1}
MM = (1.0, 1.0, 1.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def scan_of(head, scan, *, spread=0.0, seed=0):
    contrast = a_contrast(head.values, MEANS, spread=spread)
    return scanned(head.tissues, head.spacing_mm, contrast, scan, generator=generator(seed))


def test_a_perfect_scan_shows_every_tissues_mean(tmp_path):
    head = a_head(tmp_path)
    image, voxel = scan_of(head, Scan())
    assert voxel == MM
    for value, mean in MEANS.items():
        here = image[head.tissues == head.values.index(value)]
        assert here.min() == here.max() == pytest.approx(mean)


def test_tissues_have_their_means_and_spreads(tmp_path):
    head = a_head(tmp_path)
    contrast = a_contrast(head.values, MEANS, spread=0.05)
    image = painted(head.tissues, MM, contrast, generator=generator())
    white = image[head.tissues == head.values.index(2)]
    assert white.mean() == pytest.approx(0.9, abs=0.005)
    assert white.std() == pytest.approx(0.05, rel=0.05)
    contrast.textures[head.values.index(2)] = 0.1
    textured = painted(head.tissues, MM, contrast, generator=generator())
    assert textured[head.tissues == head.values.index(2)].std() > 1.3 * white.std()
    assert textured[head.tissues == head.values.index(3)].std() == pytest.approx(0.05, rel=0.05)


def test_shaded_tissues_lean_to_what_is_around_them_and_others_do_not(tmp_path):
    head = a_head(tmp_path)
    contrast = a_contrast(head.values, MEANS, spread=0.0)
    thalamus = head.tissues == head.values.index(10)
    flat = painted(head.tissues, MM, contrast, generator=generator())
    contrast.shading[head.values.index(10)] = 0.5
    shaded = painted(head.tissues, MM, contrast, generator=generator())
    assert torch.equal(flat[~thalamus], shaded[~thalamus])
    # White matter of 0.9 is around the thalami of 0.7: brighter, most of all at the border.
    assert flat[thalamus].std() == pytest.approx(0.0, abs=1e-6)
    assert 0.7 < shaded[thalamus].min() < shaded[thalamus].max() < 0.8


def test_what_leans_rises_evenly_about_its_mean_and_nothing_else_does(tmp_path):
    head = a_head(tmp_path)
    mm = (1.0, 2.0, 1.0)
    contrast = a_contrast(head.values, MEANS, spread=0.0)
    flat = painted(head.tissues, mm, contrast, generator=generator())
    contrast.slopes[head.values.index(10)] = torch.tensor([0.3, -0.1])
    leaning = painted(head.tissues, mm, contrast, generator=generator())
    thalamus = head.tissues == head.values.index(10)
    assert torch.equal(flat[~thalamus], leaning[~thalamus])
    assert leaning[thalamus].mean() == pytest.approx(0.7, abs=1e-5)
    d, h, _ = thalamus.nonzero().T
    rise = 0.3 * d / 10 - 0.1 * 2 * h / 10
    assert torch.allclose(leaning[thalamus], 0.7 + rise - rise.mean(), atol=1e-5)


def test_a_ceiling_makes_what_is_bright_flat_within_the_brain_alone(tmp_path):
    head = a_head(tmp_path)
    contrast = a_contrast(head.values, MEANS | {515: 1.2}, spread=0.05)
    plain = painted(head.tissues, MM, contrast, generator=generator())
    flat = painted(head.tissues, MM, replace(contrast, ceiling=0.8), generator=generator())
    bone = head.tissues == head.values.index(515)
    assert torch.equal(flat[bone], plain[bone])
    assert torch.equal(flat[~bone], plain[~bone].clamp_max(0.8))
    assert (
        flat[head.tissues == head.values.index(2)] == flat.new_tensor(0.8)
    ).float().mean() > 0.95


def test_thick_slices_are_thick_along_their_axis_alone(tmp_path):
    head = a_head(tmp_path)
    image, voxel = scan_of(head, Scan(voxel_mm=(4.0, 1.0, 1.0)))
    assert image.shape == (11, 48, 40)
    assert voxel == (4.0, 1.0, 1.0)
    # A slice lies between the darkest and the brightest of what it and its neighbours hold, and not much is lost.
    fine, _ = scan_of(head, Scan())
    assert image.mean() == pytest.approx(fine.mean().item(), rel=0.03)
    middle = fine[16:28].mean(dim=0)
    assert (image[5] - middle).abs().mean() < 0.05


def test_a_wider_profile_blurs_more(tmp_path):
    head = a_head(tmp_path)
    sharp, _ = scan_of(head, Scan(voxel_mm=(3.0, 3.0, 3.0)))
    soft, _ = scan_of(head, Scan(voxel_mm=(3.0, 3.0, 3.0), profile=1.5))
    assert soft.diff(dim=1).abs().mean() < sharp.diff(dim=1).abs().mean()


def test_noise_has_its_size_and_is_folded_in_air(tmp_path):
    head = a_head(tmp_path)
    image, _ = scan_of(head, Scan(noise=0.05))
    white = image[head.tissues == head.values.index(2)]
    assert white.std() == pytest.approx(0.05, rel=0.05)
    assert image.min() >= 0
    air = image[head.tissues == 0]
    assert air.mean() == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.05)


def test_the_coils_unevenness_is_smooth_and_multiplies(tmp_path):
    head = a_head(tmp_path)
    even, _ = scan_of(head, Scan())
    uneven, _ = scan_of(head, Scan(bias=0.3, bias_grid_mm=40.0))
    inside = even > 0
    log = torch.where(inside, (uneven / even.clamp_min(0.01)).log(), 0.0)
    assert 0.03 < log[inside].std() < 0.6
    both = inside[1:] & inside[:-1]
    assert log.diff(dim=0)[both].abs().max() < 0.1
    assert (uneven[~inside] == 0).all()


def test_gamma_keeps_the_order_and_the_highest(tmp_path):
    head = a_head(tmp_path)
    plain, _ = scan_of(head, Scan())
    bent, _ = scan_of(head, Scan(gamma=2.0))
    assert torch.allclose(bent, (plain / plain.max()) ** 2, atol=1e-6)


def test_the_same_seed_gives_the_same_scan_and_another_another(tmp_path):
    head = a_head(tmp_path)
    scan = Scan(voxel_mm=(1.0, 3.0, 1.0), noise=0.05, bias=0.2, gamma=1.2)
    first, again, other = (scan_of(head, scan, spread=0.05, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=0.01)


@given(seed=st.integers(0, 100_000))
@settings(max_examples=100, deadline=None)
def test_scans_stay_within_the_plan(seed):
    plan = a_plan(thickness_mm=(3.0, 5.0), in_plane_mm=1.5, noise=0.1, bias=0.3, gamma=0.4)
    scan = random_scan(plan.synthesis, np.random.default_rng(seed))
    thick = sorted(scan.voxel_mm)
    assert thick[0] == thick[1] <= 1.5
    assert thick[2] == thick[0] or 3.0 <= thick[2] <= 5.0
    assert 0 <= scan.noise <= 0.1
    assert 0 <= scan.bias <= 0.3
    assert np.exp(-0.4) <= scan.gamma <= np.exp(0.4)


def test_some_scans_have_thick_slices_along_each_axis():
    plan = a_plan(thick_probability=0.5, in_plane_mm=1.5).synthesis
    scans = [random_scan(plan, np.random.default_rng(seed)) for seed in range(200)]
    thick = [np.argmax(scan.voxel_mm) for scan in scans if max(scan.voxel_mm) > 1.5]
    assert 70 < len(thick) < 130
    assert set(thick) == {0, 1, 2}


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (5.0, 1.0, 1.3), (0.8, 2.0, 3.0)])
def test_images_reach_the_models_grid_as_at_inference(voxel):
    """Axes of D, H and W are those of k, j and i here: an image whose orientation is the model's."""
    image = torch.rand(tuple(round(30 / mm) for mm in voxel), generator=generator())
    geometry = Geometry(
        tuple(reversed(image.shape)),
        tuple(reversed(voxel)),
        direction_lps=(-1, 0, 0, 0, -1, 0, 0, 0, 1),
    )
    grid = GridMap.between(geometry, orientation="RAS", spacing_mm=(2.0, 2.0, 2.0))
    expected = grid.prepare(image[None].numpy())[0]
    found = regridded(image, voxel, grid.model_shape, (2.0, 2.0, 2.0))
    assert torch.allclose(found, expected, atol=1e-5)


def test_smooth_fields_are_smooth():
    rough = smooth_field((40, 40, 40), MM, grid_mm=4.0, sigma=1.0, generator=generator())
    smooth = smooth_field((40, 40, 40), MM, grid_mm=40.0, sigma=1.0, generator=generator())
    assert smooth.diff(dim=0).abs().mean() < 0.3 * rough.diff(dim=0).abs().mean()
