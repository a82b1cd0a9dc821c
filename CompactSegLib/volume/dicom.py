"""DICOM series as volumes: found, chosen, checked for gaps, put in order.

Slices are ordered by their position, never by file name or instance number, and only a complete, regular
stack becomes a volume: a missing slice would shift everything behind it without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK

from CompactSegLib.errors import InputError
from CompactSegLib.volume.dicom_image import DicomImage, is_dicom, read_header, read_pixels
from CompactSegLib.volume.geometry import Geometry

__all__ = ["DicomSeries", "choose_series", "find_series", "read_series"]

_NO_VOLUMES = {"SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG", "DOC"}
_LARGEST_DEVIATION = 0.1  # of the slice distance


@dataclass(frozen=True)
class DicomSeries:
    """The images of one Series Instance UID, in no particular order."""

    uid: str
    images: tuple[DicomImage, ...]

    @property
    def number(self) -> str:
        """Series number, empty where the files have none."""
        return self.images[0].number

    def __str__(self) -> str:
        first = self.images[0]
        number = f"series {first.number or 'without number'}"
        description = first.description or "no description"
        return f"{number}: {description} ({first.modality}, {len(self.images)} images, {self.uid})"


def find_series(files: Iterable[Path]) -> list[DicomSeries]:
    """Return the image series among files; what is no DICOM image is passed over.

    Series are ordered by number, then by UID.
    """
    by_uid: dict[str, list[DicomImage]] = {}
    for path in sorted(files):
        # Old files may lack the preamble, then the name is the only hint.
        if is_dicom(path) or path.suffix.lower() in (".dcm", ".ima"):
            image = read_header(path)
            if image and image.modality not in _NO_VOLUMES:
                by_uid.setdefault(image.series_uid, []).append(image)
    series = [DicomSeries(uid, tuple(images)) for uid, images in by_uid.items()]
    return sorted(series, key=lambda s: (int(s.number) if s.number.isdigit() else -1, s.uid))


def choose_series(
    found: Sequence[DicomSeries], wanted: str | int | None, *, where: Path
) -> DicomSeries:
    """Return the one series, or the one whose UID or number is wanted.

    Raises:
        InputError: None there, several to choose from, or none (or several) of that name.
    """
    if not found:
        raise InputError(
            f"{where}: expected DICOM images, found none; give the folder that holds them."
        )
    listing = "".join(f"\n  {series}" for series in found)
    if wanted is None:
        if len(found) == 1:
            return found[0]
        raise InputError(
            f"{where}: expected one DICOM series, found {len(found)}; "
            f"choose one by its number or UID with --series:{listing}"
        )
    named = [s for s in found if str(wanted) in (s.uid, s.number)]
    if len(named) != 1:
        what = (
            "is the number of several series, use the UID" if named else "is not among the series"
        )
        raise InputError(f"{where}: {wanted!r} {what}:{listing}")
    return named[0]


def read_series(
    series: DicomSeries, *, where: Path
) -> tuple[np.ndarray, Geometry, tuple[Path, ...]]:
    """Read a series as one stack of slices.

    Returns:
        The array (K, J, I) after rescale slope and intercept, its geometry, and the files in the order of k.

    Raises:
        InputError: Not one regular stack: several orientations or sizes, missing or repeated slices,
            a tilted gantry, colour, or damaged pixel data.
    """
    name = f"{where} ({series})"
    images = series.images
    if any(image.components != 1 for image in images):
        raise InputError(f"{name}: expected grey values, got colour images; choose another series.")
    if len(images) == 1 and images[0].frames > 1:
        return _read_multiframe(images[0], name)
    if any(image.frames > 1 for image in images):
        raise InputError(f"{name}: expected one multi-frame image, got several; give one file.")
    geometry, ordered = _stack(images, name)
    # With slopes of their own, slices can have different types: the widest holds all.
    voxels = [SimpleITK.Image([1, 1, 1], pixel_id) for pixel_id in {i.pixel_id for i in ordered}]
    dtype = np.result_type(*(SimpleITK.GetArrayFromImage(voxel).dtype for voxel in voxels))
    array = np.empty(geometry.shape_kji, dtype=dtype)
    for k, image in enumerate(ordered):
        array[k] = SimpleITK.GetArrayFromImage(read_pixels(image.path))[0]
    return array, geometry, tuple(image.path for image in ordered)


def _stack(images: Sequence[DicomImage], name: str) -> tuple[Geometry, list[DicomImage]]:
    """Order images by position and check that they are a regular stack."""
    first = images[0]
    if not all(image.placed for image in images):
        raise InputError(
            f"{name}: expected images with position and orientation (0020,0032 and 0020,0037), "
            "but some have none; convert the series to NIfTI or NRRD."
        )
    if len({image.size for image in images}) > 1 or any(
        not np.allclose(image.direction, first.direction, atol=1e-3)
        or not np.allclose(image.spacing_mm[:2], first.spacing_mm[:2], rtol=1e-3)
        for image in images
    ):
        raise InputError(
            f"{name}: expected one stack of parallel slices of one size, but the images differ in "
            "orientation, size or pixel spacing; export only one stack."
        )
    if len(images) == 1:
        raise InputError(
            f"{name}: expected a 3D volume, got a single slice; give the whole series."
        )
    normal = np.array(first.direction).reshape(3, 3)[:, 2]
    positions = np.array([image.position_mm for image in images])
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    distance = _slice_distance(positions @ normal, name)
    drift = positions[-1] - positions[0]
    shear = np.linalg.norm(drift - (drift @ normal) * normal)
    if shear > _LARGEST_DEVIATION * min(first.spacing_mm[:2]):
        raise InputError(
            f"{name}: expected slices straight above each other, but they are shifted by up to "
            f"{shear:.1f} mm (tilted gantry); load the series in 3D Slicer and save it as NRRD."
        )
    columns, rows = first.size[:2]
    geometry = Geometry(
        (columns, rows, len(images)),
        (first.spacing_mm[0], first.spacing_mm[1], distance),
        images[order[0]].position_mm,
        first.direction,
    )
    return geometry, [images[index] for index in order]


def _slice_distance(heights: np.ndarray, name: str) -> float:
    """Return the distance of slices at ascending heights (mm)."""
    gaps = np.diff(heights)
    usual = float(np.median(gaps[gaps > 1e-3])) if np.any(gaps > 1e-3) else 0.0
    places = 1 + int(np.count_nonzero(gaps > 1e-3))
    if places < len(heights):
        raise InputError(
            f"{name}: expected one image per position, got {len(heights)} images at {places} "
            "positions (a time series, several echoes, or copies); export only one of them."
        )
    distance = float(heights[-1] - heights[0]) / (len(heights) - 1)
    regular = heights[0] + distance * np.arange(len(heights))
    if np.abs(heights - regular).max() > _LARGEST_DEVIATION * distance:
        widest = int(gaps.argmax())
        raise InputError(
            f"{name}: expected slices at equal distances, but {gaps[widest]:.2f} mm lie between "
            f"slices {widest + 1} and {widest + 2} where {usual:.2f} mm are usual; "
            "a slice may be missing, export the series again."
        )
    return distance


def _read_multiframe(image: DicomImage, name: str) -> tuple[np.ndarray, Geometry, tuple[Path, ...]]:
    """Read an enhanced image, whose frames ITK keeps in the order of the file."""
    frames = read_pixels(image.path)
    # Not from the header alone: there ITK may state a negative slice distance.
    geometry = Geometry.from_sitk(frames)
    steps = np.arange(image.frames)[:, None] * geometry.ijk_to_lps[:3, 2]
    expected = np.array(geometry.origin_lps_mm) + steps
    came = _frame_positions(image.path, name)
    limit = _LARGEST_DEVIATION * geometry.spacing_mm[2]
    if came.shape != expected.shape or np.abs(came - expected).max() > limit:
        raise InputError(
            f"{name}: expected the frames of a multi-frame image to be one regular stack of slices, "
            "but their positions are not; export a single stack."
        )
    return SimpleITK.GetArrayFromImage(frames), geometry, (image.path,)


def _frame_positions(path: Path, name: str) -> np.ndarray:
    """(frames, 3) in lps mm. ITK tells only the first: the others need pydicom."""
    try:
        import pydicom
    except ImportError as error:
        raise InputError(
            f"{name}: a multi-frame DICOM image can only be checked with pydicom; install it with "
            "pip install pydicom, or convert the image to NRRD."
        ) from error
    frames = pydicom.dcmread(path, stop_before_pixels=True).get("PerFrameFunctionalGroupsSequence")
    try:
        return np.array(
            [
                [float(x) for x in f.PlanePositionSequence[0].ImagePositionPatient]
                for f in frames or ()
            ]
        )
    except (AttributeError, IndexError) as error:
        raise InputError(
            f"{name}: expected a position for each frame of a multi-frame image, but some have none; "
            "convert the image to NRRD."
        ) from error
