"""Any image file or DICOM folder as a volume."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK

from CompactSegLib.errors import InputError
from CompactSegLib.volume.dicom import choose_series, find_series, read_series
from CompactSegLib.volume.dicom_image import is_dicom
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.integrity import check_complete
from CompactSegLib.volume.naming import name_of
from CompactSegLib.volume.nifti import not_finite_voxels
from CompactSegLib.volume.volume import Volume, VolumeSource

__all__ = ["read_volume"]

StrPath = str | os.PathLike[str]

_FORMATS = "NIfTI, NRRD, MetaImage or DICOM"
_IMAGES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


def read_volume(
    path_or_paths: StrPath | Sequence[StrPath], *, series: str | int | None = None
) -> Volume:
    """Read a volume with its geometry.

    - A file: NIfTI, NRRD, MetaImage or whatever else SimpleITK reads. Vector voxels become channels.
    - A folder: the DICOM series in it and in its sub-folders. Where there are several, `series` chooses.
    - One DICOM file: its whole series, from the folder it lies in, as a viewer does when it is given a slice;
      a multi-frame image is a volume by itself.
    - Several files: DICOM slices of one series, or one file per channel on the same grid.

    Args:
        path_or_paths: What to read.
        series: Number or UID of a DICOM series.

    Returns:
        The volume, named after its file or DICOM folder. Voxels that are not finite are replaced, see its
        warnings.

    Raises:
        InputError: Anything that is not one real 3D image with something to see in it.
    """
    with _quiet_itk():
        if isinstance(path_or_paths, str | os.PathLike):
            return _read_one(Path(path_or_paths), series)
        return _read_several([Path(path) for path in path_or_paths], series)


def _read_several(paths: Sequence[Path], series: str | int | None) -> Volume:
    if not paths:
        raise InputError("Expected a file or folder to read, got an empty list.")
    for path in paths:
        _check_file(path)
    if len(paths) == 1:
        return _read_one(paths[0], series)
    if all(is_dicom(path) for path in paths):
        return _read_series(paths, paths[0].parent, series)
    return _read_channels(paths)


def _read_one(path: Path, series: str | int | None) -> Volume:
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
        return _read_series(files, path, series)
    _check_file(path)
    if is_dicom(path):
        own = find_series([path])
        if not own:
            raise InputError(
                f"{path}: expected a DICOM image, got a DICOM file without one, or a damaged one."
            )
        if own[0].images[0].frames > 1:
            return _read_series([path], path, series)
        files = [file for file in path.parent.iterdir() if file.is_file()]
        return _read_series(files, path.parent, own[0].uid if series is None else series)
    array, geometry = _read_image(path)
    return Volume.from_array(array, geometry, name=name_of(path), source=VolumeSource(path))


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: expected a file or folder, but there is nothing of this name.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: expected an image, got an empty file; copy or export it again.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: this file may not be read; ask its owner for permission.")


def _read_series(files: Sequence[Path], where: Path, wanted: str | int | None) -> Volume:
    found = find_series(files)
    images = [file.name for file in files if file.name.lower().endswith(_IMAGES)]
    if not found and images:
        raise InputError(
            f"{where}: expected a folder with DICOM images, found none but image files such as "
            f"{min(images)}; give one of those files."
        )
    chosen = choose_series(found, wanted, where=where)
    array, geometry, ordered = read_series(chosen, where=where)
    # Two series of one folder must not overwrite each other's results.
    name = name_of(where) + (f"_series-{chosen.number or chosen.uid}" if len(found) > 1 else "")
    source = VolumeSource(where, ordered, chosen.uid)
    return Volume.from_array(array, geometry, name=name, source=source)


def _read_channels(paths: Sequence[Path]) -> Volume:
    arrays, first = [], None
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: expected files, one for each channel, got a folder.")
        array, geometry = _read_image(path)
        first = first or geometry
        if not geometry.matches(first):
            raise InputError(
                f"{path}: expected the grid of {paths[0].name} ({_grid(first)}), as channels of one "
                f"image have, got another ({_grid(geometry)}); resample it to the first."
            )
        arrays.append(array)
    assert first is not None
    return Volume.from_array(
        np.concatenate(arrays), first, name=name_of(paths[0]), source=VolumeSource(paths[0])
    )


def _read_image(path: Path) -> tuple[np.ndarray, Geometry]:
    """Return the array (C, K, J, I) and geometry of an image file."""
    check_complete(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        _check_kind(reader, path)
        if reader.GetDimension() == 4:
            reader.SetExtractSize([*reader.GetSize()[:3], 0])
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(_reason(path, str(error))) from error
    array = SimpleITK.GetArrayFromImage(image)
    array = np.moveaxis(array, -1, 0) if array.ndim == 4 else array[np.newaxis]
    array = np.ascontiguousarray(array)
    if path.name.lower().endswith((".nii", ".nii.gz")) and array.dtype.kind == "f":
        bad = not_finite_voxels(path)
        if bad is not None and bad.size == array.size:
            array[bad.reshape(array.shape)] = np.nan
    return array, Geometry.from_sitk(image)


def _check_kind(reader: SimpleITK.ImageFileReader, path: Path) -> None:
    """Say from the header alone whether this can be a volume, before much is read."""
    size = reader.GetSize()
    words = " x ".join(str(n) for n in size)
    kind = SimpleITK.GetPixelIDValueAsString(reader.GetPixelIDValue())
    components = reader.GetNumberOfComponents()
    if len(size) == 4 and size[3] > 1:
        raise InputError(
            f"{path}: expected a 3D volume, got a 4D image of {size[3]} frames ({words} voxels); "
            "extract one frame and give that."
        )
    if len(size) not in (3, 4):
        raise InputError(
            f"{path}: expected a 3D volume, got a {len(size)}D image ({words} voxels); "
            "give a 3D file or a DICOM series."
        )
    if "complex" in kind or "label" in kind:
        raise InputError(f"{path}: expected real numbers as voxels, got {kind}; export magnitudes.")
    if components in (3, 4) and "8-bit unsigned" in kind:
        raise InputError(
            f"{path}: expected intensities, got a colour image ({components} x 8 bit); "
            "give the image itself instead of a rendering, or one file per channel."
        )


@contextmanager
def _quiet_itk() -> Iterator[None]:
    """Keep ITK's warnings from standard error, where one sentence is expected."""
    before = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(before)


def _reason(path: Path, message: str) -> str:
    """One sentence from an ITK exception of many lines."""
    if "Unable to determine ImageIO" in message:
        return (
            f"{path}: expected an image ({_FORMATS}), got a file of another kind, or a damaged one."
        )
    if "orthonormal" in message:
        return (
            f"{path}: expected axes at right angles, but its header describes a sheared image; "
            "resample it, for example in 3D Slicer, and give the result."
        )
    return f"{path}: expected a complete image, but it is damaged or cut short; copy or export it again."


def _grid(geometry: Geometry) -> str:
    size = " x ".join(str(n) for n in geometry.size_ijk)
    spacing = " x ".join(f"{mm:.4g}" for mm in geometry.spacing_mm)
    return f"{size} voxels of {spacing} mm, {geometry.orientation}"
