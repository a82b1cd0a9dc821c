"""DICOM series made for a test, slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

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
        name = names[k] if names else f"{number}-{k:03}.dcm"
        image = an_image(CTImageStorage)
        image.StudyInstanceUID, image.SeriesInstanceUID = study, uid
        image.FrameOfReferenceUID = frame
        image.Modality, image.SeriesDescription = "CT", description
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
        image.RescaleIntercept, image.RescaleSlope = intercept, slope
        image.PixelData = pixels.astype("<i2").tobytes()
        for tag, value in tags.items():
            setattr(image, tag, value)
        image.save_as(folder / name, enforce_file_format=True)
    return uid


def write_multiframe(
    path: Path,
    *,
    array: np.ndarray | None = None,
    geometry: Geometry = GRID,
    order: Sequence[int] | None = None,
    own: Callable[[int, Dataset], None] | None = None,
    frames: Sequence[tuple[np.ndarray, Geometry, int]] | None = None,
    **tags: object,
) -> str:
    """Write one enhanced MR image and return its series' UID.

    Args:
        path: The file.
        array: Its voxels, as in `write_series`.
        geometry: Of these.
        order: The slice that each frame shows; from the first to the last by default.
        own: Changes the functional groups of a frame; is given the number of its slice.
        frames: Instead of array, geometry and order: of each frame its pixels, their grid and the slice of that.
        tags: Set on the file.
    """
    array = an_array() if array is None else array
    order = range(len(array)) if order is None else order
    frames = frames or [(array[k], geometry, k) for k in order]
    image = an_image(EnhancedMRImageStorage)
    image.NumberOfFrames = len(frames)
    image.SeriesNumber, image.SeriesDescription, image.Modality = 5, "T1", "MR"
    image.SeriesInstanceUID, image.StudyInstanceUID = generate_uid(), generate_uid()
    image.FrameOfReferenceUID = generate_uid()
    groups = []
    for _, grid, k in frames:
        group, position, orientation = Dataset(), Dataset(), Dataset()
        measures, content = Dataset(), Dataset()
        position.ImagePositionPatient = [*(grid.ijk_to_lps @ [0, 0, k, 1])[:3]]
        direction = grid.direction_matrix
        orientation.ImageOrientationPatient = [*direction[:, 0], *direction[:, 1]]
        measures.PixelSpacing = [grid.spacing_mm[1], grid.spacing_mm[0]]
        measures.SliceThickness = grid.spacing_mm[2]
        content.StackID, content.InStackPositionNumber = "1", k + 1
        group.PlanePositionSequence, group.PlaneOrientationSequence = [position], [orientation]
        group.PixelMeasuresSequence, group.FrameContentSequence = [measures], [content]
        if own:
            own(k, group)
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = groups
    image.SharedFunctionalGroupsSequence = [Dataset()]
    image.Rows, image.Columns = frames[0][0].shape
    image.PixelData = b"".join(pixels.astype("<i2").tobytes() for pixels, _, _ in frames)
    for tag, value in tags.items():
        setattr(image, tag, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return str(image.SeriesInstanceUID)


def an_image(kind: str) -> FileDataset:
    """A file of signed 16 bit grey values, without its pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 1
    image.PatientName, image.PatientID = "Test^Case", "42"
    return image


def change(path: Path, **tags: object) -> None:
    """Overwrite tags of one file; None removes one."""
    image = pydicom.dcmread(path)
    for tag, value in tags.items():
        if value is None:
            delattr(image, tag)
        else:
            setattr(image, tag, value)
    image.save_as(path)


def change_all(folder: Path, **tags: object) -> None:
    """The same of every file of a folder."""
    for file in folder.iterdir():
        change(file, **tags)


def each_image(folder: Path) -> Iterator[FileDataset]:
    """The images of a folder; each is written back after its turn."""
    for file in sorted(folder.iterdir()):
        image = pydicom.dcmread(file)
        yield image
        image.save_as(file)
