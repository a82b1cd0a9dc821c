"""A DICOM series as one volume: put in order and checked for gaps.

Frames are ordered by their position, never by file name, instance number or place in the file, and only a complete,
regular stack becomes a volume.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.volume.dicom import DicomSeries
from CompactSegLib.volume.dicom_file import damaged_dicom
from CompactSegLib.volume.dicom_image import ALIKE, DicomFrame, are_parallel
from CompactSegLib.volume.dicom_pixels import read_values
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.tilt import upright

Number = TypeVar("Number", int, float)

_LARGEST_DEVIATION = 0.1  # of the slice distance, or of a pixel
# Headers that round to 0.1 mm put slices less than this beside their places.
_TOLD_DEVIATION_MM = 0.1
_SAME_STEP = 0.02
_STEEPEST_TILT = 45.0  # degrees; gantries tilt by 30 at most


@dataclass(frozen=True)
class DicomVolume:
    """A series as one stack.

    Attributes:
        array: (K, J, I), each frame after its own rescale slope and intercept.
        geometry: The grid of the array.
        files: One per slice in the order of k, or the one file of a multi-frame image.
        frames: The frame of that file for each k; empty where files hold one each.
        is_resampled: Whether the voxels are not those of the slices: their stack was tilted.
        warnings: Sentences for the user.
    """

    array: np.ndarray
    geometry: Geometry
    files: tuple[Path, ...]
    frames: tuple[int, ...] = ()
    is_resampled: bool = False
    warnings: tuple[str, ...] = ()


def read_series(series: DicomSeries, *, where: Path) -> DicomVolume:
    """Read a series as one stack of slices.

    Raises:
        InputError: Not one regular stack: several orientations or sizes, missing or repeated slices, colour, a
            spacing or place that is not stated, or damaged files.
    """
    name = f"{where} ({series})"
    if series.lost:
        raise damaged_dicom(series.lost[0])
    frames = series.frames
    if any(frame.components != 1 for frame in frames):
        raise InputError(f"{name}: expected grey values, got colour images; choose another series.")
    parts, there = max(f.files_expected for f in frames), len({f.path for f in frames})
    if there < parts:
        raise InputError(
            f"{name}: expected all {parts} files that one image was parted into (0020,9163), got {there}; copy the "
            "others."
        )
    _check_stated(frames, name)
    geometry, ordered, shifts, off_mm = _stack(frames, name)
    array = read_values(ordered)
    told = [f"{name}: {sentence}" for sentence in _remarks(ordered, series.whole, off_mm)]
    if (stated_mm := _steps_over(ordered, geometry.spacing_mm[2])) is not None:
        told.append(
            f"{name}: its files say that slices are {stated_mm:g} mm apart (0018,0088), but they lie "
            f"{geometry.spacing_mm[2]:g} mm apart; slices between them may have been lost, check the series."
        )
    is_tilted = np.abs(shifts).max() > _LARGEST_DEVIATION * min(geometry.spacing_mm[:2])
    if is_tilted:
        array, geometry = upright(array, geometry, shifts)
        told.append(
            f"{name}: its slices are shifted against each other by up to {np.ptp(shifts, axis=0).max():.1f} mm (tilted "
            "gantry); it was resampled to an upright grid, and the segmentation is on that grid."
        )
    is_multiframe = any(frame.frames > 1 for frame in ordered)
    return DicomVolume(
        array,
        geometry,
        files=tuple(dict.fromkeys(frame.path for frame in ordered)),
        frames=tuple(frame.index for frame in ordered) if is_multiframe else (),
        is_resampled=bool(is_tilted),
        warnings=tuple(told),
    )


def _check_stated(frames: Sequence[DicomFrame], name: str) -> None:
    """What the files do not state is not filled in: a wrong spacing gives wrong millilitres, and nobody notices."""
    if any(frame.position_mm is None or frame.orientation is None for frame in frames):
        raise InputError(
            f"{name}: expected images with position and orientation (0020,0032 and 0020,0037), "
            "but some have none; convert the series to NIfTI or NRRD."
        )
    for frame in frames:
        if frame.spacing_mm is None:
            raise InputError(
                f"{name}: expected the distance of pixels in millimetres, but {frame.note} in {frame.path.name}; "
                "export the series again, or convert it to a format that states it."
            )
    if len({frame.patient for frame in frames}) > 1:
        raise InputError(
            f"{name}: expected images of one patient, but their PatientID (0010,0020) differs; export the series again."
        )
    given = [
        {number is None for number in numbers}
        for numbers in zip(*((f.slope, f.intercept) for f in frames), strict=True)
    ]
    numbers = [n for f in frames for n in (f.slope, f.intercept) if n is not None]
    if (
        max(map(len, given)) > 1
        or not np.all(np.isfinite(numbers))
        or any(f.slope == 0 for f in frames)
    ):
        raise InputError(
            f"{name}: expected a RescaleSlope (0028,1053) and RescaleIntercept (0028,1052) of numbers in all images or "
            "in none, but some have none, or 0, or no number; export the series again."
        )


def _stack(
    frames: Sequence[DicomFrame], name: str
) -> tuple[Geometry, list[DicomFrame], np.ndarray, float]:
    """Order frames by position and check that they are a regular stack.

    Returns:
        The grid of the slices were they straight above the first, the frames in order, how far each is shifted in its
        own plane, (frames, 2) in mm along i and j, and how far one at most lies beside where it is put.
    """
    first = frames[0]
    if not all(are_parallel(first, frame) for frame in frames):
        raise InputError(
            f"{name}: expected one stack of parallel slices of one size, but the images differ in "
            "orientation, size or pixel spacing; export only one stack."
        )
    if len(frames) == 1:
        raise InputError(
            f"{name}: expected a 3D volume, got a single slice; give the whole series."
        )
    assert first.orientation is not None and first.spacing_mm is not None
    along_i, along_j = np.reshape(first.orientation, (2, 3))
    normal = np.cross(along_i, along_j)
    lengths = [np.linalg.norm(vector) for vector in (along_i, along_j, normal)]
    if max(abs(length - 1) for length in lengths) > 0.01:
        raise InputError(
            f"{name}: expected two directions at right angles in ImageOrientationPatient (0020,0037), got "
            f"{', '.join(f'{x:g}' for x in first.orientation)}; export the series again."
        )
    # Headers round; the grid is at right angles exactly.
    normal, along_i = normal / lengths[2], along_i / lengths[0]
    along_j = np.cross(normal, along_i)
    positions = np.array([frame.position_mm for frame in frames])
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    distance, off_height = _slice_distance(positions @ normal, name)
    planes = np.stack([along_i, along_j], axis=1)
    shifts = (positions - positions[0]) @ planes
    steady = np.linspace(0, 1, len(frames))[:, None] * shifts[-1]
    off = np.abs(shifts - steady).max()
    if off > max(2 * _LARGEST_DEVIATION * min(first.spacing_mm), 0.05):
        raise InputError(
            f"{name}: expected slices straight above each other or tilted steadily, but some are {off:.1f} mm beside; "
            "export a single stack."
        )
    tilt = np.degrees(np.arctan2(np.linalg.norm(shifts[-1]), np.ptp(positions @ normal)))
    if tilt > _STEEPEST_TILT:
        raise InputError(
            f"{name}: expected slices straight above each other or tilted by at most {_STEEPEST_TILT:g} degrees, got "
            f"{tilt:.1f} degrees; export a single stack."
        )
    columns, rows = first.size
    geometry = Geometry(
        (columns, rows, len(frames)),
        (*first.spacing_mm, distance),
        tuple(positions[0]),
        tuple(np.column_stack([along_i, along_j, normal]).ravel()),
    )
    return geometry, [frames[index] for index in order], steady, max(off, off_height)


def _slice_distance(heights: np.ndarray, name: str) -> tuple[float, float]:
    """Return the distance of slices at ascending heights, and how far one at most is off (mm)."""
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
    off = float(np.abs(heights - regular).max())
    if off > _LARGEST_DEVIATION * distance:
        odd = int(np.abs(gaps - usual).argmax())
        raise InputError(
            f"{name}: expected slices at equal distances, but {gaps[odd]:.2f} mm lie between "
            f"slices {odd + 1} and {odd + 2} where {usual:.2f} mm are usual; "
            "a slice may be missing, export the series again."
        )
    return distance, off


def _remarks(frames: Sequence[DicomFrame], whole: int, off_mm: float) -> list[str]:
    """What makes one doubt that all is there, in its place and in the right unit."""
    told = []
    if off_mm > _TOLD_DEVIATION_MM:
        told.append(
            f"its slices lie up to {off_mm:.2f} mm beside a regular stack; they were taken as regular, check the "
            "series."
        )
    images = _agreed(f.images_expected for f in frames), whole or len(frames)
    slices = _agreed(f.slices_expected for f in frames), len(frames)
    for (stated, there), what in (
        (images, "acquisition has {} images (0020,1002)"),
        (slices, "volume has {} slices (0054,0081)"),
    ):
        if stated is not None and stated > there:
            told.append(
                f"its files say that the {what.format(stated)}, but {there} are there; a slice may have been lost "
                "at an end, check the series."
            )
    every = zip(*(frame.alike for frame in frames), strict=True)
    told += [
        f"its images differ in {keyword}; slices of several images may have been mixed, check the series."
        for keyword, values in zip(ALIKE, every, strict=True)
        if len(set(values)) > 1
    ]
    if frames[0].modality == "CT" and frames[0].slope is None and frames[0].intercept is None:
        told.append(
            "its files state no RescaleSlope and RescaleIntercept; the stored values were taken as Hounsfield units, "
            "check them."
        )
    return told


def _steps_over(frames: Sequence[DicomFrame], distance_mm: float) -> float | None:
    """The distance of slices that all files state, where slices lie at a multiple of it."""
    stated = _agreed(frame.distance_mm for frame in frames)
    if not stated or not np.isfinite(stated):
        return None
    times = distance_mm / stated
    return stated if round(times) >= 2 and abs(times - round(times)) < _SAME_STEP else None


def _agreed(numbers: Iterable[Number | None]) -> Number | None:
    """The number that all state who state one."""
    stated = {number for number in numbers if number is not None}
    return stated.pop() if len(stated) == 1 else None
