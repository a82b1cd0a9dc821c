"""DICOM series made for a test, slice by slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from CompactSegLib.volume.geometry import Geometry

GRID = Geometry(
    (8, 7, 6),
    (0.75, 0.75, 2.5),
    (-31.25, 22.5, 14.0),
    (1.0, 0.0, 0.0, 0.0, 0.96, -0.28, 0.0, 0.28, 0.96),
)


def an_array(seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.integers(-1000, 1000, GRID.shape_kji).astype(np.int16)


def write_series(
    folder: Path,
    *,
    array: np.ndarray | None = None,
    geometry: Geometry = GRID,
    number: int | None = 3,
    description: str = "T1 3D",
    uid: str | None = None,
    study: str | None = None,
    names: list[str] | None = None,
    intercept: float = 0,
    slope: float = 1,
    **tags: object,
) -> str:
    """Write a series and return its UID; `tags` are set on every slice."""
    array = an_array() if array is None else array
    folder.mkdir(parents=True, exist_ok=True)
    uid = uid or generate_uid()
    study, frame = study or generate_uid(), generate_uid()
    for k, pixels in enumerate(array):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        name = names[k] if names else f"{number}-{k:03}.dcm"
        image = FileDataset(str(folder / name), {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID = meta.MediaStorageSOPClassUID
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID = study, uid
        image.FrameOfReferenceUID = frame
        image.Modality, image.SeriesDescription = "CT", description
        image.PatientName, image.PatientID = "Test^Case", "42"
        if number is not None:
            image.SeriesNumber = number
        image.InstanceNumber = k + 1
        rows, columns = pixels.shape
        image.Rows, image.Columns = rows, columns
        image.PixelSpacing = [geometry.spacing_mm[1], geometry.spacing_mm[0]]
        image.SliceThickness = geometry.spacing_mm[2]
        direction = geometry.direction_matrix
        image.ImageOrientationPatient = [*direction[:, 0], *direction[:, 1]]
        image.ImagePositionPatient = [*(geometry.ijk_to_lps @ [0, 0, k, 1])[:3]]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        image.RescaleIntercept, image.RescaleSlope = intercept, slope
        image.PixelData = pixels.astype("<i2").tobytes()
        for tag, value in tags.items():
            setattr(image, tag, value)
        image.save_as(folder / name, enforce_file_format=True)
    return uid


def change(path: Path, **tags: object) -> None:
    """Overwrite tags of one file; None removes one."""
    image = pydicom.dcmread(path)
    for tag, value in tags.items():
        if value is None:
            delattr(image, tag)
        else:
            setattr(image, tag, value)
    image.save_as(path)
