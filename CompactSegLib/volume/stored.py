"""Voxels as files store them: exact bytes into an array, packed or not, bounded in memory and in time.

Files are read here rather than by ITK. ITK 5.4 reads a NIfTI file that was cut short without an error (what is missing
is whatever was in memory), fills in a spacing that is not stated, and ends the process for some headers.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import psutil

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry

_CHUNK = 2**20
# Behind the voxels: some writers pad, and a file that goes on for ever must not be read for ever.
_MOST_BEHIND = 64 * 2**20
_MOST_AXIS = 2**20


@dataclass(frozen=True)
class StoredImage:
    """What a file holds.

    Attributes:
        array: (C, K, J, I), in the pixel type of the file.
        geometry: The grid of the array.
        warnings: Sentences for the user on what the file does not say, or says twice.
    """

    array: np.ndarray
    geometry: Geometry
    warnings: tuple[str, ...] = ()


def damaged(path: Path) -> InputError:
    """The error of a file that ends too early, or whose packed data are spoilt."""
    return InputError(
        f"{path}: expected a complete image, but it is damaged or cut short; copy or export it again."
    )


def not_3d(path: Path, size: Sequence[int]) -> InputError:
    """The error of an image of too few or too many axes, or of several frames."""
    words = " x ".join(map(str, size))
    if len(size) > 3 and max(size[3:]) > 1:
        what, do = f"a 4D image of {max(size[3:])} frames", "extract one frame and give that"
    else:
        what, do = f"a {len(size)}D image", "give a 3D file or a DICOM series"
    return InputError(f"{path}: expected a 3D volume, got {what} ({words} voxels); {do}.")


def coloured(path: Path, kind: str) -> InputError:
    """The error of an image of colours, of the kind that is named."""
    return InputError(
        f"{path}: expected intensities, got a colour image ({kind}); give the image itself instead of a rendering, or "
        "one file per channel."
    )


def not_real(path: Path, kind: str) -> InputError:
    """The error of voxels that are complex, or no numbers at all."""
    return InputError(f"{path}: expected real numbers as voxels, got {kind}; export magnitudes.")


def is_segmentation(path: Path, says: str = "") -> InputError:
    """The error of a file that says that it holds a segmentation."""
    return InputError(
        f"{path}: expected an image, got a segmentation{says}; give the image it was made from."
    )


def is_gzip(path: Path) -> bool:
    """Whether a file is packed by gzip, whatever it is called."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, unpacked where gzip packed it; fewer where there are no more, or they are spoilt."""
    try:
        with path.open("rb") as file:
            stream = gzip.GzipFile(fileobj=file) if is_gzip(path) else file
            return stream.read(count)
    except (EOFError, OSError, zlib.error):
        return b""


def read_array(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype,
    *,
    at: int = 0,
    skip: int = 0,
    packing: str = "",
    named: Path | None = None,
) -> np.ndarray:
    """Fill an array with the bytes of a file, read to its end where that has a checksum.

    Args:
        path: The file that holds the voxels.
        shape: Of the array, in C order.
        dtype: As stored; the array comes in the machine's byte order.
        at: Bytes of the file before the voxels, or before what is packed.
        skip: Unpacked bytes before the voxels; -1 for all that is before the last ones of a file that is not packed.
        packing: ``raw``, ``gzip``, ``zlib`` or ``bzip2``; what the file's first bytes say by default.
        named: The file that messages name; `path` by default.

    Raises:
        InputError: Too few bytes, spoilt ones, or more voxels than memory has room for.
    """
    named = named or path
    size = check_size(named, shape, dtype.itemsize)
    packing = packing or ("gzip" if is_gzip(path) else "raw")
    if skip == -1 and packing == "raw":
        at, skip = path.stat().st_size - size, 0
    if at < 0 or skip < 0:
        raise damaged(named)
    try:
        with path.open("rb") as file:
            if packing == "raw" and path.stat().st_size < at + skip + size:
                raise damaged(named)
            if packing != "raw" and skip > _MOST_BEHIND:  # all of it would have to be unpacked
                raise damaged(named)
            file.seek(at)
            array = np.empty(tuple(shape), dtype)
            view = array.reshape(-1).view(np.uint8).data
            filled = -skip
            for chunk in _unpacked(file, packing):
                useful = chunk[max(0, -filled) : max(0, size - filled)]
                start = max(0, filled)
                view[start : start + len(useful)] = useful
                filled += len(chunk)
                if packing == "raw" and filled >= size:
                    break
                if filled > size + _MOST_BEHIND:
                    raise InputError(
                        f"{named}: expected {size} bytes of voxels, as its header states, but it goes on far behind "
                        "them; check the file."
                    )
    except (EOFError, OSError, OverflowError, ValueError, zlib.error) as error:
        raise damaged(named) from error
    if filled < size:
        raise damaged(named)
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_parts(
    files: Sequence[Path], shape: Sequence[int], dtype: np.dtype, *, named: Path, **how: Any
) -> np.ndarray:
    """As `read_array`, of files that hold equal parts along the first axis, each read in the same way."""
    check_size(named, shape, dtype.itemsize)
    if not files or shape[0] % len(files):
        raise damaged(named)
    part = [shape[0] // len(files), *shape[1:]]
    arrays = [read_array(file, part, dtype, named=named, **how) for file in files]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def read_text_array(
    path: Path, shape: Sequence[int], dtype: np.dtype, *, at: int, named: Path
) -> np.ndarray:
    """As `read_array`, of numbers in words.

    Raises:
        ValueError: Something else is there.
        InputError: Too few numbers, or more voxels than memory has room for.
    """
    most = check_size(named, shape, 32)
    with path.open("rb") as stream:
        stream.seek(at)
        words = stream.read(most).split()
    if len(words) < prod(shape):
        raise damaged(named)
    values = np.array(words[: prod(shape)], dtype=float)
    return values.astype(dtype.newbyteorder("=")).reshape(shape)


def check_size(path: Path, shape: Sequence[int], item_bytes: int) -> int:
    """The bytes of an array, where memory has room for it.

    Raises:
        InputError: Its header states an axis without voxels, or more than there is room for.
    """
    if not shape or min(shape) < 1 or max(shape) > _MOST_AXIS:
        size = " x ".join(str(n)[:12] for n in reversed(shape))
        raise InputError(
            f"{path}: expected an image with 1 to {_MOST_AXIS} voxels along each axis, but its header states {size}; "
            "it is damaged, export it again."
        )
    size_bytes = prod(shape) * item_bytes
    free = psutil.virtual_memory().available
    if size_bytes > free:
        raise InputError(
            f"{path}: expected an image that fits the free memory ({free / 1e9:.1f} GB), but its header states "
            f"{size_bytes / 1e9:.1f} GB; free some memory, or check the file."
        )
    return size_bytes


def _unpacked(stream: BinaryIO, packing: str) -> Iterator[bytes]:
    """The rest of a file piece by piece; no piece is large, however well it was packed."""
    if packing == "zlib":
        yield from _inflated(stream)
        return
    if packing == "gzip":
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    elif packing == "bzip2":
        stream = cast(BinaryIO, bz2.BZ2File(stream))
    while chunk := stream.read(_CHUNK):
        yield chunk


def _inflated(stream: BinaryIO) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    while not unpacker.eof:
        packed = unpacker.unconsumed_tail or stream.read(_CHUNK)
        piece = unpacker.decompress(packed, _CHUNK)
        if not packed and not piece:
            raise EOFError
        yield piece
