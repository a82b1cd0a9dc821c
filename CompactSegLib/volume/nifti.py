"""NIfTI-1, NIfTI-2 and Analyze files, one file or a pair, packed or not, whatever they are called.

Headers: nifti1.h and nifti2.h of https://nifti.nimh.nih.gov. A file may state its frame twice, as sform and as qform,
and the two may disagree: the sform is taken, as nibabel, SPM and FSL take it, and the user is told.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry, largest_shift_mm
from CompactSegLib.volume.headers import file_beside
from CompactSegLib.volume.stored import (
    StoredImage,
    coloured,
    damaged,
    first_bytes,
    is_segmentation,
    not_3d,
    not_real,
    read_array,
)

HEADER_BYTES = 540
"""What has to be read of a file to tell whether it is NIfTI and to parse its header, of either version."""

_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8",
    256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_COLOURS = {128: "RGB", 2304: "RGBA"}
_COMPLEX = (32, 1792, 2048)
_LABELS = 1002
_TO_MM = {1: 1000.0, 3: 0.001}  # metres and micrometres; millimetres, and what is not said, stay
_LARGEST_DEVIATION = 0.1  # voxels


_FIELDS = {  # name: type and offset in NIfTI-1, then in NIfTI-2
    "dim": ("8i2", 40, "8i8", 16),
    "intent_code": ("i2", 68, "i4", 504),
    "datatype": ("i2", 70, "i2", 12),
    "pixdim": ("8f4", 76, "8f8", 104),
    "vox_offset": ("f4", 108, "i8", 168),
    "scl_slope": ("f4", 112, "f8", 176),
    "scl_inter": ("f4", 116, "f8", 184),
    "xyzt_units": ("u1", 123, "i4", 500),
    "qform_code": ("i2", 252, "i4", 344),
    "sform_code": ("i2", 254, "i4", 348),
    "quaternion": ("6f4", 256, "6f8", 352),
    "srow": ("12f4", 280, "12f8", 400),
    "magic": ("S3", 344, "S3", 4),
}
_NOT_OF_ANALYZE = (
    "intent_code",
    "scl_slope",
    "scl_inter",
    "xyzt_units",
    "qform_code",
    "sform_code",
)


class _Header(SimpleNamespace):
    """What matters of a header, by the names of nifti1.h; `order` is that of its bytes."""

    @classmethod
    def parse(cls, header: bytes) -> _Header:
        """Read a header of either version.

        Raises:
            ValueError: It ends too early.
        """
        order: Literal["<", ">"] = ">" if _byte_order(header) == ">" else "<"
        is_second = header[:4] in (struct.pack("<i", 540), struct.pack(">i", 540))
        types, offsets = zip(
            *(row[2:] if is_second else row[:2] for row in _FIELDS.values()), strict=True
        )
        layout = np.dtype({"names": [*_FIELDS], "formats": types, "offsets": offsets})
        stated = np.frombuffer(header, layout.newbyteorder(order), count=1)[0]
        values = {name: stated[name].tolist() for name in _FIELDS}
        if not is_second and values["magic"] not in (b"n+1", b"ni1"):
            values |= dict.fromkeys(_NOT_OF_ANALYZE, 0)  # Analyze has other things in these places
        least_offset = 544 if is_second else 352
        is_pair = values["magic"][1:2] != b"+"
        return cls(**values, order=order, is_pair=is_pair, least_offset=least_offset)

    @property
    def to_mm(self) -> float:
        """Millimetres in the unit of length."""
        return _TO_MM.get(self.xyzt_units & 7, 1.0)

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        return tuple(self.to_mm * abs(length) for length in self.pixdim[1:4])

    @property
    def sform(self) -> np.ndarray | None:
        """Voxel indices to RAS, where stated."""
        if self.sform_code <= 0:
            return None
        return np.vstack([self.to_mm * np.reshape(self.srow, (3, 4)), [0, 0, 0, 1]])

    @property
    def qform(self) -> np.ndarray | None:
        """Voxel indices to RAS, where stated; NaN where the quaternion is none."""
        if self.qform_code <= 0:
            return None
        b, c, d, *origin = self.quaternion
        rest = 1.0 - (b * b + c * c + d * d)
        a = np.sqrt(max(rest, 0.0)) if rest > -1e-3 else np.nan
        b, c, d = (part / np.sqrt(max(1.0, 1.0 - rest)) for part in (b, c, d))
        matrix = np.eye(4)
        matrix[:3, :3] = [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
        handed = -1.0 if self.pixdim[0] < 0 else 1.0
        matrix[:3, :3] *= np.array(self.spacing_mm) * [1.0, 1.0, handed]
        matrix[:3, 3] = self.to_mm * np.array(origin)
        return matrix

    def nothing_stated(self, size: Sequence[int]) -> np.ndarray:
        """Voxel indices to RAS where the header does not say: LAS, about the centre."""
        matrix = np.diag([*np.array(self.spacing_mm) * [-1, 1, 1], 1.0])
        matrix[:3, 3] = -matrix[:3, :3] @ (np.array(size) - 1) / 2
        return matrix


def is_nifti(head: bytes) -> bool:
    """Whether the first bytes of a file, unpacked, are a NIfTI or Analyze header."""
    return _byte_order(head) is not None


def read_nifti(path: Path, *, as_labels: bool = False) -> StoredImage:
    """Read a file, or the pair that a ``.hdr`` or an ``.img`` is half of.

    Args:
        path: The file.
        as_labels: Take what says that it is a segmentation, which is no image.

    Raises:
        InputError: It is damaged, no 3D image of real numbers, or its frame makes no sense.
    """
    is_image_half = path.suffix.lower() == ".img"
    header_path = file_beside(path, path.stem + ".hdr", "header") if is_image_half else path
    try:
        header = _Header.parse(first_bytes(header_path, HEADER_BYTES))
        is_header_half = header.is_pair and not is_image_half
        data_path = file_beside(path, path.stem + ".img") if is_header_half else path
        offset = max(0 if header.is_pair else header.least_offset, int(header.vox_offset))
    except (OverflowError, ValueError, struct.error) as error:
        raise damaged(path) from error
    *size, components = _size(header, path)
    dtype = _dtype(header, path, as_labels=as_labels)
    _check_scale(header, path)
    geometry, warnings = _geometry(header, size, path)
    array = read_array(
        data_path,
        (components, *reversed(size)),
        dtype,
        skip=offset,
        named=path,
    )
    return StoredImage(_scaled(array, header), geometry, warnings)


def remarks_on_header(header: bytes, geometry: Geometry, name: str) -> tuple[str, ...]:
    """What is told of a file with this header, where the geometry is the one that it leads to."""
    try:
        parsed = _Header.parse(header)
        found, told = _geometry(parsed, [*geometry.size_ijk], name)
    except (InputError, OverflowError, ValueError, struct.error):
        return ()
    return told if found.matches(geometry) else ()


def _byte_order(head: bytes) -> str | None:
    for order in "<>":
        if len(head) >= 4 and struct.unpack_from(f"{order}i", head)[0] in (348, 540):
            return order
    return None


def _size(header: _Header, path: Path) -> tuple[int, int, int, int]:
    """Voxels along i, j and k, and components."""
    axes = header.dim[0]
    if not 1 <= axes <= 7:
        raise damaged(path)
    size: list[int] = header.dim[1 : 1 + axes]
    i, j, k, frames, *others = [*size, *[1] * (7 - axes)]
    if (axes < 3 and min(i, j) >= 1) or frames > 1 or max(others[1:]) > 1:
        raise not_3d(path, size)
    return i, j, k, max(1, others[0])


def _dtype(header: _Header, path: Path, *, as_labels: bool) -> np.dtype:
    if header.intent_code == _LABELS and not as_labels:
        raise is_segmentation(path, ", as its header says")
    if header.datatype in _COLOURS:
        raise coloured(path, _COLOURS[header.datatype])
    if header.datatype in _COMPLEX:
        raise not_real(path, "complex ones")
    kind = _TYPES.get(header.datatype)
    if kind is None:
        raise InputError(
            f"{path}: expected whole numbers or floating point numbers of up to 64 bits as voxels, got NIfTI's type "
            f"{header.datatype}; export it again."
        )
    return np.dtype(header.order + kind)


def _check_scale(header: _Header, path: Path) -> None:
    """A slope of 0 or NaN means that there is none; then the intercept has no meaning either."""
    slope, inter = header.scl_slope, header.scl_inter
    if np.isinf(slope) or (slope != 0 and np.isfinite(slope) and not np.isfinite(inter)):
        raise InputError(
            f"{path}: expected numbers as scl_slope and scl_inter, got {slope:g} and {inter:g}; export it again."
        )


def _scaled(array: np.ndarray, header: _Header) -> np.ndarray:
    slope, inter = header.scl_slope, header.scl_inter
    if slope == 0 or not np.isfinite(slope) or (slope, inter) == (1, 0):
        return array
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told of later
        return array * np.float32(slope) + np.float32(inter)


def _geometry(
    header: _Header, size: list[int], name: str | Path
) -> tuple[Geometry, tuple[str, ...]]:
    sform, qform = (_usable(size, matrix) for matrix in (header.sform, header.qform))
    told: list[str] = []
    if sform and qform:
        shift = largest_shift_mm(sform, qform)
        if shift > _LARGEST_DEVIATION * min(sform.spacing_mm):
            told.append(
                f"its sform (code {header.sform_code}) and its qform (code {header.qform_code}) put it in places up to "
                f"{shift:.1f} mm apart; the sform was taken"
            )
    elif sform and not np.allclose(header.spacing_mm, sform.spacing_mm, rtol=0.01):
        told.append(
            f"its sform gives voxels of {_mm(sform.spacing_mm)}, its pixdim such of {_mm(header.spacing_mm)}; "
            "the sform was taken, and millilitres are as wrong as it is"
        )
    elif qform and header.sform_code > 0:
        told.append(
            "its sform is no frame of an image (sheared, or no numbers); its qform was taken"
        )
    found = sform or qform
    if found is None:
        for stated in (header.sform, header.qform):
            if stated is not None:  # says what is wrong with it
                Geometry.from_ijk_to_ras(size, stated)
        found = Geometry.from_ijk_to_ras(size, header.nothing_stated(size))
        told.append(
            "its header states no orientation (qform and sform codes are 0); it was taken as LAS, as nibabel, FSL and "
            "SPM do, and left and right may be exchanged"
        )
    if not sform and min(header.pixdim[1:4]) < 0:
        told.append(
            "its pixdim has a distance of voxels below 0; it was taken without its sign, as nibabel does, and left and "
            "right may be exchanged"
        )
    return found, tuple(f"{name}: {sentence}; check it." for sentence in told)


def _usable(size: list[int], matrix: np.ndarray | None) -> Geometry | None:
    try:
        return None if matrix is None else Geometry.from_ijk_to_ras(size, matrix)
    except InputError:
        return None


def _mm(lengths: tuple[float, ...]) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"
