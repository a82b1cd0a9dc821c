"""One DICOM file: what its header says, and its pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import SimpleITK

from CompactSegLib.errors import InputError

__all__ = ["DicomImage", "is_dicom", "read_header", "read_pixels"]

_DAMAGED = (
    "{path}: expected a complete DICOM image, but it is damaged, cut short or packed in an unknown "
    "way; copy or export it again."
)
# SOP classes of the slices of volumes: CT, MR, nuclear medicine, PET, and their multi-frame forms.
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_SLICES = {
    _STORAGE + kind
    for kind in ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "20", "128", "128.1", "130")
}
# In the file's meta information, which is always explicit little endian.
_SOP_CLASS = re.compile(rb"\x02\x00\x02\x00UI..([\d.]+)", re.DOTALL)


@dataclass(frozen=True)
class DicomImage:
    """One file's header: what is needed to put it in its place."""

    path: Path
    series_uid: str
    number: str
    description: str
    modality: str
    size: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    direction: tuple[float, ...]
    position_mm: tuple[float, float, float]
    placed: bool
    pixel_id: int
    components: int

    @property
    def frames(self) -> int:
        """More than 1 for a multi-frame image, which is a volume by itself."""
        return self.size[2] if len(self.size) > 2 else 1


def is_dicom(path: Path) -> bool:
    """Whether a file says that it is DICOM, by the four letters behind its preamble."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_header(path: Path) -> DicomImage | None:
    """Return what a file's header says, None where the file holds no image.

    Raises:
        InputError: It says that it is an image of a kind that makes up volumes, but cannot be read.
            To pass over it would silently lose a slice.
    """
    reader = _reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if _sop_class(path) in _SLICES:
            raise InputError(_DAMAGED.format(path=path)) from error
        return None

    def tag(key: str) -> str:
        if not reader.HasMetaDataKey(key):
            return ""
        value = reader.GetMetaData(key).strip(" \0").encode("utf-8", "surrogateescape")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:  # ITK does not heed the specific character set
            return value.decode("latin-1")

    return DicomImage(
        path=path,
        series_uid=tag("0020|000e"),
        number=tag("0020|0011"),
        description=tag("0008|103e"),
        modality=tag("0008|0060"),
        size=reader.GetSize(),
        spacing_mm=reader.GetSpacing(),
        direction=reader.GetDirection(),
        position_mm=reader.GetOrigin(),
        placed=bool(tag("0020|0032") and tag("0020|0037")),
        pixel_id=reader.GetPixelIDValue(),
        components=reader.GetNumberOfComponents(),
    )


def read_pixels(path: Path) -> SimpleITK.Image:
    """Read one file.

    Raises:
        InputError: It is damaged, or packed in a way that ITK cannot unpack.
    """
    try:
        return _reader(path).Execute()
    except RuntimeError as error:
        raise InputError(_DAMAGED.format(path=path)) from error


def _reader(path: Path) -> SimpleITK.ImageFileReader:
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    return reader


def _sop_class(path: Path) -> str:
    with path.open("rb") as file:
        found = _SOP_CLASS.search(file.read(1024))
    return found.group(1).decode() if found else ""
