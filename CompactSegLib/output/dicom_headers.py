"""Headers of DICOM images as a DICOM SEG may refer to and copy from them, whatever an archive made of them.

What is written is read by programs that trust the standard. So texts are brought to UTF-8, values that are none of
their kind are left empty where the standard allows that, and what it demands is derived, or refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.volume.dicom_file import lenient, open_dicom
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from pydicom import Dataset

# What a DICOM SEG takes over from its source. De-identified and synthetic files often lack some of it.
_MAY_BE_EMPTY = (
    "AccessionNumber", "PatientBirthDate", "PatientID", "PatientName", "PatientSex", "PositionReferenceIndicator",
    "ReferringPhysicianName", "StudyDate", "StudyID", "StudyTime",
)  # fmt: skip
_MAY_BE_ABSENT = (
    "IssuerOfPatientID", "OtherPatientIDs", "EthnicGroup", "PatientComments", "PatientIdentityRemoved",
    "DeidentificationMethod", "StudyDescription", "PatientAge", "PatientSize", "PatientWeight",
)  # fmt: skip
_OF_A_FRAME = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_OF_MANY_FRAMES = (
    "NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "DimensionOrganizationSequence", "DimensionIndexSequence",
)  # fmt: skip
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_AGE = re.compile(r"\d{3}[DWMY]")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_LONGEST = {"LO": 64, "PN": 64, "SH": 16, "CS": 16}
_SEXES = ("M", "F", "O")
_IDENTITY_REMOVED = ("YES", "NO")


def source_headers(volume: Volume) -> list[Dataset]:
    """The headers of a volume's files, fit to be referred to.

    Returns:
        One for each slice in the order of k, or that of the one multi-frame image.

    Raises:
        InputError: The volume is not from DICOM, or was resampled, or a header lacks what cannot be made up.
        ConfigurationError: pydicom is not installed.
    """
    source = volume.source
    if source is None or not source.dicom_files:
        raise InputError(
            f"{source.path if source else volume.name}: a DICOM SEG refers to the DICOM images it was made from, but "
            "this volume was not read from DICOM; choose the format seg.nrrd or nii.gz."
        )
    if source.is_resampled or (source.dicom_frames and len(source.dicom_files) > 1):
        what = (
            "resampled from tilted slices"
            if source.is_resampled
            else "read from several multi-frame images"
        )
        raise InputError(
            f"{source.path}: a DICOM SEG refers to the DICOM images it was made from voxel by voxel, but this volume "
            f"was {what}; choose the format seg.nrrd or nii.gz."
        )
    try:
        from pydicom.uid import generate_uid
    except ImportError as error:
        raise ConfigurationError(
            "Writing DICOM SEG needs pydicom, which is not installed; install it with pip install pydicom."
        ) from error
    headers: list[Dataset] = []
    common: dict[str, Any] = {}
    frame_of_reference = str(generate_uid())
    with lenient():
        for file in source.dicom_files:
            header = open_dicom(file, stop_before_pixels=True)
            header.decode()
            common = common or _common(header)
            headers.append(_header(header, common, file, volume, frame_of_reference))
    return headers


def _common(header: Dataset) -> dict[str, Any]:
    """What is the same for all slices: patient and study."""
    found = {keyword: _text(header, keyword) for keyword in _MAY_BE_EMPTY}
    found |= {k: text for k in _MAY_BE_ABSENT if (text := _text(header, k))}
    if "DeidentificationMethod" not in found:  # the two are stated together
        found.pop("PatientIdentityRemoved", None)
    return found | {"SpecificCharacterSet": "ISO_IR 192"}


def _header(
    header: Dataset, common: dict[str, Any], file: Path, volume: Volume, frame_of_reference: str
) -> Dataset:
    from pydicom import Dataset

    made = Dataset()
    for keyword, value in common.items():
        setattr(made, keyword, value)
    for keyword in _UIDS:
        value = str(header.get(keyword) or "").strip()
        if not _UID.fullmatch(value) or len(value) > 64:
            raise InputError(
                f"{file}: expected DICOM images that a DICOM SEG can refer to, but their headers do not allow it: "
                f"{keyword} is missing or no identifier; choose the format seg.nrrd or nii.gz."
            )
        setattr(made, keyword, value)
    stated = str(header.get("FrameOfReferenceUID") or "").strip()
    made.FrameOfReferenceUID = stated if _UID.fullmatch(stated) else frame_of_reference
    made.Modality = str(header.get("Modality") or "OT")
    made.Rows, made.Columns = header.Rows, header.Columns
    number = _whole(header.get("InstanceNumber"))
    if number is not None:
        made.InstanceNumber = number
    keywords: Sequence[str] = _OF_A_FRAME
    assert volume.source is not None
    if volume.source.dicom_frames:
        keywords = (*_OF_A_FRAME, *_OF_MANY_FRAMES)
    for keyword in keywords:
        if keyword in header:
            setattr(made, keyword, header[keyword].value)
    # The distance of slices is what the volume has between them; the files may say nothing of it.
    distance = f"{volume.geometry.spacing_mm[2]:.9g}"
    made.SliceThickness = distance
    if volume.source.dicom_frames:
        _share(made, volume, distance)
    return made


def _share(header: Dataset, volume: Volume, distance: str) -> None:
    """State for all frames what is the same for all of a volume: an image may state it frame by frame."""
    from pydicom import Dataset

    measures, orientation = Dataset(), Dataset()
    i_mm, j_mm, _ = volume.geometry.spacing_mm
    measures.PixelSpacing, measures.SliceThickness = [f"{j_mm:.9g}", f"{i_mm:.9g}"], distance
    direction = volume.geometry.direction_matrix
    orientation.ImageOrientationPatient = [f"{x:.12f}" for x in direction[:, :2].T.ravel()]
    shared = header.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]


def _text(header: Dataset, keyword: str) -> str:
    """A value as text, empty where it is none of its kind."""
    from pydicom.datadict import dictionary_VR
    from pydicom.multival import MultiValue

    value, kind = header.get(keyword), dictionary_VR(keyword)
    if isinstance(value, MultiValue | list | tuple):  # a backslash, where one value may stand
        value = value[0] if kind == "PN" and value else " ".join(map(str, value))
    if value is None:
        return ""
    text = "".join(c for c in str(value) if c.isprintable()).replace("\\", " ").strip()
    if kind == "DA":
        return text if _is_date(text) else ""
    if kind == "TM":
        return text if _TIME.fullmatch(text) else ""
    if kind == "AS":
        return text if _AGE.fullmatch(text) else ""
    if kind == "DS":
        try:
            return f"{float(text):.9g}" if float(text) > 0 else ""
        except ValueError:
            return ""
    if kind == "CS":
        known = _SEXES if keyword == "PatientSex" else _IDENTITY_REMOVED
        return text if text in known else ""
    if kind == "PN":
        return "=".join(_name(group) for group in text.split("=")[:3])
    return text[: _LONGEST.get(kind, 10240)]


def _name(group: str) -> str:
    """At most five parts of a name, in at most 64 bytes: of characters, programs count now one, now the other."""
    *parts, rest = group.split("^", 4)
    whole = "^".join([*parts, rest.replace("^", " ")])
    return whole.encode()[:64].decode("utf-8", "ignore")


def _is_date(text: str) -> bool:
    try:
        return len(text) == 8 and text.isdecimal() and bool(datetime.strptime(text, "%Y%m%d"))
    except ValueError:
        return False


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
