"""FreeSurfer's ``.mgh`` and ``.mgz``.

Format: https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.stored import StoredImage, damaged, first_bytes, not_3d, read_array

_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
_HEADER_BYTES = 284


def read_mgh(path: Path) -> StoredImage:
    """Read a file, packed or not.

    Raises:
        InputError: It is damaged, or no 3D image.
    """
    try:
        header = first_bytes(path, _HEADER_BYTES)
        version, i, j, k, frames, kind, _ = struct.unpack_from(">7i", header)
        is_placed, *numbers = struct.unpack_from(">h15f", header, 28)
    except struct.error as error:
        raise damaged(path) from error
    if version != 1 or kind not in _TYPES:
        raise damaged(path)
    if frames > 1:
        raise not_3d(path, (i, j, k, frames))
    told: tuple[str, ...] = ()
    if is_placed != 1:
        # What FreeSurfer assumes then.
        numbers = [1.0, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
        sentence = (
            f"{path}: its header states neither orientation nor distance of voxels; it was taken as FreeSurfer takes "
            "it, coronal slices of 1 mm; check it."
        )
        told = (sentence,)
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(numbers[3:12], (3, 3)).T * numbers[:3]
    matrix[:3, 3] = numbers[12:]
    matrix[:3, 3] -= matrix[:3, :3] @ (np.array([i, j, k]) / 2)
    array = read_array(
        path,
        (1, k, j, i),
        np.dtype(_TYPES[kind]),
        skip=_HEADER_BYTES,
    )
    return StoredImage(array, Geometry.from_ijk_to_ras((i, j, k), matrix), told)
