"""MetaImage files: ``.mha``, or ``.mhd`` with the voxels beside it.

Format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.headers import (
    data_names,
    file_beside,
    numbers,
    stated_twice,
    text_lines,
    whole_numbers,
    without_axes,
    without_origin,
)
from CompactSegLib.volume.stored import (
    StoredImage,
    coloured,
    damaged,
    not_3d,
    read_parts,
)

_TYPES = {
    "CHAR": "i1", "UCHAR": "u1", "SHORT": "i2", "USHORT": "u2", "INT": "i4", "UINT": "u4", "LONG": "i4", "ULONG": "u4",
    "LONG_LONG": "i8", "ULONG_LONG": "u8", "FLOAT": "f4", "DOUBLE": "f8",
}  # fmt: skip
_MOST_AXES = 10
_OPPOSITE = str.maketrans("LRPASI", "RLAPIS")


def is_metaimage(path: Path, head: bytes) -> bool:
    """Whether a file is one by its name or its first bytes."""
    return path.suffix.lower() in (".mha", ".mhd") or head.startswith((b"ObjectType", b"NDims"))


def data_files(path: Path) -> list[Path]:
    """The files beside a header that hold its voxels.

    Raises:
        InputError: It is damaged, or one is not there.
    """
    try:
        fields, listed, _ = _fields(path)
        files = _files(path, fields, listed, whole_numbers(fields["DimSize"])[-1])
    except (LookupError, OverflowError, ValueError) as error:
        raise damaged(path) from error
    return [file for file in files if file != path]


def read_metaimage(path: Path) -> StoredImage:
    """Read a file.

    Raises:
        InputError: It is damaged, no 3D image of real numbers, or its frame is not stated or makes no sense.
    """
    try:
        fields, listed, offset = _fields(path)
        size = whole_numbers(fields["DimSize"])
        if not 1 <= len(size) <= _MOST_AXES or len(size) != int(fields["NDims"]):
            raise damaged(path)
        _check_is_plain(path, fields)
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        _check_is_volume(path, size, channels, fields["ElementType"])
        geometry, warnings = _geometry(path, fields, size[:3])
        array = _voxels(path, fields, listed, offset, [*reversed(size[:3]), channels])
    except (LookupError, OverflowError, ValueError) as error:
        raise damaged(path) from error
    return StoredImage(np.ascontiguousarray(np.moveaxis(array, -1, 0)), geometry, warnings)


def _fields(path: Path) -> tuple[dict[str, str], list[str], int]:
    """Fields by name, file names that follow ``ElementDataFile = LIST``, and the offset behind the header."""
    fields: dict[str, str] = {}
    listed: list[str] = []
    offset = 0
    for line, behind in text_lines(path):
        offset = behind
        if "ElementDataFile" in fields:
            listed.append(line.strip())
            continue
        key, separator, value = line.partition("=")
        if not separator:
            if line.strip():
                raise damaged(path)
            continue
        if key.strip() in fields:
            raise stated_twice(path, key.strip())
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile" and not value.strip().startswith("LIST"):
            break
    return fields, listed, offset


def _check_is_volume(path: Path, size: Sequence[int], channels: int, kind: str) -> None:
    if len(size) < 3 or any(n != 1 for n in size[3:]):
        raise not_3d(path, size)
    if channels in (3, 4) and kind.startswith("MET_UCHAR"):
        raise coloured(path, f"{channels} x 8 bit")


def _check_is_plain(path: Path, fields: dict[str, str]) -> None:
    """Fields that programs read in different ways, ITK not at all, would give other millilitres or intensities."""
    plain = {
        "DistanceUnits": ("mm", "?"),
        "ElementToIntensityFunctionSlope": (1.0,),
        "ElementToIntensityFunctionOffset": (0.0,),
    }
    for key, usual in plain.items():
        stated: str | float = fields.get(key, "?" if key == "DistanceUnits" else str(usual[0]))
        if (stated if key == "DistanceUnits" else float(stated)) not in usual:
            raise InputError(
                f"{path}: expected {usual[0]} as {key}, got {str(stated)[:40]!r}, which few programs heed; convert the "
                "image."
            )
    if fields["ElementDataFile"] == "LOCAL" and int(fields.get("HeaderSize", "0")) > 0:
        raise InputError(
            f"{path}: expected its voxels right behind its header, but it states a HeaderSize, which is for voxels in "
            "another file; save it anew."
        )


def _geometry(
    path: Path, fields: dict[str, str], size: Sequence[int]
) -> tuple[Geometry, tuple[str, ...]]:
    axes = int(fields["NDims"])
    told: tuple[str, ...] = ()
    stated_spacing = fields.get("ElementSpacing", fields.get("ElementSize", ""))
    if not stated_spacing:
        raise InputError(
            f"{path}: expected the distance of voxels, but its header has no ElementSpacing; add it."
        )
    spacing = _of_each_axis(path, "ElementSpacing", stated_spacing, axes)
    directions = next(
        (fields[key] for key in ("TransformMatrix", "Rotation", "Orientation") if key in fields),
        None,
    )
    if directions is None:
        told = (without_axes(path, "TransformMatrix"),)
        matrix = np.eye(axes)
    else:
        matrix = np.reshape(numbers(directions), (axes, axes)).T
    origin = next((fields[key] for key in ("Offset", "Origin", "Position") if key in fields), None)
    if origin is None:
        told = (*told, without_origin(path, "Offset"))
    # Read as ITK does: lps, whatever AnatomicalOrientation says of it.
    geometry = Geometry(
        (size[0], size[1], size[2]),
        spacing,
        _of_each_axis(path, "Offset", "0 " * axes if origin is None else origin, axes),
        tuple(matrix[:3, :3].ravel()),
    )
    stated = fields.get("AnatomicalOrientation", "???").upper()
    # MetaImage names where axes come from, the geometry where they run to.
    told_by_axes = geometry.orientation.translate(_OPPOSITE)
    if len(stated) == 3 and set(stated) <= set("RLAPIS") and stated != told_by_axes:
        sentence = (
            f"{path}: its AnatomicalOrientation is {stated}, but its axes are {told_by_axes}; the axes were taken, "
            "as ITK does, and left and right may be exchanged; check it."
        )
        told = (*told, sentence)
    return geometry, told


def _of_each_axis(path: Path, field: str, text: str, axes: int) -> tuple[float, float, float]:
    """Of a field that has a number for each axis those of the axes in space; decimal commas would make more of them."""
    values = numbers(text)
    if len(values) != axes:
        raise InputError(
            f"{path}: expected {axes} numbers as {field}, one for each axis, with decimal points, got {text[:60]!r}; "
            "correct its header."
        )
    return values[0], values[1], values[2]


def _voxels(
    path: Path, fields: dict[str, str], listed: list[str], offset: int, shape: list[int]
) -> np.ndarray:
    kind = fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY")
    if kind not in _TYPES:
        raise InputError(
            f"{path}: expected whole or floating point numbers as voxels, got {fields['ElementType'][:40]!r}."
        )
    big = _is_true(fields.get("ElementByteOrderMSB", fields.get("BinaryDataByteOrderMSB", "False")))
    dtype = np.dtype((">" if big else "<") + _TYPES[kind])
    if not _is_true(fields.get("BinaryData", "True")):
        raise InputError(f"{path}: expected binary voxels, got text; save it anew.")
    packing = "zlib" if _is_true(fields.get("CompressedData", "False")) else "raw"
    skip = int(fields.get("HeaderSize", "0"))
    files = _files(path, fields, listed, shape[0])
    at, skip = (0, skip) if skip == -1 else (skip, 0)
    if files == [path]:
        at, skip = offset, 0
    return read_parts(files, shape, dtype, at=at, skip=skip, packing=packing, named=path)


def _files(path: Path, fields: dict[str, str], listed: list[str], slices: int) -> list[Path]:
    data = fields["ElementDataFile"]
    if data == "LOCAL":
        return [path]
    return [file_beside(path, name) for name in data_names(data, listed, slices=slices)]


def _is_true(text: str) -> bool:
    return text[:1] in {"T", "t", "1"}
