"""NRRD files, attached (``.nrrd``) or with their voxels beside them (``.nhdr``).

Format: https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.volume import headers
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.stored import (
    StoredImage,
    coloured,
    damaged,
    is_segmentation,
    not_3d,
    not_real,
    read_parts,
    read_text_array,
)

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}  # fmt: skip
_PACKING = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_TEXT = ("ascii", "text", "txt")
# To lps, axis by axis; what has no place in the patient is taken as lps, and told.
_SPACES = {
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
}  # fmt: skip
_TO_MM = {"mm": 1.0, "": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3}
_VECTOR = re.compile(r"none|\([^)]*\)")
_COLOURS = ("rgb-color", "rgba-color", "hsv-color", "xyz-color")
_COMPONENTS = (*_COLOURS, "vector", "point", "covariant-vector", "normal", "3-vector", "3-color", "4-color",
               "2-vector", "4-vector", "3-gradient", "3-normal", "scalar", "stub")  # fmt: skip


@dataclass(frozen=True)
class _Header:
    """Fields by name in small letters, keys with their values, and the offset of the first byte behind."""

    path: Path
    fields: dict[str, str]
    keys: dict[str, str]
    listed: list[str]
    offset: int

    @classmethod
    def parse(cls, path: Path) -> _Header:
        fields: dict[str, str] = {}
        keys: dict[str, str] = {}
        listed: list[str] = []
        offset, is_list = 0, False
        for line, behind in headers.text_lines(path):
            offset = behind
            if is_list:
                listed.append(line.strip())
            elif not line:
                break
            elif not line.startswith(("#", "NRRD0")):
                key, separator, value = line.partition(":=")
                if separator and ": " not in key:
                    keys[key] = value
                    continue
                key, separator, value = line.partition(":")
                if not separator:
                    raise damaged(path)
                if key.strip().lower() in fields:
                    raise headers.stated_twice(path, key.strip())
                fields[key.strip().lower()] = value.strip()
                is_list = (
                    key.strip().lower() in ("data file", "datafile") and value.strip()[:4] == "LIST"
                )
        return cls(path, fields, keys, listed, offset)

    def get(self, *names: str) -> str:
        return next((self.fields[name] for name in names if name in self.fields), "")

    def words(self, *names: str) -> list[str]:
        """Of a field that has one for each axis; some are in quotation marks."""
        return [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', self.get(*names))]


def is_nrrd(head: bytes) -> bool:
    """Whether the first bytes of a file are those of NRRD."""
    return head.startswith(b"NRRD000")


def data_files(path: Path) -> list[Path]:
    """The files beside a header that hold its voxels; an InputError where one is not there."""
    try:
        files, _ = _files(_Header.parse(path))
    except (LookupError, OverflowError, ValueError) as error:
        raise damaged(path) from error
    return [file for file in files if file != path]


def read_nrrd(path: Path, *, as_labels: bool = False) -> StoredImage:
    """Read a file.

    Args:
        path: The file.
        as_labels: Take what says that it is a segmentation, which is no image.

    Raises:
        InputError: It is damaged, no 3D image of real numbers, or its frame is not stated or makes no sense.
    """
    try:
        header = _Header.parse(path)
        if not as_labels:
            _check_is_image(header)
        sizes = headers.whole_numbers(header.get("sizes"))
        if not sizes or len(sizes) != int(header.get("dimension") or 0) or len(sizes) > 16:
            raise damaged(path)
        axes, components = _axes(header, sizes)
        geometry, warnings = _geometry(header, [sizes[axis] for axis in axes], axes)
        array = _voxels(header, sizes)
    except (LookupError, OverflowError, ValueError) as error:
        raise damaged(path) from error
    # In C order the last axis of the header comes first.
    order = [components, *reversed(axes)] if components is not None else [*reversed(axes)]
    others = [axis for axis in range(len(sizes)) if axis not in order]
    array = array.transpose([len(sizes) - 1 - axis for axis in [*others, *order]])
    array = array.reshape(-1, *array.shape[-3:])
    return StoredImage(np.ascontiguousarray(array), geometry, warnings)


def _check_is_image(header: _Header) -> None:
    if any(re.fullmatch(r"Segment\d+_ID|Segmentation_\w+", key) for key in header.keys):
        raise is_segmentation(header.path)
    if header.get("type").lower() == "block":
        raise InputError(f"{header.path}: expected real numbers as voxels, got blocks of bytes.")


def _axes(header: _Header, sizes: Sequence[int]) -> tuple[list[int], int | None]:
    """Numbers of the three axes in space, fastest first, and of the one whose entries are components."""
    path, every = header.path, range(len(sizes))
    vectors = _VECTOR.findall(header.get("space directions"))
    kinds = [kind.lower() for kind in header.words("kinds")]
    if vectors and set(vectors) == {"none"}:
        raise InputError(
            f"{path}: expected space directions that say where its axes run, but all are none; convert the image."
        )
    if len(vectors) == len(sizes):
        space = [axis for axis in every if vectors[axis] != "none"]
    elif len(kinds) == len(sizes):
        space = [axis for axis in every if kinds[axis] in ("domain", "space", "???", "none")]
    else:
        space = [*every]
    others = [axis for axis in every if axis not in space]
    if len(space) > 3 and len(vectors) != len(sizes):
        space, others = space[:3], [*space[3:], *others]
    if len(space) != 3:
        raise InputError(
            f"{path}: expected a 3D volume, got an image with {len(space)} axes in space, of sizes "
            f"{' x '.join(map(str, sizes))}; give a 3D file or a DICOM series."
        )
    many = [axis for axis in others if sizes[axis] > 1]
    if not many:
        return space, None
    kind = kinds[many[0]] if len(kinds) == len(sizes) else ""
    if kind == "complex":
        raise not_real(path, "complex ones")
    is_last = many[0] > max(space)
    if len(many) > 1 or (is_last and kind not in _COMPONENTS):
        raise not_3d(path, [sizes[axis] for axis in (*space, *others)])
    is_byte = header.get("type").lower() in _TYPES["u1"]
    if kind in _COLOURS or (sizes[many[0]] in (3, 4) and is_byte):
        raise coloured(path, f"{sizes[many[0]]} x 8 bit")
    return space, many[0]


def _geometry(
    header: _Header, size: Sequence[int], axes: Sequence[int]
) -> tuple[Geometry, tuple[str, ...]]:
    told = []
    is_single = header.get("type").lower() in _TYPES["u1"] + _TYPES["i1"]
    if not (is_single or header.get("encoding").lower() in _TEXT or header.get("endian")):
        told.append(
            f"{header.path}: its header does not state the order of bytes (endian); it was taken as little; check it."
        )
    flips = _SPACES.get(header.get("space").lower())
    vectors = [
        _vector(text) for text in _VECTOR.findall(header.get("space directions")) if text != "none"
    ]
    units = header.words("space units") if vectors else header.words("units")
    units = [units[axis] for axis in axes] if not vectors and len(units) > max(axes) else units
    units = [word for word in units if word != "???"]
    if len(set(units)) > 1 or any(unit.lower() not in _TO_MM for unit in units):
        raise InputError(
            f"{header.path}: expected millimetres as space units, got {' '.join(units)[:60]!r}; convert the image."
        )
    to_mm = _TO_MM[units[0].lower()] if units else 1.0
    matrix = np.eye(4)
    if vectors:
        matrix[:3, :3] = np.array(vectors).T
        matrix[:3, 3] = _vector(header.get("space origin") or "(0,0,0)")
    else:
        spacings = [float(word) for word in header.words("spacings")]
        spacings = [spacings[axis] for axis in axes] if len(spacings) > max(axes) else []
        if not all(np.isfinite(spacings)) or not spacings:
            raise InputError(
                f"{header.path}: expected the distance of voxels, but its header states none (space directions or "
                "spacings); add it."
            )
        matrix[:3, :3] = np.diag(spacings)
    if vectors and not header.get("space origin"):
        told.append(headers.without_origin(header.path, "space origin"))
    if not vectors or flips is None:
        told.append(headers.without_axes(header.path, "space with directions"))
    lps_to_ras = np.diag([-1.0, -1.0, 1.0])
    matrix[:3] = to_mm * (lps_to_ras * np.array(flips or (1, 1, 1))) @ matrix[:3]
    return Geometry.from_ijk_to_ras(size, matrix), tuple(told)


def _vector(text: str) -> list[float]:
    x, y, z = map(float, text.strip("() ").split(","))
    return [x, y, z]


def _voxels(header: _Header, sizes: Sequence[int]) -> np.ndarray:
    """The array, in C order: its axes are those of the header from last to first."""
    path = header.path
    kind = next((k for k, names in _TYPES.items() if header.get("type").lower() in names), None)
    if kind is None:
        raise InputError(
            f"{path}: expected whole or floating point numbers as voxels, got the type {header.get('type')[:40]!r}."
        )
    order = {"big": ">", "little": "<"}.get(header.get("endian").lower(), "<")
    dtype, shape = np.dtype(order + kind), [*reversed(sizes)]
    encoding = header.get("encoding").lower()
    files, at = _files(header)
    if encoding in _TEXT:
        return read_text_array(files[0], shape, dtype, at=at, named=path)
    if encoding not in _PACKING:
        raise InputError(
            f"{path}: expected raw, gzip, bzip2 or ascii as encoding, got {encoding[:40]!r}; save it anew."
        )
    lines, skip = (int(header.get(f"{unit} skip", f"{unit}skip") or 0) for unit in ("line", "byte"))
    if lines and len(files) > 1:
        raise damaged(path)
    at = _behind_lines(files[0], at, lines) if lines else at
    packing = _PACKING[encoding]
    return read_parts(files, shape, dtype, at=at, skip=skip, packing=packing, named=path)


def _files(header: _Header) -> tuple[list[Path], int]:
    """The files of the voxels, and where these begin in the first."""
    named = header.get("data file", "datafile")
    if not named:
        return [header.path], header.offset
    names = headers.data_names(named, header.listed)
    return [headers.file_beside(header.path, name) for name in names], 0


def _behind_lines(file: Path, at: int, lines: int) -> int:
    if not 0 <= lines <= 10_000:
        raise ValueError("too many lines to skip")
    with file.open("rb") as stream:
        stream.seek(at)
        for _ in range(lines):
            stream.readline(2**20)
        return stream.tell()
