"""Images for the scenarios, where there is no pytest to bring some."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

__all__ = ["loadVolume"]

_SMALL_MM = (42.0, 58.0, 45.0)


def loadVolume(name: str) -> Any:
    """A volume node of MRHead, ``large`` as it is or ``small`` as a box in its middle; made up where there is no net.

    Whether the structures are found in it is not what the scenarios ask.
    """
    array, spacing = _head()
    if name == "small":
        box = tuple(
            slice((n - size) // 2, (n - size) // 2 + size)
            for n, size in zip(
                array.shape,
                (int(mm / s) for mm, s in zip(_SMALL_MM, reversed(spacing), strict=True)),
                strict=True,
            )
        )
        array = np.ascontiguousarray(array[box])
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    volume.SetSpacing(*spacing)
    slicer.util.updateVolumeFromArray(volume, array)
    volume.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    return volume


def _head() -> tuple[np.ndarray, tuple[float, float, float]]:
    try:
        import SampleData

        node = SampleData.SampleDataLogic().downloadMRHead()
        array, spacing = slicer.util.arrayFromVolume(node).copy(), node.GetSpacing()
        slicer.mrmlScene.RemoveNode(node)
    except Exception:  # noqa: BLE001 - whatever a computer without network raises
        return _phantom(), (1.0, 1.0, 1.0)
    return array, spacing


def _phantom() -> np.ndarray:
    """A bright body with smooth ups and downs, as large as a head."""
    kji = np.indices((160, 192, 160), dtype=np.float32)
    centre = np.array([80, 96, 80], np.float32).reshape(3, 1, 1, 1)
    body = np.sum(((kji - centre) / centre) ** 2, axis=0) < 0.8
    return (body * (300 + 80 * np.sin(kji / 7).sum(axis=0))).astype(np.int16)
