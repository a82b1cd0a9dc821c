"""What can be sent of a volume node: why none, which voxels (all or those of a region), where they are in the world."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import slicer
import vtk

from CompactSegLib.errors import InputError
from CompactSegLib.serve.protocol import LARGEST_ARRAY
from CompactSegMRML.Labels import VoxelBox
from CompactSegMRML.ResultFolder import freeName
from CompactSegMRML.Signal import tr as _

_LARGEST_SHEAR = 2e-3
"""Cosine between two axes, which rounding in headers makes; the library refuses more."""


def whyNotSegmentable(node: Any) -> str | None:
    """A sentence for the user where a node can not be segmented; None where it can."""
    if node is None:
        return _("Choose a volume to segment.")
    name = node.GetName() or _("This node")
    if node.IsA("vtkMRMLSequenceNode"):
        return _(
            "{name} is a sequence: open it in the Sequences module and choose the volume of its browser."
        ).format(name=name)
    if node.IsA("vtkMRMLLabelMapVolumeNode") or node.IsA("vtkMRMLSegmentationNode"):
        return _(
            "{name} holds labels, not an image: choose the volume that they were drawn on."
        ).format(name=name)
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        return _(
            "{name} is no volume: choose a scalar volume, such as a loaded MR or CT series."
        ).format(name=name)
    if node.IsA("vtkMRMLDiffusionTensorVolumeNode"):
        return _("{name} holds diffusion tensors, not an image: choose a scalar volume.").format(
            name=name
        )
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or min(image.GetDimensions()) < 1 or not scalars.GetNumberOfTuples():
        return _("{name} has no voxels: load its image, or choose another volume.").format(
            name=name
        )
    if scalars.GetNumberOfComponents() != 1:
        return _(
            "{name} has {count} values in each voxel (as a color image): choose a volume with "
            "one, or convert it with the module Vector to Scalar Volume."
        ).format(name=name, count=scalars.GetNumberOfComponents())
    if scalars.GetDataType() == vtk.VTK_BIT:
        return _("{name} has voxels of one bit, as a mask has: choose an image.").format(name=name)
    size = scalars.GetNumberOfTuples() * scalars.GetDataTypeSize()
    if size > LARGEST_ARRAY:
        return _(
            "{name} has {size:.1f} GiB, and at most {most:.0f} GiB can be segmented: crop it with the "
            "module Crop Volume."
        ).format(name=name, size=size / 2**30, most=LARGEST_ARRAY / 2**30)
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        return _(
            "{name} is under {transform}, which is not linear: harden the transform on the volume (Transforms "
            "module), then segment it."
        ).format(name=name, transform=transform.GetName())
    if abs(np.linalg.det(ijkToWorld(node)[:3, :3])) < 1e-12:
        return _(
            "{name} has a geometry in which its axes do not span space: correct its spacing or its transform."
        ).format(name=name)
    if _isSheared(ijkToRAS(node)):
        return _(
            "{name} has axes that are not at right angles, as a series with a tilted gantry: resample it (module "
            "Resample Scalar/Vector/DWI Volume), then segment it."
        ).format(name=name)
    return None


def ijkToRAS(volumeNode: Any) -> np.ndarray:
    """(4, 4), voxels to the volume's own millimetres, without parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def ijkToWorld(volumeNode: Any) -> np.ndarray:
    """(4, 4), voxels to world millimetres; the parent transforms must be linear."""
    return toWorld(volumeNode) @ ijkToRAS(volumeNode)


def toWorld(node: Any) -> np.ndarray:
    """(4, 4), a node's own millimetres to the world's; the parent transforms must be linear."""
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        node.GetParentTransformNode(), None, matrix
    )
    return slicer.util.arrayFromVTKMatrix(matrix)


def voxelMm3(node: Any, spacingMm: tuple[float, float, float]) -> float:
    """Cubic millimetres in the world of a voxel with this spacing, which has right angles, where a node lies."""
    return abs(float(np.prod(spacingMm) * np.linalg.det(toWorld(node)[:3, :3])))


def gridInPatient(volumeNode: Any) -> np.ndarray:
    """(4, 4), voxels to the millimetres in which they are segmented: the world's, or the volume's own.

    A transform with a shear, as most affine registrations are, has no voxels at right angles; then the image is
    segmented as it was acquired, and the result lies under the same transform.
    """
    world = ijkToWorld(volumeNode)
    return ijkToRAS(volumeNode) if _isSheared(world) else world


def _isSheared(matrix: np.ndarray) -> bool:
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > _LARGEST_SHEAR)


def wholeBox(volumeNode: Any) -> VoxelBox:
    """All voxels of a volume that has some."""
    return VoxelBox((0, 0, 0), volumeNode.GetImageData().GetDimensions())


def stampOf(volumeNode: Any) -> tuple[object, ...]:
    """What differs when the voxels do, or where they are: of the image, and of the way to the world."""
    image = volumeNode.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    # Not the node's own time, which changes with its name or display.
    times = (scalars.GetMTime(), image.GetDimensions()) if scalars else ()
    return (*times, *ijkToRAS(volumeNode).ravel())


_REGION_ROLE = "CompactSeg.RegionOf"
"""From a region to the volume on which it was placed."""
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
    name = region.GetName() or _("The region")
    if not region.IsA("vtkMRMLMarkupsROINode"):
        raise InputError(
            _("{name}: expected a markups ROI as the region of interest, got {className}.").format(
                name=name, className=region.GetClassName()
            )
        )
    if min(region.GetSize()) <= 0:
        raise InputError(
            _("{name}: the region of interest has no size; place it first, or choose none.").format(
                name=name
            )
        )
    ijk = _cornersWorld(region) @ np.linalg.inv(ijkToWorld(volumeNode)).T
    low = np.ceil(ijk[:, :3].min(axis=0) - _TOLERANCE_VOXELS).astype(int)
    high = np.floor(ijk[:, :3].max(axis=0) + _TOLERANCE_VOXELS).astype(int)
    most = np.array(wholeBox(volumeNode).size) - 1
    low, high = np.maximum(low, 0), np.minimum(high, most)
    if np.any(low > high):
        raise InputError(
            _(
                "{name}: the region of interest holds no voxel of {volume}; move it, or choose none."
            ).format(name=name, volume=volumeNode.GetName())
        )
    return VoxelBox(tuple(map(int, low)), tuple(map(int, high - low + 1)))  # type: ignore[arg-type]


def _cornersWorld(region: Any) -> np.ndarray:
    """(8, 4) homogeneous."""
    half = np.array(region.GetSize()) / 2
    corners = np.array(list(itertools.product((-1, 1), repeat=3))) * half
    local = (
        np.c_[corners, np.ones(8)]
        @ slicer.util.arrayFromVTKMatrix(region.GetObjectToNodeMatrix()).T
    )
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
        region.SetName(freeName(volumeNode.GetScene(), f"{volumeNode.GetName()} region"))
        region.SetCenter(_viewedPosition(volumeNode))
        region.SetNodeReferenceID(_REGION_ROLE, volumeNode.GetID())
    region.CreateDefaultDisplayNodes()
    display = region.GetDisplayNode()
    display.SetFillOpacity(0.0)
    display.SetPropertiesLabelVisibility(False)  # it would lie on the structure


def regionOwner(region: Any) -> Any:
    """The volume on which a region was placed; None where that is not known, or the volume is gone."""
    return region.GetNodeReference(_REGION_ROLE)


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
