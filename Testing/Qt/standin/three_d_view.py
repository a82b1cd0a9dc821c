"""A 3D view: surfaces of segmentations and models, the region box, turned with the mouse."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from standin.qmrml_widget import qMRMLWidget
from standin.render_view import ctkVTKAbstractView, managers_for

MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
)


class qMRMLThreeDView(ctkVTKAbstractView):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._managers = managers_for(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), MANAGERS, self
        )
        self._style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self._style.SetDisplayableManagers(self._managers)
        self._style.SetInteractor(self._interactor)
        self._node: Any = None

    def mrmlViewNode(self) -> Any:
        return self._node

    def setMRMLViewNode(self, node: Any) -> None:
        self._node = node
        self._managers.SetMRMLDisplayableNode(node)

    def resetFocalPoint(self) -> None:
        """Turn about the middle of what is seen."""
        self._renderer.ResetCamera()
        self._renderer.ResetCameraClippingRange()
        self.scheduleRender()

    def _close(self) -> None:
        self._style.SetInteractor(None)
        self._managers.RemoveAllObservers()
        self._managers.SetMRMLDisplayableNode(None)
        super()._close()


class qMRMLThreeDWidget(qMRMLWidget):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._view = qMRMLThreeDView()
        letter = QLabel("1")
        letter.alignment = Qt.AlignCenter
        letter.styleSheet = "background: #7483c5; color: black; padding: 0 6px;"
        center = QToolButton()
        center.text = "Center"
        center.toolTip = "Show all that is there"
        center.clicked.connect(self._view.resetFocalPoint)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(letter)
        row.addWidget(center)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self._view, 1)

    def threeDView(self) -> Any:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()

    def setMRMLViewNode(self, node: Any) -> None:
        self._view.setMRMLViewNode(node)

    def _close(self) -> None:
        self._view._close()
