import dataclasses

import numpy as np
import pytest
import torch

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.train.augmentation import RandomPatches, random_patch
from CompactSegLib.train.training_plan import AugmentationPlan, TrainingPlan

PATCH = (12, 16, 20)
NOTHING = AugmentationPlan(
    **{
        field.name: 0.0
        for field in dataclasses.fields(AugmentationPlan)
        if field.name.endswith("_probability")
    }
)


def a_smooth_case(shape=(18, 14, 24)) -> PreparedCase:
    """An image whose value at a voxel says where it is, and labels that follow from the value."""
    axes = torch.meshgrid(*(torch.arange(n) / n for n in shape), indexing="ij")
    image = torch.stack([axes[0] + axes[1] + axes[2]])
    labels = (image[0] > 1.2).to(torch.uint8) + (image[0] > 1.8).to(torch.uint8)
    return PreparedCase(name="smooth", image=image, labels=labels)


def patches(plan: AugmentationPlan, count: int = 20):
    random = np.random.default_rng(0)
    for _ in range(count):
        yield random_patch(a_smooth_case(), PATCH, plan=plan, classes=3, random=random)


def test_an_unvaried_patch_is_a_piece_of_the_case_in_zeros():
    case = a_smooth_case()
    for image, labels in patches(NOTHING):
        assert image.shape == (1, *PATCH)
        inside = image[0] != 0
        # The case is shorter than the patch along H: 14 of 16.
        assert inside.any(dim=2).any(dim=0).sum() == 14
        assert torch.equal(
            labels[inside],
            ((image[0] > 1.2).int() + (image[0] > 1.8).int())[inside].to(torch.uint8),
        )
        assert torch.isin(image, case.image).logical_or(image == 0).all()


@pytest.mark.parametrize("elastic", [0.0, 1.0])
def test_labels_are_bent_with_the_image(elastic):
    """An image that is its own label map stays one, up to the interpolation between 0 and 1."""
    case = a_smooth_case()
    ball = (case.image > 1.2) & (case.image < 1.8)
    case = PreparedCase(name="ball", image=ball.float(), labels=ball[0].to(torch.uint8))
    plan = dataclasses.replace(NOTHING, affine_probability=1.0, elastic_probability=elastic)
    random = np.random.default_rng(0)
    for _ in range(20):
        image, labels = random_patch(case, PATCH, plan=plan, classes=2, random=random)
        assert labels.any()
        assert torch.equal(labels == 1, image[0] > 0.5)


def test_an_affine_that_does_nothing_changes_nothing():
    still = dataclasses.replace(NOTHING, rotation_degrees=0.0, scale=(1.0, 1.0), shear=0.0)
    bent = patches(dataclasses.replace(still, affine_probability=1.0), count=1)
    (image, labels), (expected, expected_labels) = next(bent), next(patches(still, count=1))
    torch.testing.assert_close(image, expected, atol=1e-5, rtol=0)
    assert torch.equal(labels, expected_labels)


def test_scaling_magnifies_along_every_axis():
    plan = dataclasses.replace(
        NOTHING, affine_probability=1.0, rotation_degrees=0.0, shear=0.0, scale=(1.5, 1.5)
    )
    case, random = a_smooth_case((16, 16, 16)), np.random.default_rng(0)
    image, _ = random_patch(case, (16, 16, 16), plan=plan, classes=3, random=random)
    for axis in range(1, 4):
        step = image.diff(dim=axis)[:, 4:10, 4:10, 4:10].mean()
        assert float(step) == pytest.approx(1 / 16 / 1.5, rel=0.01)


def test_mirroring_happens_along_the_named_axis_only():
    plan = dataclasses.replace(NOTHING, mirror_axes=(2,))
    signs = set()
    for image, _ in patches(plan):
        whole = image[0, :, 4:12]
        assert whole.diff(dim=0).mean() > 0
        assert whole.diff(dim=1).mean() > 0
        signs.add(bool(whole.diff(dim=2).mean() > 0))
    assert signs == {True, False}


def test_a_step_is_the_same_whenever_and_by_whomever_it_is_made():
    cases = [a_smooth_case(), a_smooth_case((20, 20, 20)), a_smooth_case((12, 30, 22))]
    plan = TrainingPlan(patch=PATCH, batch=4, steps=9)
    whole = RandomPatches(cases, plan, classes=3)
    images, labels = whole[5]
    again = RandomPatches(cases, plan, classes=3)[5]
    assert torch.equal(images, again[0])
    assert torch.equal(labels, again[1])
    assert not torch.equal(images, whole[6][0])
    for rank in range(2):
        part = RandomPatches(cases, plan, classes=3, rank=rank, processes=2)[5]
        assert torch.equal(part[0], images[rank::2])


def test_each_case_comes_once_an_epoch():
    cases = [PreparedCase(str(n), torch.zeros(1, 2, 2, 2), torch.zeros(2, 2, 2)) for n in range(7)]
    drawn = RandomPatches(cases, TrainingPlan(patch=(2, 2, 2)), classes=3)
    names = ["".join(drawn._case(epoch * 7 + n).name for n in range(7)) for epoch in range(3)]
    assert all(sorted(each) == list("0123456") for each in names)
    assert names[0] != names[1]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_border_that_is_a_slice_stays_one(axis):
    """However a patch is bent and turned, labels that change between two slices change between two slices of it."""
    shape = (40, 40, 40)
    slices = torch.arange(40).reshape([40 if a == axis else 1 for a in range(3)]).expand(shape)
    labels = 1 + (slices >= 21).to(torch.uint8)
    case = PreparedCase(name="cut", image=slices[None].float(), labels=labels)
    plan = dataclasses.replace(NOTHING, affine_probability=1.0, elastic_probability=1.0)
    kept = dataclasses.replace(plan, plane_axes=(axis,))
    tilted = 0
    for settings in (kept, plan):
        random = np.random.default_rng(0)
        for _ in range(10):
            _, patch = random_patch(case, PATCH, plan=settings, classes=3, random=random)
            of_slices = patch.movedim(axis, 0).flatten(1)
            mixed = [bool((row == 1).any() and (row == 2).any()) for row in of_slices]
            tilted += any(mixed) and settings is plan
            assert settings is plan or not any(mixed)
    assert tilted
