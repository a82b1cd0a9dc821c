"""A volume: voxels, where they are, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.padding import on_labels, without_padding

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class VolumeSource:
    """The files of a volume.

    Attributes:
        path: What was asked for: a file, or a DICOM folder.
        dicom_files: One per slice in the order of k, or the one of a multi-frame image; empty for other formats.
        series_uid: DICOM Series Instance UID.
        dicom_frames: For each k the frame of a multi-frame image, from 0; empty for slices.
        is_resampled: Whether the voxels are on another grid than the files', which were tilted.
    """

    path: Path
    dicom_files: tuple[Path, ...] = ()
    series_uid: str | None = None
    dicom_frames: tuple[int, ...] = ()
    is_resampled: bool = False


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D image of one or more channels.

    Attributes:
        array: (C, K, J, I), in the pixel type of the file.
        geometry: The grid of the array.
        name: What outputs are named after: ``brain`` for ``brain.nii.gz``.
        source: The files it was read from, None where it came from memory.
        warnings: Sentences for the user on what had to be mended, or assumed.
        is_mended: Whether voxels that are no numbers were replaced; the first warning is about these.

    Raises:
        InputError: The array is not one of channels on this grid.
    """

    array: np.ndarray
    geometry: Geometry
    name: str = "volume"
    source: VolumeSource | None = None
    warnings: tuple[str, ...] = ()
    is_mended: bool = False

    def __post_init__(self) -> None:
        if self.array.ndim != 4 or self.array.shape[1:] != self.geometry.shape_kji:
            raise InputError(
                f"{self.name}: expected an array (channels, k, j, i) for a grid of "
                f"{self.geometry.shape_kji}, got {self.array.shape}."
            )

    @classmethod
    def from_array(
        cls,
        array: np.ndarray,
        geometry: Geometry,
        *,
        name: str = "volume",
        source: VolumeSource | None = None,
        warnings: tuple[str, ...] = (),
    ) -> Volume:
        """Return a volume that is fit to be segmented.

        Voxels that are not finite, or too large for float32, become the smallest finite value, with
        a warning, and so does padding; the given array is not changed. An image without contrast has a warning too.

        Args:
            array: (K, J, I) or (C, K, J, I), any real pixel type.
            geometry: The grid of the array.
            name: What outputs are named after; in messages where there is no source.
            source: The files it came from.
            warnings: What its reader has to say.

        Raises:
            InputError: Not a real 3D image, or no finite voxel in it.
        """
        what = str(source.path) if source else name
        if array.ndim == 3:
            array = array[np.newaxis]
        if array.dtype.kind not in "iufb":
            raise InputError(f"{what}: expected real numbers as voxels, got {array.dtype}.")
        if array.dtype.kind == "b":
            array = array.astype(np.uint8)
        if array.ndim == 4 and min(array.shape[1:]) < 2:
            size = " x ".join(str(n) for n in reversed(array.shape[1:]))
            raise InputError(
                f"{what}: expected a 3D volume, got a single slice ({size} voxels); "
                "give the whole series or a 3D file."
            )
        array, mended = _finite(array, what)
        array, padded = without_padding(array, what)
        told = (*mended, *warnings, *padded)
        volume = cls(array, geometry, name, source, told, is_mended=bool(mended))
        if volume.has_contrast:
            remark = on_labels(array, what)
            return replace(volume, warnings=(*told, remark)) if remark else volume
        warning = (
            f"{what}: expected an image, but all voxels have the value {array.flat[0]}; "
            "check that the right file was exported."
        )
        return replace(volume, warnings=(*told, warning))

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Shape of its labels."""
        return self.geometry.shape_kji

    @cached_property
    def has_contrast(self) -> bool:
        """Whether any channel has two voxels that differ."""
        return any(channel.min() != channel.max() for channel in self.array)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.array.shape[0]


def _finite(array: np.ndarray, what: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Replace what is not finite in float32; slice by slice, as masks of a volume cost memory."""
    if array.dtype.kind != "f":
        return array, ()
    lowest, bad = np.inf, 0
    largest = min(_LARGEST, float(np.finfo(array.dtype).max))  # else infinity in half precision
    for channel in array:
        for plane in channel:
            usable = np.abs(plane) <= largest
            bad += usable.size - int(np.count_nonzero(usable))
            if usable.any():
                lowest = min(lowest, float(plane[usable].min()))
    if bad == array.size:
        raise InputError(
            f"{what}: expected an image, but no voxel has a finite value; export it again."
        )
    if not bad:
        return array, ()
    array = array.copy()
    for channel in array:
        for plane in channel:
            plane[~(np.abs(plane) <= largest)] = lowest
    warning = (
        f"{what}: {bad} voxels ({bad / array.size:.2%}) are not finite numbers and were taken as "
        f"{lowest:g}, the smallest value of the image."
    )
    return array, (warning,)
