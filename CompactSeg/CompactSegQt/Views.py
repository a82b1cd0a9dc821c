"""Which volume the slice views show: the panel takes it, and shows the one that is chosen there."""

from typing import Any

import slicer

from CompactSegMRML.ComparisonViews import VIEW_NAMES

__all__ = ["showInViews", "volumeOnView"]

_OF_COMPARISONS = [name for pair in VIEW_NAMES for name in pair]


def _viewedIDs() -> list[str]:
    """IDs of the volumes in the background of the slice views, the usual ones first; then those before them."""
    scene, layers = slicer.mrmlScene, ([], [])
    nodes = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    nodes.sort(key=lambda node: node.GetLayoutName() not in ("Red", "Yellow", "Green"))
    for node in nodes:
        if node.GetLayoutName() in _OF_COMPARISONS:
            continue
        for layer, volumeID in zip(
            layers, (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()), strict=True
        ):
            if volumeID and scene.GetNodeByID(volumeID):
                layer.append(volumeID)
    return [*layers[0], *layers[1]]


def volumeOnView() -> Any:
    """The volume that the slice views show, or else the first there is; None without one."""
    scene = slicer.mrmlScene
    shown = _viewedIDs()
    return (scene.GetNodeByID(shown[0]) if shown else None) or scene.GetFirstNodeByClass(
        "vtkMRMLScalarVolumeNode"
    )


def showInViews(volume: Any) -> None:
    """Let the slice views show a volume that none of them shows.

    One that is still without voxels is left to whoever is making it: shown now, it would get a window of nothing.
    """
    if volume is None or volume.GetImageData() is None or slicer.mrmlScene.IsImporting():
        return
    if volume.GetID() in _viewedIDs():
        return
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
