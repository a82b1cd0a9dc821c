"""Labels between arrays and Slicer's oriented images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CompactSegMRML.LabelPatch import LabelPatch, patchOf
from CompactSegMRML.VolumeInput import arrayFromMatrix
from CompactSegMRML.VoxelBox import VoxelBox

__all__ = ["BINARY_LABELMAP", "gridOf", "imageOf", "matrixFromArray", "patchOfImages", "voxelsOf"]

BINARY_LABELMAP = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def imageOf(patch: LabelPatch, ijkToRAS: np.ndarray) -> Any:
    """The vtkOrientedImageData of a patch on the grid with this (4, 4) matrix; its extent is the patch's box."""
    image = slicer.vtkOrientedImageData()
    if patch.box.isEmpty:
        image.SetExtent(0, -1, 0, -1, 0, -1)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    else:
        image.SetExtent(*patch.box.extent)
        image.GetPointData().SetScalars(numpy_to_vtk(patch.labels.ravel(), deep=True))
    image.SetImageToWorldMatrix(matrixFromArray(ijkToRAS))
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
    return arrayFromMatrix(matrix)


def matrixFromArray(array: np.ndarray) -> Any:
    """A vtkMatrix4x4 of (4, 4)."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel())
    return matrix


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
    reference.SetImageToWorldMatrix(matrixFromArray(ijkToRAS))
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        image, reference, result
    )
    return result
