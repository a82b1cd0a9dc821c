"""Regions of both hippocampi of the MNI152 template, as small images for tests and for the module's own samples."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

# Read off the template: each hippocampus lies 12 to 38 mm beside the middle, from 42 to 4 mm behind and from 28 mm
# below to 4 mm above the anterior commissure. The box leaves 8 to 9 mm around it.
CENTRES_RAS_MM = {
    "left_hippocampus": (-25.0, -23.0, -12.0),
    "right_hippocampus": (25.0, -23.0, -12.0),
}
SIZE_MM = (42.0, 56.0, 48.0)


@functools.cache
def template() -> Nifti1Image:
    """As `nilearn.datasets.load_mni152_template` gives it but for a factor, without importing half of scikit-learn."""
    import nibabel

    spec = importlib.util.find_spec("nilearn")
    assert spec is not None, "needs nilearn, which carries the template"
    folder = Path(str(spec.origin)).parent / "datasets" / "data"
    return nibabel.load(folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")


def crop(
    image: Nifti1Image,
    *,
    centre_ras_mm: tuple[float, ...],
    size_mm: tuple[float, ...] = SIZE_MM,
) -> Nifti1Image:
    """Cut a box out of an image whose axes run along the patient's; every voxel stays where it was."""
    import nibabel

    to_ijk = np.linalg.inv(image.affine)
    half = np.array(size_mm) / 2
    corners = nibabel.affines.apply_affine(to_ijk, [centre_ras_mm - half, centre_ras_mm + half])
    start = np.maximum(np.round(corners.min(axis=0)).astype(int), 0)
    stop = np.minimum(np.round(corners.max(axis=0)).astype(int), image.shape)
    return image.slicer[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]


def write_crops(folder: Path) -> list[Path]:
    """Write both regions as NIfTI files into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, centre in CENTRES_RAS_MM.items():
        paths.append(folder / f"{name}.nii.gz")
        crop(template(), centre_ras_mm=centre).to_filename(paths[-1])
    return paths
