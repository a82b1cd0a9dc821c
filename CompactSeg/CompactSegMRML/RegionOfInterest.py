"""A markups ROI: put where the views meet, and read as the box of voxels that it covers in a volume."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import vtk

from CompactSegLib.errors import InputError
from CompactSegMRML.Labels import VoxelBox, arrayFromMatrix
from CompactSegMRML.Translation import tr
from CompactSegMRML.VolumeInput import ijkToWorld, wholeBox

__all__ = ["boxOf", "hideHandles", "placeRegion"]

_NEW_REGION_MM = (50.0, 50.0, 50.0)
_SLICE_VIEWS = ("Yellow", "Green", "Red")
"""Those that are perpendicular to R, A and S."""
_TOLERANCE_VOXELS = 1e-6


def boxOf(region: Any, volumeNode: Any) -> VoxelBox:
    """The voxels of a volume whose centres are in the bounds that a region has along the volume's axes.

    The region may be turned against the volume, and both may be under transforms.

    Args:
        region: vtkMRMLMarkupsROINode; None for the whole volume.
        volumeNode: A volume that can be segmented.

    Raises:
        InputError: The region is not placed, or holds no voxel of the volume.
    """
    if region is None:
        return wholeBox(volumeNode)
    name = region.GetName() or tr("The region")
    if not region.IsA("vtkMRMLMarkupsROINode"):
        raise InputError(
            tr("{name}: expected a markups ROI as the region of interest, got {className}.").format(
                name=name, className=region.GetClassName()
            )
        )
    if min(region.GetSize()) <= 0:
        raise InputError(
            tr(
                "{name}: the region of interest has no size; place it first, or choose none."
            ).format(name=name)
        )
    ijk = _cornersWorld(region) @ np.linalg.inv(ijkToWorld(volumeNode)).T
    low = np.ceil(ijk[:, :3].min(axis=0) - _TOLERANCE_VOXELS).astype(int)
    high = np.floor(ijk[:, :3].max(axis=0) + _TOLERANCE_VOXELS).astype(int)
    most = np.array(wholeBox(volumeNode).size) - 1
    low, high = np.maximum(low, 0), np.minimum(high, most)
    if np.any(low > high):
        raise InputError(
            tr(
                "{name}: the region of interest holds no voxel of {volume}; move it, or choose none."
            ).format(name=name, volume=volumeNode.GetName())
        )
    return VoxelBox(tuple(map(int, low)), tuple(map(int, high - low + 1)))  # type: ignore[arg-type]


def _cornersWorld(region: Any) -> np.ndarray:
    """(8, 4) homogeneous."""
    half = np.array(region.GetSize()) / 2
    corners = np.array(list(itertools.product((-1, 1), repeat=3))) * half
    local = np.c_[corners, np.ones(8)] @ arrayFromMatrix(region.GetObjectToNodeMatrix()).T
    transform = vtk.vtkGeneralTransform()
    parent = region.GetParentTransformNode()
    if parent is not None:
        parent.GetTransformToWorld(transform)
    return np.array([(*transform.TransformPoint(corner[:3]), 1.0) for corner in local])


def placeRegion(region: Any, volumeNode: Any, *, sizeMm: tuple[float, float, float] | None) -> None:
    """Give a new region a size, and put it where the slice views meet.

    Args:
        region: vtkMRMLMarkupsROINode.
        volumeNode: On which it is placed; None leaves the region where it is.
        sizeMm: Along R, A and S; None for one that is easily seen and changed.
    """
    region.SetSize(*(sizeMm or _NEW_REGION_MM))
    if volumeNode is not None:
        region.SetName(volumeNode.GetScene().GenerateUniqueName(f"{volumeNode.GetName()} region"))
        region.SetCenter(_viewedPosition(volumeNode))
    region.CreateDefaultDisplayNodes()
    display = region.GetDisplayNode()
    display.SetFillOpacity(0.0)
    display.SetPropertiesLabelVisibility(False)  # it would lie on the structure


def _viewedPosition(volumeNode: Any) -> list[float]:
    """Where the slice views meet, in RAS; along an axis on which that is outside of the volume, the volume's middle."""
    bounds = [0.0] * 6
    volumeNode.GetRASBounds(bounds)
    position = []
    for axis, name in enumerate(_SLICE_VIEWS):
        low, high = bounds[2 * axis : 2 * axis + 2]
        sliceNode = volumeNode.GetScene().GetNodeByID(f"vtkMRMLSliceNode{name}")
        here = sliceNode.GetSliceToRAS().GetElement(axis, 3) if sliceNode else low
        position.append(here if low < here < high else (low + high) / 2)
    return position


def hideHandles(region: Any) -> None:
    """Take a region's handles off the image that is to be looked at; a user brings them back where they want to."""
    if region.GetDisplayNode() is not None:
        region.GetDisplayNode().SetHandlesInteractive(False)
