"""Images and labels on other grids: averaged to thicker voxels, tilted, cropped, and labels back on the truth's grid.

A plane, ``axial``, ``coronal`` or ``sagittal``, stands for the patient's axis across it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from CompactSegLib import Geometry, Volume
from CompactSegLib.volume.boxes import box_of

OUTSIDE = 255
"""Stands for voxels that a segmentation's field of view does not hold."""

ACROSS = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Of each plane the patient's axis across it: left, posterior, superior."""


def labels_on(labels: NDArray[np.uint8], geometry: Geometry, target: Geometry) -> NDArray[np.uint8]:
    """Labels ``(K, J, I)`` of one grid on another, each voxel from the nearest; `OUTSIDE` beyond the field of view."""
    if geometry.matches(target):
        return labels
    image = geometry.to_sitk(np.ascontiguousarray(labels))
    return SimpleITK.GetArrayFromImage(
        _sampled(image, target, SimpleITK.sitkNearestNeighbor, OUTSIDE)
    )


def sliced(volume: Volume, thickness_mm: float, plane: str) -> Volume:
    """Slices of this thickness in a plane; within the slices as before."""
    axes, _ = volume.geometry.nearest_axes()
    spacing = list(volume.geometry.spacing_mm)
    spacing[axes[ACROSS[plane]]] = thickness_mm
    return averaged(volume, spacing)


def averaged(volume: Volume, spacing_mm: Sequence[float]) -> Volume:
    """A volume with voxels of another size, each the mean of what it covers, as a thick slice is.

    Args:
        volume: The image.
        spacing_mm: Along i, j and k. Both grids begin at the same edges.
    """
    old = volume.geometry
    array = volume.array.astype(np.float32)
    sizes = []
    for ijk, mm in enumerate(spacing_mm):
        scale = mm / old.spacing_mm[ijk]
        size = max(1, round(old.size_ijk[ijk] / scale))
        sizes.append(size)
        weights = overlaps(old.size_ijk[ijk], size, scale)
        axis = 3 - ijk
        array = np.moveaxis(np.moveaxis(array, axis, -1) @ weights.T, -1, axis)
    shift = [(new - before) / 2 for new, before in zip(spacing_mm, old.spacing_mm, strict=True)]
    origin = np.add(old.origin_lps_mm, old.direction_matrix @ shift)
    geometry = dataclasses.replace(
        old, size_ijk=tuple(sizes), spacing_mm=tuple(spacing_mm), origin_lps_mm=tuple(origin)
    )
    return Volume(np.ascontiguousarray(array), geometry, name=volume.name)


def overlaps(source: int, target: int, scale: float) -> NDArray[np.float32]:
    """What share each of `source` voxels has in each of `target` voxels that are `scale` times as long.

    Returns:
        ``(target, source)``, rows sum to 1.
    """
    edges = np.arange(target + 1) * scale
    first, last = edges[:-1, None], edges[1:, None]
    voxels = np.arange(source)
    covered = np.minimum(last, voxels + 1) - np.maximum(first, voxels)
    weights = np.clip(covered, 0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def cropped(volume: Volume, inside: NDArray[np.bool_], *, margin_mm: float = 0.0) -> Volume:
    """The box around a mask ``(K, J, I)``; the whole volume where the mask is empty."""
    geometry = volume.geometry
    box = box_of(inside, margin=[round(margin_mm / mm) for mm in reversed(geometry.spacing_mm)])
    if box is None:
        return volume
    array = np.ascontiguousarray(volume.array[(slice(None), *box)])
    return dataclasses.replace(volume, array=array, geometry=geometry.cropped(box))


def tilted(volume: Volume, degrees: float, plane: str) -> Volume:
    """The image on a grid turned within a plane about its centre.

    The head stays where it is in the patient's millimetres; along the image's axes it lies askew. The grid grows so
    that it holds the whole image; what was not imaged is as dark as the darkest voxel.
    """
    grid = turned_grid(volume.geometry, degrees, ACROSS[plane])
    array = volume.array[0].astype(np.float32)
    image = volume.geometry.to_sitk(array)
    turned = _sampled(image, grid, SimpleITK.sitkLinear, float(array.min()))
    return Volume(SimpleITK.GetArrayFromImage(turned)[None], grid, name=volume.name)


def turned_grid(geometry: Geometry, degrees: float, axis: int) -> Geometry:
    """A grid of the same spacing, turned about a patient axis and large enough to hold the whole of the given one."""
    angle = math.radians(degrees)
    rotation = np.eye(3)
    a, b = (other for other in range(3) if other != axis)
    rotation[a, a] = rotation[b, b] = math.cos(angle)
    rotation[a, b], rotation[b, a] = -math.sin(angle), math.sin(angle)
    old, spacing = geometry.direction_matrix, np.array(geometry.spacing_mm)
    new = rotation @ old
    half = np.array(geometry.size_ijk) * spacing / 2
    corners = (np.array([*np.ndindex(2, 2, 2)]) * 2 - 1) * half
    reach = np.abs(corners @ old.T @ new).max(axis=0)
    size = np.ceil(2 * reach / spacing - 1e-6).astype(int)
    middle = geometry.ijk_to_lps @ [*((np.array(geometry.size_ijk) - 1) / 2), 1.0]
    origin = middle[:3] - new @ ((size - 1) / 2 * spacing)
    return Geometry(tuple(size), geometry.spacing_mm, tuple(origin), tuple(new.ravel()))


def _sampled(image: SimpleITK.Image, grid: Geometry, how: int, outside: float) -> SimpleITK.Image:
    return SimpleITK.Resample(
        image,
        grid.size_ijk,
        SimpleITK.Transform(),
        how,
        grid.origin_lps_mm,
        grid.spacing_mm,
        grid.direction_lps,
        outside,
        image.GetPixelID(),
    )
