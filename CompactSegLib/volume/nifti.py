"""What a NIfTI file says of its bytes and ITK does not tell: whether all are there, and which voxels are no numbers."""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["HEADER_BYTES", "NiftiHeader", "not_finite_voxels"]

HEADER_BYTES = 544
"""What has to be read of a file to parse its header, of either version."""

_FLOATS = {16: "f4", 64: "f8"}


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of nifti1.h and nifti2.h that say where the voxels are and of which kind.

    Attributes:
        order: ``<`` or ``>``, as in `struct`.
        datatype: NIfTI's number for the type of a voxel.
        bits: Bits per voxel.
        voxels: How many there are, of all frames and components.
        offset: Where they begin, in bytes.
    """

    order: str
    datatype: int
    bits: int
    voxels: int
    offset: int

    @classmethod
    def parse(cls, header: bytes) -> NiftiHeader:
        """Read NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes) headers.

        Raises:
            ValueError: It is neither.
            struct.error: It ends too early.
        """
        order = "<" if struct.unpack_from("<i", header)[0] in (348, 540) else ">"
        (version,) = struct.unpack_from(f"{order}i", header)
        if version not in (348, 540):
            raise ValueError("not a NIfTI header")
        if version == 348:
            dim = struct.unpack_from(f"{order}8h", header, 40)
            datatype, bits = struct.unpack_from(f"{order}2h", header, 70)
            (offset,) = struct.unpack_from(f"{order}f", header, 108)
        else:
            dim = struct.unpack_from(f"{order}8q", header, 16)
            datatype, bits = struct.unpack_from(f"{order}2h", header, 12)
            (offset,) = struct.unpack_from(f"{order}q", header, 168)
        voxels = prod(max(1, n) for n in dim[1 : 1 + dim[0]])
        return cls(order, datatype, bits, voxels, int(offset))

    @property
    def file_bytes(self) -> int:
        """How long the file must be, unpacked."""
        return self.offset + self.voxels * self.bits // 8


def not_finite_voxels(path: Path) -> NDArray[np.bool_] | None:
    """Which voxels of a complete ``.nii`` or ``.nii.gz`` file are NaN or infinite, in the file's order.

    ITK reads them as zeros without a word. None where there are none, as in all files of whole numbers.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        header = NiftiHeader.parse(stream.read(HEADER_BYTES))
        kind = _FLOATS.get(header.datatype)
        if kind is None:
            return None
        stream.seek(header.offset)
        data = stream.read(header.voxels * header.bits // 8)
    bad = ~np.isfinite(np.frombuffer(data, dtype=header.order + kind))
    return bad if bad.any() else None
