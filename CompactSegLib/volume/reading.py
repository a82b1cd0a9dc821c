"""Any image file or DICOM folder as a volume."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.paths import given, is_file, is_folder
from CompactSegLib.volume import metaimage, nrrd
from CompactSegLib.volume.dicom import (
    choose_series,
    find_series,
    of_file,
    rest_of_series,
    segmentation_among,
    short_of_others,
)
from CompactSegLib.volume.dicom_file import damaged_dicom, is_dicom, is_dicomdir
from CompactSegLib.volume.dicom_stack import read_series
from CompactSegLib.volume.foreign import read_foreign, unknown
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.headers import is_utf16
from CompactSegLib.volume.metaimage import is_metaimage, read_metaimage
from CompactSegLib.volume.mgh import read_mgh
from CompactSegLib.volume.naming import name_of
from CompactSegLib.volume.nifti import HEADER_BYTES, is_nifti, read_nifti
from CompactSegLib.volume.nrrd import is_nrrd, read_nrrd
from CompactSegLib.volume.stored import StoredImage, damaged, first_bytes, is_gzip, is_segmentation
from CompactSegLib.volume.volume import Volume, VolumeSource

StrPath = str | os.PathLike[str]

_POINTER = b"version https://git-lfs"
_IMAGES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz")


def read_volume(
    path_or_paths: StrPath | Sequence[StrPath], *, series: str | int | None = None
) -> Volume:
    """Read a volume with its geometry.

    - A file: NIfTI, NRRD, MetaImage, MGZ or whatever else SimpleITK reads. Vector voxels become channels.
    - A folder: the DICOM series in it and in its sub-folders. Where there are several, `series` chooses.
    - One DICOM file: its whole series, from the folder it lies in, as a viewer does when it is given a slice;
      a multi-frame image is a volume by itself.
    - Several files: DICOM slices of one series, or one file per channel on the same grid.

    Args:
        path_or_paths: What to read.
        series: Number or UID of a DICOM series.

    Returns:
        The volume, named after its file or DICOM folder. What is not stated in the file, or had to be mended, is told
        in its warnings.

    Raises:
        InputError: Anything that is not one real 3D image with something to see in it.
    """
    if isinstance(path_or_paths, str | os.PathLike):
        return _read_one(_path(path_or_paths), series)
    return _read_several([_path(path) for path in path_or_paths], series)


def read_labels(path: StrPath) -> tuple[np.ndarray, Geometry]:
    """Read a label map with the guards that images have.

    Returns:
        Whole numbers (K, J, I) in the pixel type of the file, and their grid.

    Raises:
        InputError: It is damaged, no single 3D map, or holds numbers that are not whole.
    """
    file = _path(path)
    _check_file(file)
    if is_folder(file):
        raise InputError(
            f"{file}: expected the file of a label map, got a folder; give a file in it."
        )
    if is_file(file) and _is_called_dicom(file):
        raise InputError(
            f"{file}: expected a label map (NIfTI, NRRD, MetaImage or MGZ), got a DICOM file; convert it."
        )
    stored = _read_image(file, as_labels=True)
    if len(stored.array) != 1:
        raise InputError(
            f"{file}: expected one 3D label map, got {len(stored.array)} channels; give one file of labels."
        )
    array = stored.array[0]
    if array.dtype.kind == "f":
        fractions = array.size - int(np.count_nonzero(array == np.round(array)))
        if fractions or not np.all(np.isfinite(array)):
            raise InputError(
                f"{file}: expected whole numbers as labels, but {fractions or 'some'} voxels are none (fractions, NaN "
                "or infinite); export it again."
            )
    return array, stored.geometry


def data_files(path: Path) -> list[Path]:
    """The files beside a header that hold its voxels, wherever it can be told; none for an image in one file."""
    head = first_bytes(path, HEADER_BYTES)
    try:
        if is_nrrd(head):
            return nrrd.data_files(path)
        if is_metaimage(path, head):
            return metaimage.data_files(path)
    except InputError:  # reading it will tell
        return []
    other = {".hdr": ".img", ".img": ".hdr"}.get(path.suffix.lower())
    return [path.with_suffix(other)] if other and is_file(path.with_suffix(other)) else []


def _path(path: StrPath) -> Path:
    if not os.fspath(path):
        raise InputError("Expected the path of a file or folder, got an empty text.")
    return given(path)


def _read_several(paths: Sequence[Path], series: str | int | None) -> Volume:
    if not paths:
        raise InputError("Expected a file or folder to read, got an empty list.")
    for path in paths:
        _check_file(path)
    if len(paths) == 1:
        return _read_one(paths[0], series)
    if any(is_dicom(path) for path in paths):
        for path in paths:
            if not _is_called_dicom(path):
                raise damaged_dicom(path)
        return _read_series(paths, paths[0].parent, series)
    return _read_channels(paths)


def _read_one(path: Path, series: str | int | None) -> Volume:
    if is_folder(path):
        return _read_series([*path.rglob("*")], path, series)
    _check_file(path)
    if _is_called_dicom(path):
        if is_dicomdir(path):
            raise InputError(
                f"{path}: expected an image, got the directory of a DICOM medium; give the folder that it lies in."
            )
        own = find_series([path])
        _check_is_no_segmentation([path])
        if not own:
            raise InputError(
                f"{path}: expected a DICOM image, got a DICOM file without one, or a damaged one."
            )
        first = own[0].frames[0]
        files = [*path.parent.iterdir()]
        if first.frames > 1 and first.files_expected == 1:
            volume = _read_series([path], path, series)
            told = rest_of_series(first, files)
            return replace(volume, warnings=(*volume.warnings, told)) if told else volume
        return _read_series(files, path.parent, series, of=path)
    image = _read_image(path)
    return Volume.from_array(
        image.array,
        image.geometry,
        name=name_of(path),
        source=VolumeSource(path),
        warnings=image.warnings,
    )


def _is_called_dicom(path: Path) -> bool:
    """Old files may lack the preamble, then the name is the only hint."""
    return is_dicom(path) or path.suffix.lower() in (".dcm", ".ima")


def _check_is_no_segmentation(files: Sequence[Path]) -> None:
    if segmentation := segmentation_among(files):
        raise is_segmentation(segmentation)


def _check_file(path: Path) -> None:
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        what = "there is nothing of this name" if missing else "it cannot be looked at"
        raise InputError(f"{path}: expected a file or folder, but {what}.") from error
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise InputError(
            f"{path}: expected a file, got a pipe, a device or a socket; save the image to a file."
        )
    if stat.S_ISREG(kind) and path.stat().st_size == 0:
        raise InputError(f"{path}: expected an image, got an empty file; copy or export it again.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: this file may not be read; ask its owner for permission.")


def _read_series(
    files: Sequence[Path], where: Path, wanted: str | int | None, *, of: Path | None = None
) -> Volume:
    """Read the series that is wanted, or that a file is of, or the only one."""
    found = find_series(files)
    images = [file.name for file in files if file.name.lower().endswith(_IMAGES)]
    if not found and images:
        raise InputError(
            f"{where}: expected a folder with DICOM images, found none but image files such as "
            f"{min(images)}; give one of those files."
        )
    if not found:
        _check_is_no_segmentation(files)
    own = found if of is None or wanted is not None else of_file(found, of)
    chosen = choose_series(own, wanted, where=where)
    short = short_of_others(chosen, found)
    with _naming(where):
        found_volume = read_series(chosen, where=where)
    # Two series of one folder must not overwrite each other's results.
    uid, number = chosen.names
    name = name_of(where) + (f"_series-{number or uid}" if len(found) > 1 else "")
    source = VolumeSource(
        where,
        found_volume.files,
        chosen.uid,
        dicom_frames=found_volume.frames,
        is_resampled=found_volume.is_resampled,
    )
    return Volume.from_array(
        found_volume.array,
        found_volume.geometry,
        name=name,
        source=source,
        warnings=found_volume.warnings + ((f"{where} ({chosen}): {short}",) if short else ()),
    )


def _read_channels(paths: Sequence[Path]) -> Volume:
    images: list[StoredImage] = []
    for path in paths:
        if is_folder(path):
            raise InputError(f"{path}: expected files, one for each channel, got a folder.")
        image = _read_image(path)
        first = images[0].geometry if images else image.geometry
        if not image.geometry.matches(first):
            raise InputError(
                f"{path}: expected the grid of {paths[0].name} ({_grid(first)}), as channels of one "
                f"image have, got another ({_grid(image.geometry)}); resample it to the first."
            )
        images.append(image)
    return Volume.from_array(
        np.concatenate([image.array for image in images]),
        images[0].geometry,
        name=name_of(paths[0]),
        source=VolumeSource(paths[0]),
        warnings=tuple(sentence for image in images for sentence in image.warnings),
    )


def _read_image(path: Path, *, as_labels: bool = False) -> StoredImage:
    """Read an image file by what it holds, whatever it is called."""
    head = first_bytes(path, HEADER_BYTES)
    name = path.name.lower()
    with _naming(path):
        if head.startswith(_POINTER):
            raise InputError(
                f"{path}: expected an image, got a pointer of Git LFS to one; fetch the file itself (git lfs pull)."
            )
        if name.endswith((".mgz", ".mgh")):
            return read_mgh(path)
        if is_nrrd(head) or (name.endswith((".nrrd", ".nhdr")) and is_utf16(head)):
            return read_nrrd(path, as_labels=as_labels)
        if is_metaimage(path, head):
            return read_metaimage(path)
        if is_nifti(head) or name.endswith(".img"):
            return read_nifti(path, as_labels=as_labels)
        if name.endswith((".nii", ".nii.gz", ".hdr")) and (len(head) < 348 or is_gzip(path)):
            raise damaged(path)
        if name.endswith((".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr")):
            raise unknown(path)
        return read_foreign(path)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """A grid that makes no sense does not know its file."""
    try:
        yield
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error


def _grid(geometry: Geometry) -> str:
    size = " x ".join(str(n) for n in geometry.size_ijk)
    spacing = " x ".join(f"{mm:.4g}" for mm in geometry.spacing_mm)
    return f"{size} voxels of {spacing} mm, {geometry.orientation}"
