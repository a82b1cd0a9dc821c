"""Whether an image file is all there.

ITK 5.4 reads a NIfTI file that was cut short, and a MetaImage whose compressed data are damaged, without an
error: what is missing is whatever was in memory. A copy that was interrupted must not become a segmentation.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

from CompactSegLib.errors import InputError
from CompactSegLib.volume.nifti import HEADER_BYTES, NiftiHeader

__all__ = ["check_complete"]

_CHUNK = 2**20
_META_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}


def check_complete(path: Path) -> None:
    """Read a NIfTI or MetaImage file through to its end; other formats ITK checks itself.

    Raises:
        InputError: It ends too early, or its compressed data are damaged.
    """
    name = path.name.lower()
    try:
        if name.endswith((".nii", ".nii.gz")):
            complete = _nifti_is_complete(path)
        elif name.endswith((".hdr", ".img")):
            header = path.with_suffix(".hdr").read_bytes()
            complete = (
                path.with_suffix(".img").stat().st_size >= NiftiHeader.parse(header).file_bytes
            )
        elif name.endswith((".mha", ".mhd")):
            complete = _metaimage_is_complete(path)
        else:
            return
    except (EOFError, OSError, zlib.error, struct.error, KeyError, ValueError):
        complete = False
    if not complete:
        raise InputError(
            f"{path}: expected a complete image, but it is damaged or cut short; "
            "copy or export it again."
        )


def _nifti_is_complete(path: Path) -> bool:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
        header = stream.read(HEADER_BYTES)
        expected = NiftiHeader.parse(header).file_bytes
        if not packed:
            return path.stat().st_size >= expected
        # To the end, where the checksum is.
        return len(header) + sum(len(chunk) for chunk in _chunks(stream)) >= expected


def _metaimage_is_complete(path: Path) -> bool:
    with path.open("rb") as file:
        fields: dict[str, str] = {}
        while "ElementDataFile" not in fields:
            key, separator, value = file.readline(4096).decode("latin-1").partition("=")
            if not separator:
                return False
            fields[key.strip()] = value.strip()
        data = fields["ElementDataFile"]
        if data == "LIST" or "%" in data:  # one file per slice: ITK notices when one is missing
            return True
        expected = _metaimage_bytes(fields)
        packed = fields.get("CompressedData", "")[:1] in {"T", "t", "1"}
        if data == "LOCAL":
            return _has(file, expected, packed=packed)
        with (path.parent / data).open("rb") as separate:
            return _has(separate, expected, packed=packed)


def _metaimage_bytes(fields: dict[str, str]) -> int:
    voxels = prod(int(n) for n in fields["DimSize"].split())
    kind = re.sub(r"^MET_U?|_ARRAY$", "", fields["ElementType"])
    return voxels * int(fields.get("ElementNumberOfChannels", "1")) * _META_BYTES[kind]


def _has(file: BinaryIO, expected: int, *, packed: bool) -> bool:
    if not packed:
        return sum(len(chunk) for chunk in _chunks(file)) >= expected
    unpacker = zlib.decompressobj()
    size = sum(len(unpacker.decompress(chunk)) for chunk in _chunks(file) if not unpacker.eof)
    return unpacker.eof and size >= expected


def _chunks(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
