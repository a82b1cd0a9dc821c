"""What people hold as a volume, brought to a ``Volume``: a path, an image of SimpleITK or nibabel, or an array."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.naming import name_of
from CompactSegLib.volume.nifti import is_nifti, remarks_on_header
from CompactSegLib.volume.volume import Volume


@runtime_checkable
class SimpleITKImage(Protocol):
    """What is needed of an image of SimpleITK."""

    def GetSize(self) -> tuple[int, ...]: ...  # noqa: N802
    def GetSpacing(self) -> tuple[float, ...]: ...  # noqa: N802
    def GetOrigin(self) -> tuple[float, ...]: ...  # noqa: N802
    def GetDirection(self) -> tuple[float, ...]: ...  # noqa: N802
    def GetNumberOfComponentsPerPixel(self) -> int: ...  # noqa: N802


@runtime_checkable
class NibabelImage(Protocol):
    """What is needed of an image of nibabel."""

    @property
    def dataobj(self) -> Any: ...
    @property
    def affine(self) -> Any: ...


VolumeLike: TypeAlias = (
    Volume | str | os.PathLike[str] | SimpleITKImage | NibabelImage | NDArray[Any]
)


def as_volume(source: VolumeLike, *, affine: ArrayLike | None = None) -> Volume:
    """A volume of what a person has.

    Args:
        source: A ``Volume``; the path of an image file or of a DICOM folder; an image of SimpleITK or nibabel; or an
            array ``(I, J, K)`` together with `affine`.
        affine: ``(4, 4)``, from the array's indices to RAS millimetres, as nibabel has it. For an array only.

    Raises:
        InputError: It is none of these, or not a real 3D image; the sentence says what is missing.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, affine, "volume")
    if not isinstance(source, Volume | str | os.PathLike | SimpleITKImage | NibabelImage):
        raise InputError(
            "volume: expected a path, a Volume, an image of SimpleITK or nibabel, or an array with affine=, got "
            f"{_kind(source)}."
        )
    if affine is not None:
        raise InputError(
            f"affine: expected one with an array only, got it with {_kind(source)}, which has a geometry of its own; "
            "leave it out."
        )
    if isinstance(source, Volume):
        return source
    if isinstance(source, str | os.PathLike):
        from CompactSegLib.volume.reading import read_volume

        return read_volume(source)
    if isinstance(source, SimpleITKImage):
        return _from_sitk(source)
    return _from_nibabel(source)


def _from_nibabel(image: NibabelImage) -> Volume:
    file = getattr(image, "get_filename", lambda: None)()
    name = name_of(Path(file)) if file else "volume"
    array = np.asanyarray(image.dataobj)
    # One frame, as its file may have.
    if array.ndim > 3 and array.size == math.prod(array.shape[:3]):
        array = array.reshape(array.shape[:3])
    volume = _from_array(array, image.affine, name)
    header = getattr(getattr(image, "header", None), "binaryblock", b"")
    told = remarks_on_header(header, volume.geometry, name) if is_nifti(header) else ()
    return replace(volume, warnings=(*volume.warnings, *told))


def _from_array(array: NDArray[Any], affine: ArrayLike | None, name: str) -> Volume:
    if affine is None:
        raise InputError(
            "volume: expected affine= together with an array, the 4x4 matrix from its indices to RAS millimetres (as "
            "nibabel's image.affine), since an array does not say where its voxels are."
        )
    if array.ndim != 3:
        raise InputError(f"{name}: expected an array (I, J, K), got one of shape {array.shape}.")
    matrix = np.asarray(affine, dtype=float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError(
            f"affine: expected 4x4 finite numbers, got an array of shape {matrix.shape}."
        )
    return Volume.from_array(array.T, Geometry.from_ijk_to_ras(array.shape, matrix), name=name)


def _from_sitk(image: SimpleITKImage) -> Volume:
    import SimpleITK

    own = cast(Any, image)
    if image.GetSize()[3:] == (1,):
        own = own[..., 0]
    if len(own.GetSize()) != 3:
        raise InputError(f"volume: expected a 3D image, got one of {len(own.GetSize())} axes.")
    array: NDArray[Any] = SimpleITK.GetArrayFromImage(own)
    if image.GetNumberOfComponentsPerPixel() > 1:
        array = np.moveaxis(array, -1, 0)
    return Volume.from_array(array, Geometry.from_sitk(own))


def _kind(value: object) -> str:
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}".removeprefix("builtins.")
