"""What the worker is sent of a volume node: its voxels, copied in steps, and where they are in the world."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CompactSegLib.errors import InputError
from CompactSegLib.serve.protocol import LARGEST_ARRAY
from CompactSegMRML.Labels import VoxelBox, arrayFromMatrix
from CompactSegMRML.Translation import tr

__all__ = [
    "STEP_BYTES",
    "VolumeCopy",
    "checksumOf",
    "gridInPatient",
    "ijkToRAS",
    "ijkToWorld",
    "stampOf",
    "toWorld",
    "wholeBox",
    "whyNotSegmentable",
]

_LARGEST_SHEAR = 2e-3
"""Cosine between two axes, which rounding in headers makes; the library refuses more."""
STEP_BYTES = 8 * 2**20
"""That are copied at a time."""


def whyNotSegmentable(node: Any) -> str | None:
    """A sentence for the user where a node can not be segmented; None where it can."""
    if node is None:
        return tr("Choose a volume to segment.")
    name = node.GetName() or tr("This node")
    if node.IsA("vtkMRMLSequenceNode"):
        return tr(
            "{name} is a sequence: open it in the Sequences module and choose the volume of its browser."
        ).format(name=name)
    if node.IsA("vtkMRMLLabelMapVolumeNode") or node.IsA("vtkMRMLSegmentationNode"):
        return tr(
            "{name} holds labels, not an image: choose the volume that they were drawn on."
        ).format(name=name)
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        return tr(
            "{name} is no volume: choose a scalar volume, such as a loaded MR or CT series."
        ).format(name=name)
    if node.IsA("vtkMRMLDiffusionTensorVolumeNode"):
        return tr("{name} holds diffusion tensors, not an image: choose a scalar volume.").format(
            name=name
        )
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or min(image.GetDimensions()) < 1 or not scalars.GetNumberOfTuples():
        return tr("{name} has no voxels: load its image, or choose another volume.").format(
            name=name
        )
    if scalars.GetNumberOfComponents() != 1:
        return tr(
            "{name} has {count} values in each voxel (as a color image): choose a volume with "
            "one, or convert it with the module Vector to Scalar Volume."
        ).format(name=name, count=scalars.GetNumberOfComponents())
    if scalars.GetDataType() == vtk.VTK_BIT:
        return tr("{name} has voxels of one bit, as a mask has: choose an image.").format(name=name)
    size = scalars.GetNumberOfTuples() * scalars.GetDataTypeSize()
    if size > LARGEST_ARRAY:
        return tr(
            "{name} has {size:.1f} GiB, and at most {most:.0f} GiB can be segmented: crop it with the "
            "module Crop Volume."
        ).format(name=name, size=size / 2**30, most=LARGEST_ARRAY / 2**30)
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        return tr(
            "{name} is under {transform}, which is not linear: harden the transform on the volume (Transforms "
            "module), then segment it."
        ).format(name=name, transform=transform.GetName())
    if abs(np.linalg.det(ijkToWorld(node)[:3, :3])) < 1e-12:
        return tr(
            "{name} has a geometry in which its axes do not span space: correct its spacing or its transform."
        ).format(name=name)
    if _isSheared(ijkToRAS(node)):
        return tr(
            "{name} has axes that are not at right angles, as a series with a tilted gantry: resample it (module "
            "Resample Scalar/Vector/DWI Volume), then segment it."
        ).format(name=name)
    return None


def ijkToRAS(volumeNode: Any) -> np.ndarray:
    """(4, 4), voxels to the volume's own millimetres, without parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return arrayFromMatrix(matrix)


def ijkToWorld(volumeNode: Any) -> np.ndarray:
    """(4, 4), voxels to world millimetres; the parent transforms must be linear."""
    return toWorld(volumeNode) @ ijkToRAS(volumeNode)


def toWorld(node: Any) -> np.ndarray:
    """(4, 4), a node's own millimetres to the world's; the parent transforms must be linear."""
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        node.GetParentTransformNode(), None, matrix
    )
    return arrayFromMatrix(matrix)


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


class VolumeCopy:
    """A copy of a volume's voxels, made in steps that hold the event loop up for milliseconds only.

    It is a copy since the volume may be changed or deleted while the worker is being sent its voxels.

    Args:
        volumeNode: One that can be segmented.
        box: The voxels wanted.

    Attributes:
        array: (k, j, i), complete when the steps are done.
        ijkToPatient: (4, 4) of the box's voxels, at right angles.
        stamp: Changes when the image does.
        checksum: Of the array, complete when the steps are done.
    """

    def __init__(self, volumeNode: Any, box: VoxelBox) -> None:
        self._node, self._box = volumeNode, box
        self.ijkToPatient = box.shifted(gridInPatient(volumeNode))
        self.stamp = stampOf(volumeNode)
        self.array = np.empty(box.size[::-1], self._voxels().dtype)
        self.checksum = 0

    def steps(self) -> Iterator[None]:
        """Copy; each step is short.

        Raises:
            InputError: The image changed in the middle.
        """
        planeBytes = max(1, self.array[:1].nbytes)
        planes = max(1, STEP_BYTES // planeBytes)
        k, j, i = self._box.slicesKJI
        for first in range(0, self._box.size[2], planes):
            if stampOf(self._node) != self.stamp:
                raise InputError(
                    tr("{name} was changed while it was read; segment it again.").format(
                        name=self._node.GetName()
                    )
                )
            source = slice(k.start + first, min(k.start + first + planes, k.stop))
            part = self.array[first : first + planes]
            part[:] = self._voxels()[source, j, i]
            self.checksum = zlib.crc32(part, self.checksum)
            yield

    def _voxels(self) -> np.ndarray:
        """(k, j, i), the volume's own memory, asked for anew since it may have been replaced."""
        image = self._node.GetImageData()
        scalars = vtk_to_numpy(image.GetPointData().GetScalars())
        return scalars.reshape(image.GetDimensions()[::-1])


def checksumOf(volumeNode: Any, box: VoxelBox) -> int:
    """Of a volume's voxels in a box, as `VolumeCopy.checksum`; some 10 ms for a head."""
    copy = VolumeCopy(volumeNode, box)
    for _ in copy.steps():
        pass
    return copy.checksum


def stampOf(volumeNode: Any) -> tuple[object, ...]:
    """What differs when the voxels do, or where they are: of the image, and of the way to the world."""
    image = volumeNode.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    # Not the node's own time, which changes with its name or display.
    times = (scalars.GetMTime(), image.GetDimensions()) if scalars else ()
    return (*times, *ijkToRAS(volumeNode).ravel())
