"""DICOM files: told from others, and opened within bounds."""

from __future__ import annotations

import filecmp
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from CompactSegLib.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from pydicom import FileDataset

_DIRECTORY = "1.2.840.10008.1.3.10"
_DEFLATED = "1.2.840.10008.1.2.1.99"


def damaged_dicom(path: Path) -> InputError:
    """The error of a file that cannot be read: to pass over it would lose a slice."""
    return InputError(
        f"{path}: expected a complete DICOM image, but it is damaged, cut short or packed in an unknown way; "
        "copy or export it again."
    )


def is_dicom(path: Path) -> bool:
    """Whether a file says that it is DICOM, by the four letters behind its preamble."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def is_dicomdir(path: Path) -> bool:
    """Whether a DICOM file is the list of those that lie beside it."""
    with lenient():
        header = open_dicom(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        return getattr(header, "file_meta", {}).get("MediaStorageSOPClassUID") == _DIRECTORY


def modality_of(path: Path) -> str:
    """Such as ``MR``; empty where a file cannot be read or does not say it."""
    with lenient():
        try:
            header = open_dicom(path, stop_before_pixels=True, specific_tags=["Modality"])
            return str(header.get("Modality") or "")
        except Exception:  # noqa: BLE001 - the value is parsed here, see open_dicom
            return ""


@contextmanager
def lenient() -> Iterator[None]:
    """Headers of real archives break rules in a hundred ways that do not matter here; nothing is said of those."""
    try:
        from pydicom import config
    except ImportError as error:
        raise ConfigurationError(
            "Reading DICOM needs pydicom, which is not installed; install it with pip install pydicom."
        ) from error
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        yield


def open_dicom(path: Path, **options: Any) -> FileDataset:
    """`pydicom.dcmread` that leaves nothing open and unpacks no more than memory holds.

    Raises:
        InputError: It cannot be read.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    try:
        if is_dicom(path) and read_file_meta_info(path).get("TransferSyntaxUID") == _DEFLATED:
            _check_deflated(path)
        header = dcmread(path, force=True, **options)
        header.file_meta.to_json_dict()  # pydicom parses values when they are asked for
        return header
    except InputError:
        raise
    except Exception as error:  # pydicom raises what the bytes happen to lead to
        raise damaged_dicom(path) from error


def have_same_pixels(one: Path, other: Path) -> bool:
    """Whether the stored pixels of two files are the same, byte for byte."""
    if filecmp.cmp(one, other, shallow=False):
        return True
    with lenient():
        try:
            first, second = (open_dicom(path) for path in (one, other))
        except InputError:
            return False
        return all(
            first.get(keyword) == second.get(keyword)
            for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
        )


def _check_deflated(path: Path) -> None:
    """A packed header can hold a thousand times its size."""
    from pydicom.filereader import read_file_meta_info

    most = psutil.virtual_memory().available // 4
    meta = read_file_meta_info(path)
    start = 132 + 12 + int(meta.get("FileMetaInformationGroupLength") or 0)
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    size = 0
    with path.open("rb") as file:
        file.seek(start)
        while not unpacker.eof and (packed := unpacker.unconsumed_tail or file.read(2**20)):
            size += len(unpacker.decompress(packed, 2**24))
            if size > most:
                raise InputError(
                    f"{path}: expected an image that fits the free memory, but it unpacks to more than "
                    f"{most / 1e9:.1f} GB; check the file."
                )
