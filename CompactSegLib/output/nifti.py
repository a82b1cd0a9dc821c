"""Label maps as NIfTI-1 (nifti1.h of https://nifti.nimh.nih.gov), ``.nii.gz``.

Written here rather than by ITK, which on Windows cannot write NIfTI where a letter of the path is not ASCII.
"""

from __future__ import annotations

import struct
from itertools import chain
from pathlib import Path

import numpy as np

from CompactSegLib.errors import OutputError
from CompactSegLib.output.seg_nrrd import packed
from CompactSegLib.volume.geometry import Geometry

_HEADER_BYTES = 348
_DATA_AT = 352
_UINT8 = 2
_MILLIMETRES = 2
_SCANNER = 1
_LONGEST_AXIS = 2**15 - 1


def write_nifti(labels: np.ndarray, geometry: Geometry, path: Path) -> None:
    """Write a label map, its frame both as qform and as sform.

    Args:
        labels: (K, J, I) uint8.
        geometry: The grid of the labels.
        path: The file to write.

    Raises:
        OutputError: An axis is longer than the format can say.
    """
    if max(geometry.size_ijk) > _LONGEST_AXIS:
        raise OutputError(
            f"{path.name}: expected at most {_LONGEST_AXIS} voxels along an axis for NIfTI, got "
            f"{max(geometry.size_ijk)}; write .seg.nrrd."
        )
    with path.open("wb") as file:
        for piece in packed(chain([_header(geometry)], labels)):
            file.write(piece)


def _header(geometry: Geometry) -> bytes:
    frame = geometry.ijk_to_ras
    axes = frame[:3, :3] / geometry.spacing_mm
    handed = 1.0 if np.linalg.det(axes) > 0 else -1.0
    header = bytearray(_DATA_AT)

    def put(form: str, offset: int, *values: float | bytes) -> None:
        struct.pack_into(f"<{form}", header, offset, *values)

    put("i", 0, _HEADER_BYTES)
    put("8h", 40, 3, *geometry.size_ijk, 1, 1, 1, 1)
    put("2h", 70, _UINT8, 8)
    put("8f", 76, handed, *geometry.spacing_mm, 1, 1, 1, 1)
    put("3f", 108, _DATA_AT, 1, 0)
    put("B", 123, _MILLIMETRES)
    put("2h", 252, _SCANNER, _SCANNER)
    put("6f", 256, *_quaternion(axes * [1, 1, handed]), *frame[:3, 3])
    put("12f", 280, *frame[:3].ravel())
    put("4s", 344, b"n+1\0")
    return bytes(header)


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    """The parts b, c, d of the unit quaternion whose part a is not below 0.

    Bar-Itzhack, New Method for Extracting the Quaternion from a Rotation Matrix, 2000: also of one that is a rotation
    but for rounding.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    lower = [
        [xx - yy - zz, 0, 0, 0],
        [xy + yx, yy - xx - zz, 0, 0],
        [xz + zx, yz + zy, zz - xx - yy, 0],
        [zy - yz, xz - zx, yx - xy, xx + yy + zz],
    ]
    b, c, d, a = np.linalg.eigh(np.array(lower))[1][:, -1]
    return np.array([b, c, d]) * (1.0 if a >= 0 else -1.0)
