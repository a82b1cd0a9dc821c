"""Widgets that know a scene: the base of all qMRML widgets, and Slicer's own."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from standin.widget import signal, signals


@signals("mrmlSceneChanged(vtkMRMLScene*)")
class qMRMLWidget(QWidget):
    mrmlSceneChanged = signal("mrmlSceneChanged(vtkMRMLScene*)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


@signals("mrmlSceneChanged(vtkMRMLScene*)")
class qSlicerWidget(QWidget):
    mrmlSceneChanged = signal("mrmlSceneChanged(vtkMRMLScene*)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)
