"""Images to work on: the MNI152 template that nilearn carries, and regions of its hippocampi."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import slicer

REPOSITORY = Path(__file__).resolve().parents[3]
# Large enough to act in the middle of a run, small enough for many runs.
_MIDDLE_IJK = (slice(46, 142), slice(66, 162), slice(46, 142))


@functools.cache
def _crops() -> Any:
    path = REPOSITORY / "Testing" / "crops.py"
    spec = importlib.util.spec_from_file_location("compactseg_crops", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def _image(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Voxels with axes k, j, i, and the matrix from IJK to RAS."""
    crops = _crops()
    image = crops.template()
    if name == "middle":
        image = image.slicer[_MIDDLE_IJK]
    elif name != "template":
        image = crops.crop(image, centre_ras_mm=crops.CENTRES_RAS_MM[name])
    array = np.asarray(image.dataobj, dtype=np.float32)
    array *= np.float32(1000 / array.max())
    return np.ascontiguousarray(array.transpose(2, 1, 0)), np.asarray(image.affine)


def add_volume(scene: Any, name: str = "left_hippocampus") -> Any:
    """Add one of them to a scene.

    Args:
        scene: vtkMRMLScene.
        name: ``left_hippocampus``, ``right_hippocampus``, ``template`` (the whole brain) or its ``middle``.

    Returns:
        vtkMRMLScalarVolumeNode.
    """
    array, ijk_to_ras = _image(name)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    slicer.util.updateVolumeFromArray(node, array)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    display.AutoWindowLevelOn()
    return node
