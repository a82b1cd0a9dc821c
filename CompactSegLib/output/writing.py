"""Label maps to files, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from CompactSegLib.errors import OutputError
from CompactSegLib.files import written_whole
from CompactSegLib.labels import Label
from CompactSegLib.output.nifti import write_nifti
from CompactSegLib.output.seg_nrrd import write_seg_nrrd
from CompactSegLib.paths import given
from CompactSegLib.volume.geometry import Geometry


def write_labels(
    labels: np.ndarray,
    geometry: Geometry,
    *,
    label_list: Sequence[Label],
    path: str | os.PathLike[str],
) -> None:
    """Write a label map in the format that the file's name asks for.

    Args:
        labels: (K, J, I) uint8.
        geometry: The grid of the labels.
        label_list: What the values mean; kept in ``.seg.nrrd``, not in NIfTI, which has no place for it.
        path: Ends in ``.seg.nrrd`` or ``.nii.gz``. A file there is replaced once the new one is complete.

    Raises:
        ValueError: Labels of another type or of another shape than the grid.
        OutputError: Another ending, or the file could not be written.
    """
    target = given(path)
    if labels.dtype != np.uint8 or labels.shape != geometry.shape_kji:
        raise ValueError(
            f"expected uint8 labels {geometry.shape_kji}, got {labels.dtype} {labels.shape}"
        )
    name = target.name.lower()
    if not name.endswith((".seg.nrrd", ".nii.gz")):
        raise OutputError(
            f"{target}: expected a name that ends in .seg.nrrd or .nii.gz; choose one of the two."
        )
    with written_whole(target) as temporary:
        if name.endswith(".seg.nrrd"):
            write_seg_nrrd(labels, geometry, label_list=label_list, path=temporary)
        else:
            write_nifti(labels, geometry, temporary)
