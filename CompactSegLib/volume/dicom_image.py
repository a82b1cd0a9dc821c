"""What the header of a DICOM file says of each of its frames: one of a slice, many of a multi-frame image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.volume.dicom_file import damaged_dicom, lenient, open_dicom

if TYPE_CHECKING:
    from pydicom import FileDataset

# SOP classes of the slices of volumes: CT, MR, nuclear medicine, PET, and their multi-frame forms.
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_SLICES = {
    _STORAGE + kind
    for kind in ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "20", "128", "128.1", "130")
}
# What tells images at one place apart: times, echoes, weightings, kinds; as a frame of many says it, by the sequences
# that lead to it, and as a file does.
_CONTENT, _DIFFUSION, _KIND = (
    ("FrameContentSequence",),
    ("MRDiffusionSequence",),
    ("MRImageFrameTypeSequence",),
)
_APART = (
    (_CONTENT, "TemporalPositionIndex", "TemporalPositionIdentifier"),
    (_CONTENT, "FrameAcquisitionNumber", "AcquisitionNumber"),
    (_CONTENT, "FrameReferenceDateTime", "FrameReferenceTime"),
    (_CONTENT, "FrameAcquisitionDateTime", "AcquisitionTime"),
    (("MREchoSequence",), "EffectiveEchoTime", "EchoTime"),
    (("MRModifierSequence",), "InversionTimes", "InversionTime"),
    (("CardiacSynchronizationSequence",), "NominalCardiacTriggerDelayTime", "TriggerTime"),
    (_DIFFUSION, "DiffusionBValue", "DiffusionBValue"),
    (
        (*_DIFFUSION, "DiffusionGradientDirectionSequence"),
        "DiffusionGradientOrientation",
        "DiffusionGradientOrientation",
    ),
    (_KIND, "ComplexImageComponent", "ComplexImageComponent"),
    (_KIND, "FrameType", "ImageType"),
)
_MOST_DIMENSIONS = 8
APART = (
    *(keyword for _, keyword, _ in _APART),
    *(f"DimensionIndexValues {number}" for number in range(1, _MOST_DIMENSIONS + 1)),
)
"""The ways in which images at one place are told apart, in the order in which they are tried."""
ALIKE = (
    "Modality", "FrameOfReferenceUID", "EchoTime", "PhotometricInterpretation", "PixelRepresentation",
)  # fmt: skip
"""What slices of one image share, but for what some archives do to them."""
_NEEDED = [
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription",
    "Modality", "Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames", "PixelSpacing",
    "ImagerPixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope", "RescaleIntercept",
    "PatientID", "FrameOfReferenceUID", "PixelRepresentation", "SpacingBetweenSlices",
    "ImagesInAcquisition", "NumberOfSlices", "InConcatenationTotalNumber", "PhotometricInterpretation",
    *(keyword for _, _, keyword in _APART),
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
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
        components: Per pixel, after a look into the palette where there is one.
        spacing_mm: Along a row and down a column.
        orientation: Directions of a row and of a column in lps, six numbers.
        position_mm: Of the first pixel, in lps.
        slope: Of the frame's values.
        intercept: Of the frame's values.
        stack: Which of the file's stacks it says that it belongs to.
        apart: What tells it from others at its place, in the ways of `APART`; empty texts where it does not say.
        images_expected: How many images the acquisition has, as the file says.
        files_expected: How many files one image was parted into, as the file says.
        patient: Identifier of the patient, never to be shown.
        alike: What slices of one image share, in the order of `ALIKE`.
        slices_expected: How many slices each of its times has, as files of PET say.
        distance_mm: Of neighbouring slices, as the file says.
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
    apart: tuple[str, ...] = ()
    images_expected: int | None = None
    files_expected: int = 1
    patient: str = ""
    alike: tuple[str, ...] = ()
    slices_expected: int | None = None
    distance_mm: float | None = None
    note: str = ""


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
    expected, of_a_time = header.get("ImagesInAcquisition"), header.get("NumberOfSlices")
    has_palette = str(header.get("PhotometricInterpretation") or "").startswith("PALETTE")
    common: dict[str, Any] = {
        "path": path,
        "frames": count,
        "series_uid": str(header.SeriesInstanceUID),
        "instance_uid": str(header.get("SOPInstanceUID", "")),
        "number": str(header.get("SeriesNumber") or ""),
        "description": _plain(header.get("SeriesDescription")),
        "modality": str(header.get("Modality") or ""),
        "size": (columns, rows),
        "components": 3 if has_palette else int(header.get("SamplesPerPixel") or 1),
        "files_expected": int(header.get("InConcatenationTotalNumber") or 1),
        "patient": str(header.get("PatientID") or ""),
        "alike": tuple(_text(header.get(keyword)) for keyword in ALIKE),
        "images_expected": int(expected) if expected else None,
        "slices_expected": int(of_a_time) if of_a_time else None,
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
    distance = stated("PixelMeasuresSequence", "SpacingBetweenSlices")
    slope = stated("PixelValueTransformationSequence", "RescaleSlope")
    intercept = stated("PixelValueTransformationSequence", "RescaleIntercept")
    return {
        "spacing_mm": (spacing[1], spacing[0]) if spacing else None,
        "orientation": _numbers(stated("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        "position_mm": _numbers(stated("PlanePositionSequence", "ImagePositionPatient"), 3),
        "distance_mm": abs(_number(distance)) if distance else None,
        "slope": None if slope is None else _number(slope),
        "intercept": None if intercept is None else _number(intercept),
        "stack": str(content.get("StackID") or "") if content is not None else "",
        "apart": _apart(own, content, header),
        "note": note,
    }


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _apart(own: Any, content: Any, header: Any) -> tuple[str, ...]:
    told = []
    for sequences, keyword, of_file in _APART:
        item = own
        for sequence in sequences:
            item = _first(item.get(sequence)) if item is not None else None
        value = item.get(keyword) if item is not None else None
        told.append(_text(header.get(of_file) if value is None else value))
    indices = content.get("DimensionIndexValues") if content is not None else None
    numbers = _text(indices).split("\\")[:_MOST_DIMENSIONS]
    return (*told, *numbers, *[""] * (_MOST_DIMENSIONS - len(numbers)))


def _text(value: Any) -> str:
    """A value, or several, as one text."""
    if value is None:
        return ""
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return "\\".join(map(str, value)) if several else str(value)


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
