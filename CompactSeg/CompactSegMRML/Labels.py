"""Labels: a box of a volume's voxels, the part of a label map that has labels, and Slicer's oriented images.

A patch is made in the thread that reads, so that the scene gets little at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CompactSegLib.serve.protocol import Frame


@dataclass(frozen=True)
class VoxelBox:
    """A box along the axes of a grid.

    Attributes:
        start: First voxel, (i, j, k).
        size: Voxels along i, j and k; all 0 for an empty box.
    """

    start: tuple[int, int, int]
    size: tuple[int, int, int]

    @property
    def slicesKJI(self) -> tuple[slice, slice, slice]:
        """Of an array (k, j, i) of the whole grid."""
        k, j, i = (
            slice(start, start + size)
            for start, size in zip(self.start[::-1], self.size[::-1], strict=True)
        )
        return k, j, i

    @property
    def extent(self) -> tuple[int, int, int, int, int, int]:
        """As VTK states it: first and last of each axis."""
        edges = zip(self.start, self.size, strict=True)
        i, j, k = ((start, start + size - 1) for start, size in edges)
        return (*i, *j, *k)

    @property
    def isEmpty(self) -> bool:
        return min(self.size) < 1

    def shifted(self, matrix: np.ndarray) -> np.ndarray:
        """The (4, 4) matrix of this box's own voxels, given that of the whole grid."""
        moved = matrix.copy()
        moved[:3, 3] = matrix[:3, :3] @ np.array(self.start, dtype=float) + matrix[:3, 3]
        return moved

    def within(self, other: VoxelBox) -> bool:
        """Whether all of this box is in the other."""
        return all(
            theirs <= mine and mine + count <= theirs + most
            for mine, count, theirs, most in zip(
                self.start, self.size, other.start, other.size, strict=True
            )
        )


@dataclass(frozen=True, eq=False)
class LabelPatch:
    """Labels in a box; outside there is background.

    Attributes:
        labels: (k, j, i) uint8, contiguous, nobody else's.
        box: Where they are in the grid of the volume.
        crc: Of the labels, where it was made already.
    """

    labels: np.ndarray
    box: VoxelBox
    crc: int | None = None

    @property
    def checksum(self) -> int:
        """By which labels are known again."""
        return zlib.crc32(self.labels) if self.crc is None else self.crc


def patchOf(labels: np.ndarray, start: tuple[int, int, int] = (0, 0, 0)) -> LabelPatch:
    """The part of an array that is not background.

    Args:
        labels: (k, j, i) uint8.
        start: The voxel (i, j, k) of the volume at which the array begins.
    """
    bounds = []
    part = labels
    for axis in range(3):  # each axis on what the ones before left
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(part.any(axis=others))
        if not used.size:
            return LabelPatch(np.zeros((0, 0, 0), np.uint8), VoxelBox(start, (0, 0, 0)))
        bounds.append((int(used[0]), int(used[-1]) + 1))
        part = _cut(part, axis, bounds[-1])
    first = tuple(origin + low for origin, (low, _) in zip(start, bounds[::-1], strict=True))
    return LabelPatch(np.array(part, order="C"), VoxelBox(first, part.shape[::-1]))  # type: ignore[arg-type]


def cropLevels(frame: Frame) -> Frame:
    """A ``level`` event with its labels cropped and the message telling where they begin; others unchanged."""
    if frame.message.get("event") != "level" or frame.array is None or frame.array.ndim != 3:
        return frame
    patch = patchOf(frame.array)
    told = {"start": patch.box.start, "shape": frame.array.shape, "crc": patch.checksum}
    return Frame({**frame.message, **told}, patch.labels)


def _cut(array: np.ndarray, axis: int, bounds: tuple[int, int]) -> np.ndarray:
    return array[(slice(None),) * axis + (slice(*bounds),)]


BINARY_LABELMAP = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
CLOSED_SURFACE = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()


def imageOf(patch: LabelPatch, ijkToRAS: np.ndarray) -> Any:
    """The vtkOrientedImageData of a patch on the grid with this (4, 4) matrix; its extent is the patch's box."""
    image = slicer.vtkOrientedImageData()
    if patch.box.isEmpty:
        image.SetExtent(0, -1, 0, -1, 0, -1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    else:
        image.SetExtent(*patch.box.extent)
        image.GetPointData().SetScalars(numpy_to_vtk(patch.labels.ravel(), deep=True))
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijkToRAS))
    return image


def voxelsOf(image: Any) -> np.ndarray:
    """(k, j, i) of an image, its own memory: what is written here is in the image."""
    scalars = image.GetPointData().GetScalars()
    shape = image.GetDimensions()[::-1]
    if scalars is None or min(shape) < 1:
        return np.zeros((0, 0, 0), np.uint8)
    return vtk_to_numpy(scalars).reshape(shape)


def patchOfImages(labels: Mapping[int, tuple[Any, float]], ijkToRAS: np.ndarray) -> LabelPatch:
    """One label map of segments that may lie in several images, as after editing; later ones win where they overlap.

    Args:
        labels: Value wanted: its image, and its value there.
        ijkToRAS: (4, 4), the grid wanted; an image on another grid is resampled to it.
    """
    layers: dict[Any, dict[float, int]] = {}
    for value, (image, there) in labels.items():
        layers.setdefault(image, {})[there] = value
    parts = []
    for image, values in layers.items():
        voxels, start = _onGrid(image, ijkToRAS)
        if voxels.size:
            parts.append((_mapped(voxels, values), np.array(start)))
    if not parts:
        return patchOf(np.zeros((0, 0, 0), np.uint8))
    if len(parts) == 1:  # as long as nobody edited
        voxels, start = parts[0]
        return patchOf(voxels, tuple(map(int, start)))
    low = np.min([start for _, start in parts], axis=0)
    high = np.max([start + voxels.shape[::-1] for voxels, start in parts], axis=0)
    array = np.zeros((high - low)[::-1], np.uint8)
    for voxels, start in parts:
        box = VoxelBox(tuple(map(int, start - low)), voxels.shape[::-1])
        np.copyto(array[box.slicesKJI], voxels, where=voxels > 0)
    return patchOf(array, tuple(map(int, low)))


def _mapped(voxels: np.ndarray, values: Mapping[float, int]) -> np.ndarray:
    """uint8, where each value has become the one that is wanted for it and all others 0."""
    if voxels.dtype == np.uint8:  # by far the quickest, and what Slicer keeps
        table = np.zeros(256, np.uint8)
        for there, value in values.items():
            table[int(there)] = value
        return table[voxels]
    result = np.zeros(voxels.shape, np.uint8)
    for there, value in values.items():
        result[voxels == there] = value
    return result


def gridOf(image: Any) -> np.ndarray:
    """(4, 4), an oriented image's voxels to its millimetres."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _onGrid(image: Any, ijkToRAS: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Voxels of an image and the voxel (i, j, k) of the grid at which they begin."""
    own = gridOf(image)
    if min(image.GetDimensions()) >= 1 and not np.allclose(own, ijkToRAS, atol=1e-6, rtol=0):
        image = _resampled(image, own, ijkToRAS)
    extent = image.GetExtent()
    return voxelsOf(image), (extent[0], extent[2], extent[4])


def _resampled(image: Any, own: np.ndarray, ijkToRAS: np.ndarray) -> Any:
    edges = np.array(image.GetExtent()).reshape(3, 2)
    corners = np.array([*np.ndindex(2, 2, 2)])
    ijk = np.c_[edges[np.arange(3), corners], np.ones(8)]
    there = ijk @ own.T @ np.linalg.inv(ijkToRAS).T
    low, high = np.floor(there.min(axis=0)).astype(int), np.ceil(there.max(axis=0)).astype(int)
    reference, result = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    reference.SetExtent(*(int(edge) for axis in range(3) for edge in (low[axis], high[axis])))
    reference.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijkToRAS))
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        image, reference, result
    )
    return result
