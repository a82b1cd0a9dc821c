"""Slicer's button that makes the surfaces of a segmentation, which the 3D views then show, and drops them again."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtWidgets import QPushButton

from standin.widget import Property


class ctkMenuButton(QPushButton):
    """A button with a menu behind its arrow; here there is no menu."""


class qMRMLSegmentationShow3DButton(ctkMenuButton):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.text = "Show 3D"
        self.checkable = True
        self._node: Any = None
        self.toggled.connect(self._on_toggled)

    locked = Property("bool", default=False)

    def setLocked(self, locked: bool) -> None:
        self.locked = locked

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        self._node = node
        self.enabled = node is not None
        if node is not None:  # without one it stays as it was
            before = self.blockSignals(True)
            self.checked = _has_surface(node)
            self.blockSignals(before)

    def _on_toggled(self, on: bool) -> None:
        if self._node is None:
            return
        if on and not _has_surface(self._node):
            self._node.CreateClosedSurfaceRepresentation()
            self._node.GetDisplayNode().SetVisibility3D(True)
        elif not on:
            self._node.RemoveClosedSurfaceRepresentation()


def _has_surface(node: Any) -> bool:
    name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    return bool(node.GetSegmentation().ContainsRepresentation(name))
