"""Images of label maps, and what of the truth they leave."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.brain_mr import contrasts
from benchmarks.brain_mr.ceilings import dice_in_view, model_ceiling, slice_ceiling
from benchmarks.brain_mr.contrasts import CONTRASTS, Tissue, means_of
from benchmarks.brain_mr.grids import OUTSIDE
from benchmarks.brain_mr.heads import Head
from benchmarks.brain_mr.rendering import Setting, render
from benchmarks.brain_mr.synthetic import THICKNESSES, planned
from CompactSegLib import Geometry
from Testing.Lib.inference.models_in_memory import model_in_memory
from Testing.Lib.nets import layer, net_config, serial

VALUES = (0, 2, 3, 4, 511, 515)
AIR, WHITE, CORTEX, FLUID_INDEX, SCALP, SKULL = range(6)


@pytest.fixture(scope="module")
def a_head() -> Head:
    """Shells around a ventricle: white matter, cortex, skull, scalp, air; 2 mm voxels."""
    size = 48
    axes = np.ogrid[tuple(slice(-size / 2 + 0.5, size / 2) for _ in range(3))]
    radius = 2 * np.sqrt(sum(axis**2 for axis in axes))
    tissues = np.select(
        [radius < 12, radius < 24, radius < 32, radius < 36, radius < 44],
        [FLUID_INDEX, WHITE, CORTEX, SKULL, SCALP],
        AIR,
    ).astype(np.uint8)
    truth = np.array([0, 1, 2, 3, 0, 0], np.uint8)[tissues]
    geometry = Geometry((size,) * 3, (2.0, 2.0, 2.0), direction_lps=(1, 0, 0, 0, 0, -1, 0, -1, 0))
    return Head("shells", geometry, tissues, VALUES, truth)


def test_signals_have_their_limits():
    tissue = Tissue(0.7, 900, 80)
    assert contrasts.spin_echo(tissue, tr=1e6, te=0) == pytest.approx(0.7)
    assert contrasts.spin_echo(tissue, tr=1e6, te=80) == pytest.approx(0.7 / math.e)
    nulled = contrasts.inversion_recovery(tissue, tr=1e6, te=0, ti=900 * math.log(2))
    assert nulled == pytest.approx(0, abs=1e-9)
    relaxed = contrasts.spoiled_gradient_echo(tissue, tr=1e6, te=0, degrees=90)
    assert relaxed == pytest.approx(0.7)


def test_contrasts_look_as_a_radiologist_knows_them():
    white, cortex, fluid, vessel, marrow, bone = 2, 3, 4, 502, 516, 515
    means = {name: make() for name, make in CONTRASTS.items()}
    t1, t2, flair = means["T1"], means["T2"], means["FLAIR"]
    assert marrow_is_brightest(t1, marrow)
    assert t1[white] > t1[cortex] > t1[fluid]
    assert t2[fluid] > t2[cortex] > t2[white]
    assert flair[25] > flair[cortex] > flair[white] > flair[fluid] >= 0
    assert flair[fluid] < 0.05
    assert means["T1 with agent"][vessel] > means["T1 with agent"][white] == t1[white]
    assert means["T1 inverted"][white] < means["T1 inverted"][cortex] < means["T1 inverted"][fluid]
    assert means["random 1"] != means["random 2"]
    for name, own in means.items():
        assert own[bone] < 0.1, name
        assert abs(own[white] - own[cortex]) > 0.08, name


def marrow_is_brightest(means: dict[int, float], marrow: int) -> bool:
    return means[marrow] == max(means.values())


def test_means_follow_the_values_and_air_is_dark():
    means = means_of("T1", (0, 2, 3))
    assert means[0] == 0
    assert means[1] == pytest.approx(1)
    assert means[2] == pytest.approx(CONTRASTS["T1"]()[3])


def test_an_image_has_the_contrast_asked_for(a_head: Head):
    image = render(a_head, Setting("T2")).array[0]
    white, cortex, fluid = (
        image[a_head.tissues == index].mean() for index in (WHITE, CORTEX, FLUID_INDEX)
    )
    assert fluid > cortex > white > image[a_head.tissues == AIR].mean()


def test_images_repeat_with_their_seed_alone(a_head: Head):
    one, same, other = (render(a_head, Setting("T1"), seed=seed).array for seed in (1, 1, 2))
    assert (one == same).all()
    assert not (one == other).all()


def test_without_skull_scalp_is_as_dark_as_air(a_head: Head):
    whole = render(a_head, Setting("T1")).array[0]
    bare = render(a_head, Setting("T1", skull=False)).array[0]
    scalp = a_head.tissues == SCALP
    assert whole[scalp].mean() > 0.5
    assert bare[scalp].mean() < 0.1


def test_thick_slices_and_half_the_height_are_in_the_grid_of_the_image(a_head: Head):
    thick = render(a_head, Setting("T1", 6.0, "axial")).geometry
    # In this orientation the patient's height runs along j.
    assert thick.spacing_mm == (2.0, 6.0, 2.0)
    assert thick.size_ijk == (48, 16, 48)
    slab = render(a_head, Setting("T1", slab=True)).geometry
    assert slab.size_ijk[0] == slab.size_ijk[2] == 48
    assert slab.size_ijk[1] == pytest.approx(32 / 2, abs=1)


def test_dice_is_taken_where_the_image_was(a_head: Head):
    labels = a_head.truth.copy()
    labels[:24] = OUTSIDE
    assert dice_in_view(a_head.truth, labels, classes=4) == [1, 1, 1]
    labels[24:][labels[24:] == 3] = 0
    assert dice_in_view(a_head.truth, labels, classes=4) == [1, 1, 0]


def test_ceilings_are_one_on_the_truths_own_grid_and_fall_with_coarser_ones(a_head: Head):
    config = net_config(serial(layer(2)), serial(layer(2)), classes=4)
    models = [model_in_memory(config, spacing_mm=(mm,) * 3) for mm in (2, 4, 8)]
    own, coarse, coarser = (model_ceiling(a_head, model) for model in models)
    assert own == model_ceiling(a_head, models[0], whole_voxels=True) == [1, 1, 1]
    assert 1 > np.mean(coarse) > np.mean(coarser) > 0.5
    whole = model_ceiling(a_head, models[1], whole_voxels=True)
    assert np.mean(coarse) > np.mean(whole) > 0.5
    assert slice_ceiling(a_head, 2.0, "axial", classes=4) == [1, 1, 1]
    thick = [np.mean(slice_ceiling(a_head, mm, "coronal", classes=4)) for mm in (4.0, 8.0)]
    assert 1 > thick[0] > thick[1] > 0.5


@pytest.mark.parametrize("full", [False, True])
def test_every_contrast_comes_in_every_thickness_and_every_head_is_used(full: bool):
    plan = planned(4, full=full)
    plain = {(one.contrast, one.thickness_mm) for _, one in plan if one.skull and not one.turned}
    assert plain >= {(contrast, mm) for contrast in CONTRASTS for mm in THICKNESSES}
    assert {head for head, _ in plan} == {0, 1, 2, 3}
    assert len(set(plan)) == len(plan)
    assert {head for head, one in plan if one == Setting("T1")} == {0, 1, 2, 3}
    assert {one.plane for _, one in plan if one.is_thick} == {"axial", "coronal", "sagittal"}
    assert {one.turned for _, one in plan} == {None, "axial", "coronal", "sagittal"}
    assert any(one.slab for _, one in plan)
    assert any(not one.skull for _, one in plan)


def test_settings_are_told_apart_by_their_names():
    settings = {one for _, one in planned(4, full=True)}
    settings |= {dataclasses.replace(one, slab=True) for one in settings}
    assert len({one.name for one in settings}) == len(settings)
