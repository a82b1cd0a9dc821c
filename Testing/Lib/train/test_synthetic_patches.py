import numpy as np
import pytest
import torch

from CompactSegLib.train.synthetic_patches import (
    SyntheticPatches,
    normalised,
    synthetic_patch,
    validation_cases,
)
from Testing.Lib.synthesis.heads import NOTHING_RANDOM, a_head, a_plan

# Images in which each tissue is plainly told from the others.
CLEAR = {
    "tissue_contrast_probability": 1.0,
    "spread": 0.01,
    "texture": 0.0,
    "thick_probability": 0.0,
    "bias": 0.0,
    "noise": 0.0,
}


def patch(head, plan, seed=0):
    return synthetic_patch(head, plan, random=np.random.default_rng(seed))


def test_a_patch_is_an_image_and_its_labels_on_the_models_grid(tmp_path):
    head, plan = a_head(tmp_path), a_plan(patch=(8, 16, 24))
    image, labels = patch(head, plan)
    assert image.shape == labels.shape == (8, 16, 24)
    assert (image.dtype, labels.dtype) == (torch.float32, torch.uint8)
    assert torch.isfinite(image).all()
    assert int(labels.max()) <= 3


def test_everything_random_comes_from_seed_and_number(tmp_path):
    heads, plan = [a_head(tmp_path)], a_plan(patch=(8, 8, 8))
    first = SyntheticPatches(heads, plan)[3]
    again = SyntheticPatches(heads, plan)[3]
    other = SyntheticPatches(heads, plan)[4]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_labels_lie_where_the_image_shows_them(tmp_path):
    """Intensities of a patch follow its labels: what is left within a label is far less than between them."""
    head = a_head(tmp_path)
    plan = a_plan(
        **NOTHING_RANDOM | {"rotation_degrees": 20.0, "mirror_probability": 0.5},
        **CLEAR,
    )
    for seed in range(6):
        image, labels = patch(head, plan, seed)
        white, grey = image[labels == 1], image[labels == 2]
        if min(len(white), len(grey)) > 100:
            within = (white - white.median()).abs().median() + (grey - grey.median()).abs().median()
            assert (white.median() - grey.median()).abs() > 2 * within


def test_a_decoy_has_no_label(tmp_path):
    head, plan = a_head(tmp_path), a_plan(decoy_probability=1.0)
    for seed in range(10):
        image, labels = patch(head, plan, seed)
        assert not labels.any()
        assert torch.isfinite(image).all()


def test_a_stripped_head_is_air_outside_of_the_brain(tmp_path):
    head = a_head(tmp_path)
    plan = a_plan(
        **NOTHING_RANDOM | {"strip_probability": 1.0},
        patch=(22, 24, 20),
        noise=0.0,
        bias=0.0,
        shift=0.0,
        thick_probability=0.0,
        in_plane_mm=0.9,
    )
    black = [
        image
        for image, labels in (patch(head, plan, seed) for seed in range(20))
        if labels.any() and image.min() == image[-1, -1, -1]
    ]
    assert black
    assert all((image == image.min()).float().mean() > 0.3 for image in black)


def test_a_cropped_field_has_neither_image_nor_label_outside(tmp_path):
    head = a_head(tmp_path)
    plan = a_plan(**NOTHING_RANDOM | {"crop_probability": 1.0}, patch=(22, 24, 20))
    cut = 0
    for seed in range(12):
        image, labels = patch(head, plan, seed)
        for axis in range(3):
            for side in (0, -1):
                if not image.select(axis, side).any():
                    assert not labels.select(axis, side).any()
                    cut += 1
    assert cut > 6


def test_normalising_is_the_models_rule(tmp_path):
    plan = a_plan()
    image = torch.rand((10, 10, 10), generator=torch.Generator().manual_seed(0)) * 300
    plain = normalised(image, plan, random=None)
    assert plain.min() == 0
    assert plain.max() == 1
    varied = [normalised(image, plan, random=np.random.default_rng(seed)) for seed in range(20)]
    for other in varied:
        # The same picture, its ends moved.
        assert np.corrcoef(other.flatten(), plain.flatten())[0, 1] > 0.98
    assert len({round(float(other.mean()), 4) for other in varied}) > 10


def test_validation_heads_are_whole_and_the_same_every_time(tmp_path):
    head, plan = a_head(tmp_path), a_plan(held_out_images=3)
    cases = validation_cases([head], plan)
    assert [case.name for case in cases] == ["head-1", "head-2", "head-3"]
    assert all(case.image.shape == (1, 22, 24, 20) for case in cases)
    assert all(torch.equal(case.labels, cases[0].labels) for case in cases)
    assert not torch.allclose(cases[0].image, cases[1].image, atol=0.05)
    again = validation_cases([head], plan)
    assert all(torch.equal(a.image, b.image) for a, b in zip(cases, again, strict=True))


@pytest.mark.parametrize("spacing", [1.0, 2.0, 1.5])
def test_any_spacing_of_the_model_will_do(tmp_path, spacing):
    head, plan = a_head(tmp_path), a_plan(**NOTHING_RANDOM, spacing_mm=(spacing,) * 3)
    image, labels = patch(head, plan)
    assert image.shape == (16, 16, 16)
    assert labels.any()


@pytest.mark.parametrize("spacing", [1.0, 2.0, 1.5, 1.2])
def test_validation_images_lie_on_their_labels_at_any_spacing(tmp_path, spacing):
    head = a_head(tmp_path)
    plan = a_plan(
        spacing_mm=(spacing,) * 3,
        held_out_images=2,
        least_contrast=0.3,
        in_plane_mm=1.0,
        gamma=0.0,
        **CLEAR,
    )
    for case in validation_cases([head], plan):
        assert case.labels.shape == case.image.shape[1:]
        values, labels = case.image[0].flatten(), case.labels.flatten().long()
        brain = labels > 0
        means = torch.stack([values[labels == label].mean() for label in range(1, 4)])
        # What is left of the brain's variance where each label has its mean.
        left = (values[brain] - means[labels[brain] - 1]).var() / values[brain].var()
        assert left < 0.3
