"""The regions that tests work on are where the hippocampi are."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from examples.demo import load_template
from Testing import crops


@pytest.fixture(scope="module")
def the_template() -> nibabel.Nifti1Image:
    return load_template()


@pytest.mark.parametrize("name", crops.CENTRES_RAS_MM)
def test_a_crop_keeps_every_voxel_where_it_was(the_template, name: str):
    crop = crops.crop(the_template, centre_ras_mm=crops.CENTRES_RAS_MM[name], size_mm=crops.SIZE_MM)
    assert crop.shape == crops.SIZE_MM
    corner = nibabel.affines.apply_affine(crop.affine, (0, 0, 0))
    i, j, k = np.round(
        nibabel.affines.apply_affine(np.linalg.inv(the_template.affine), corner)
    ).astype(int)
    a, b, c = crop.shape
    np.testing.assert_array_equal(
        crop.get_fdata(), the_template.get_fdata()[i : i + a, j : j + b, k : k + c]
    )
    middle = nibabel.affines.apply_affine(crop.affine, (np.array(crop.shape) - 1) / 2)
    np.testing.assert_allclose(middle, crops.CENTRES_RAS_MM[name], atol=1.0)


def test_the_crops_mirror_each_other(the_template):
    # The template is symmetric, so the two boxes show the same anatomy if they lie right.
    left, right = (
        crops.crop(the_template, centre_ras_mm=centre, size_mm=crops.SIZE_MM).get_fdata()
        for centre in crops.CENTRES_RAS_MM.values()
    )
    # From -46 to -5 mm on the left and from 4 to 45 mm on the right: all but one slice have a partner.
    assert np.corrcoef(left[:0:-1].ravel(), right[1:].ravel())[0, 1] > 0.99


def test_a_box_beyond_the_image_is_cut_at_its_border(the_template):
    crop = crops.crop(
        the_template, centre_ras_mm=(-98.0, -134.0, -72.0), size_mm=(20.0, 20.0, 20.0)
    )
    assert crop.shape == (10, 10, 10)
