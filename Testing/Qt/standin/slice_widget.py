"""A slice view under its bar: the letter in the view's color, and the slider through the slices."""

from __future__ import annotations

import weakref
from typing import Any

import slicer
import vtk
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout

from standin.qmrml_widget import qMRMLWidget
from standin.slice_view import qMRMLSliceView


class qMRMLSliceControllerWidget(qMRMLWidget):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._logic: Any = None
        self._letter = QLabel()
        self._letter.alignment = Qt.AlignCenter
        self._slider = QSlider(Qt.Horizontal)
        self._offset = QLabel()
        self._offset.minimumWidth = 64
        fit = QToolButton()
        fit.text = "Fit"
        fit.toolTip = "Fit the slice to the view"
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for part in (self._letter, fit, self._slider, self._offset):
            row.addWidget(part)
        fit.clicked.connect(self.fitSliceToBackground)
        self._slider.valueChanged.connect(self._on_slider)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._update)

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode() if self._logic else None

    def setSliceLogic(self, logic: Any) -> None:
        self._logic = logic
        self._update()

    def _update_soon(self) -> None:
        """Show where the slice is once the events at hand are done, of which many may move it."""
        self._soon.start(0)

    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.StartSliceOffsetInteraction()
        self._logic.SetSliceOffset(offset)
        self._logic.EndSliceOffsetInteraction()

    def fitSliceToBackground(self) -> None:
        self._logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.ResetFieldOfViewFlag)
        self._logic.FitSliceToBackground()
        self._logic.GetSliceNode().UpdateMatrices()
        self._logic.EndSliceNodeInteraction()

    def _range(self) -> tuple[float, float, float]:
        bounds, step = [-1.0, 1.0], vtk.reference(1.0)
        self._logic.GetSliceOffsetRangeResolution(bounds, step)
        return bounds[0], bounds[1], max(step.get(), 0.01)

    def _on_slider(self, position: int) -> None:
        low, _, step = self._range()
        self.setSliceOffsetValue(low + position * step)

    def _update(self) -> None:
        node = self.mrmlSliceNode()
        if node is None:
            return
        low, high, step = self._range()
        offset = self._logic.GetSliceOffset()
        self._slider.blockSignals(True)
        self._slider.setRange(0, round((high - low) / step))
        self._slider.value = round((offset - low) / step)
        self._slider.blockSignals(False)
        self._offset.text = _place(node, offset)
        red, green, blue = (round(255 * part) for part in node.GetLayoutColor())
        self._letter.text = node.GetLayoutLabel() or ""
        style = f"background: rgb({red}, {green}, {blue}); color: black; padding: 0 6px;"
        if self._letter.styleSheet != style:  # Qt would lay all out again
            self._letter.styleSheet = style


def _place(node: Any, offset: float) -> str:
    """Where a slice lies in the patient: ``L: 26.0 mm`` for a sagittal one."""
    normal = [node.GetSliceToRAS().GetElement(row, 2) for row in range(3)]
    for part, letters in zip(normal, ("RL", "AP", "SI"), strict=True):
        if abs(part) > 0.999:
            coordinate = offset * part
            return f"{letters[coordinate < 0]}: {abs(coordinate):.1f} mm"
    return f"{offset:.1f} mm"


class qMRMLSliceWidget(qMRMLWidget):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._controller = qMRMLSliceControllerWidget()
        self._view = qMRMLSliceView()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._controller)
        column.addWidget(self._view, 1)
        self._logic = slicer.vtkMRMLSliceLogic()
        weak = weakref.ref(self)

        def on_logic(*_: Any) -> None:
            widget = weak()
            if widget is not None:
                widget._on_logic()

        self._tag = self._logic.AddObserver(vtk.vtkCommand.ModifiedEvent, on_logic)
        self._connection: Any = None

    def sliceView(self) -> Any:
        return self._view

    def sliceController(self) -> Any:
        return self._controller

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def setMRMLSliceNode(self, node: Any) -> None:
        self._logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        self._logic.SetMRMLScene(node.GetScene())
        self._logic.SetSliceNode(node)
        slicer.app.applicationLogic().GetSliceLogics().AddItem(self._logic)
        self._view.interactorObserver().SetSliceLogic(self._logic)
        self._view.setMRMLSliceNode(node)
        self._controller.setSliceLogic(self._logic)
        self._view.resized.connect(self._on_resized)
        self._on_resized()

    def fitSliceToBackground(self) -> None:
        self._controller.fitSliceToBackground()

    def _on_logic(self) -> None:
        connection = self._logic.GetImageDataConnection()
        if connection is not self._connection:
            self._connection = connection
            self._view.setImageDataConnection(connection)
        self._controller._update_soon()
        self._view.scheduleRender()

    def _on_resized(self, *_: Any) -> None:
        self._logic.ResizeSliceNode(*self._view._pixels())

    def _close(self) -> None:
        self._logic.RemoveObserver(self._tag)
        slicer.app.applicationLogic().GetSliceLogics().RemoveItem(self._logic)
        self._view._close()
        self._logic.SetMRMLScene(None)
