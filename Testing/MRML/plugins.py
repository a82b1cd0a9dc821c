"""What Slicer's plugins of the subject hierarchy do and the core does not: nodes get an item, and it goes with them."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

_KINDS = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLTableNode")


class Plugins:
    """As qSlicerSubjectHierarchyPluginLogic, until `close`."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._tags = [
            scene.AddObserver(scene.NodeAddedEvent, _called(self._on_added)),
            scene.AddObserver(scene.NodeAboutToBeRemovedEvent, _called(self._on_leaving)),
        ]

    def close(self) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)

    @property
    def _hierarchy(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def _on_added(self, node: Any) -> None:
        is_known = any(map(node.IsA, _KINDS)) and not node.GetHideFromEditors()
        if is_known and not self._scene.IsImporting():
            self._hierarchy.CreateItem(self._hierarchy.GetSceneItemID(), node)

    def _on_leaving(self, node: Any) -> None:
        if not self._scene.IsClosing() and not node.IsA("vtkMRMLSubjectHierarchyNode"):
            item = self._hierarchy.GetItemByDataNode(node)
            if item:
                self._hierarchy.RemoveItem(item, False, False)


def _called(method: Any) -> Any:
    @vtk.calldata_type(vtk.VTK_OBJECT)
    def called(_scene: Any, _event: str, node: Any) -> None:
        method(node)

    return called
