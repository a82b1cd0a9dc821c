"""What the header of a DICOM file says of each of its frames: one of a slice, many of a multi-frame image."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from CompactSegLib.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from pydicom import FileDataset

__all__ = [
    "DicomFrame",
    "are_parallel",
    "damaged_dicom",
    "is_dicom",
    "is_dicomdir",
    "lenient",
    "open_dicom",
    "read_dicom_frames",
]

# SOP classes of the slices of volumes: CT, MR, nuclear medicine, PET, and their multi-frame forms.
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_SLICES = {
    _STORAGE + kind
    for kind in ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "20", "128", "128.1", "130")
}
_DIRECTORY = "1.2.840.10008.1.3.10"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NEEDED = [
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription",
    "Modality", "Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames", "PixelSpacing",
    "ImagerPixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope", "RescaleIntercept",
    "ImagesInAcquisition", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip


@dataclass(frozen=True)
class DicomFrame:
    """What is needed to put a frame in its place. What the file does not state is None.

    Attributes:
        path: The file.
        index: Of the frame in the file, from 0.
        frames: How many the file has.
        series_uid: Series Instance UID.
        instance_uid: SOP Instance UID.
        number: Series number.
        description: Series description.
        modality: Such as ``MR``.
        size: Columns and rows.
        components: Per pixel.
        spacing_mm: Along a row and down a column.
        orientation: Directions of a row and of a column in lps, six numbers.
        position_mm: Of the first pixel, in lps.
        slope: Of the frame's values.
        intercept: Of the frame's values.
        stack: Which of the file's stacks it says that it belongs to.
        images_expected: How many images the acquisition has, as the file says.
        note: Why something of it is None.
    """

    path: Path
    index: int
    frames: int
    series_uid: str
    instance_uid: str
    number: str
    description: str
    modality: str
    size: tuple[int, int]
    components: int
    spacing_mm: tuple[float, float] | None
    orientation: tuple[float, ...] | None
    position_mm: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    stack: str = ""
    images_expected: int | None = None
    note: str = ""


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


def read_dicom_frames(path: Path) -> list[DicomFrame]:
    """Return what a file's header says of its frames, an empty list where it is sound but holds no image.

    Raises:
        InputError: It cannot be read, or says that it is an image of a kind that makes up volumes and is none.
    """
    with lenient():
        header = open_dicom(path, stop_before_pixels=True, specific_tags=_NEEDED)
        try:
            return _frames(header, path)
        except InputError:
            raise
        except Exception as error:  # sequences are parsed here, see open_dicom
            raise damaged_dicom(path) from error


def are_parallel(one: DicomFrame, other: DicomFrame) -> bool:
    """Whether two frames could belong to one stack: size, spacing and orientation are those of the other."""
    if one.size != other.size:
        return False
    for mine, its, absolute in (
        (one.orientation, other.orientation, 1e-3),
        (one.spacing_mm, other.spacing_mm, 0.0),
    ):
        if (mine is None) != (its is None):
            return False
        if (
            mine is not None
            and its is not None
            and not np.allclose(mine, its, rtol=1e-3, atol=absolute)
        ):
            return False
    return True


def _frames(header: FileDataset, path: Path) -> list[DicomFrame]:
    kind = str(header.get("SOPClassUID", ""))
    rows, columns, bits = (
        int(header.get(key) or 0) for key in ("Rows", "Columns", "BitsAllocated")
    )
    if not kind and not rows:
        raise damaged_dicom(path)
    if min(rows, columns, bits) < 1 or not header.get("SeriesInstanceUID"):
        if kind in _SLICES:
            raise damaged_dicom(path)
        return []
    count = int(header.get("NumberOfFrames") or 1)
    shared = _first(header.get("SharedFunctionalGroupsSequence"))
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    if count < 1 or len(own) not in (0, count) or count > 2**20:
        raise damaged_dicom(path)
    expected = header.get("ImagesInAcquisition")
    common: dict[str, Any] = {
        "path": path,
        "frames": count,
        "series_uid": str(header.SeriesInstanceUID),
        "instance_uid": str(header.get("SOPInstanceUID", "")),
        "number": str(header.get("SeriesNumber") or ""),
        "description": _plain(header.get("SeriesDescription")),
        "modality": str(header.get("Modality") or ""),
        "size": (columns, rows),
        "components": int(header.get("SamplesPerPixel") or 1),
        "images_expected": int(expected) if expected else None,
    }
    return [
        DicomFrame(index=index, **common, **_placed(header, shared, own[index] if own else None))
        for index in range(count)
    ]


def _placed(header: Any, shared: Any, own: Any) -> dict[str, Any]:
    """What a frame states itself, else what is stated for all, else what the file states as a slice does."""

    def stated(group: str, keyword: str) -> Any:
        for functional in (own, shared):
            item = _first(functional.get(group)) if functional is not None else None
            value = item.get(keyword) if item is not None else None
            if value is not None and value != "":
                return value
        return header.get(keyword)

    content = _first(own.get("FrameContentSequence")) if own is not None else None
    spacing = _numbers(stated("PixelMeasuresSequence", "PixelSpacing"), 2)
    note = ""
    if spacing is None or min(spacing) <= 0:
        note = "PixelSpacing (0028,0030) is missing, empty or not above 0"
        if header.get("ImagerPixelSpacing"):
            note += " and only ImagerPixelSpacing, the spacing at the detector, is stated"
        spacing = None
    slope = stated("PixelValueTransformationSequence", "RescaleSlope")
    intercept = stated("PixelValueTransformationSequence", "RescaleIntercept")
    return {
        "spacing_mm": (spacing[1], spacing[0]) if spacing else None,
        "orientation": _numbers(stated("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        "position_mm": _numbers(stated("PlanePositionSequence", "ImagePositionPatient"), 3),
        "slope": None if slope is None else _number(slope),
        "intercept": None if intercept is None else _number(intercept),
        "stack": str(content.get("StackID") or "") if content is not None else "",
        "note": note,
    }


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _number(value: Any) -> float:
    """NaN where it is none: stated, and not to be read."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _numbers(values: Any, count: int) -> tuple[float, ...] | None:
    if values is None or isinstance(values, str) or not hasattr(values, "__len__"):
        return None
    numbers = tuple(_number(value) for value in values)
    return numbers if len(numbers) == count and bool(np.all(np.isfinite(numbers))) else None


def _plain(text: Any) -> str:
    return "".join(c for c in str(text or "") if c.isprintable()).strip()


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
