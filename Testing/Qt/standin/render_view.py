"""A view of VTK in a Qt window: rendered off screen, so that it needs no display, and painted as an image.

Renderings that are asked for in the same turn of the event loop are done once.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget
from vtk.util.numpy_support import vtk_to_numpy

FRAME_MS = 16
BUTTONS = {Qt.LeftButton: "Left", Qt.MiddleButton: "Middle", Qt.RightButton: "Right"}


def new_render_window() -> Any:
    """One that draws without a display: by EGL on Linux, which Mesa offers on the processor alone."""
    window = vtk.vtkEGLRenderWindow() if sys.platform == "linux" else vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetShowWindow(False)
    window.SetMultiSamples(0)
    return window


class ctkVTKAbstractView(QWidget):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(60, 60)
        self.mouseTracking = True
        self.focusPolicy = Qt.WheelFocus
        self._window = new_render_window()
        self._renderer = vtk.vtkRenderer()
        self._renderer.SetBackground(0, 0, 0)
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        # It would render at once whenever a style asks for it; instead its wish is noted.
        self._interactor.EnableRenderOff()
        self._interactor.Initialize()
        self._image = QImage()
        self._paused = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.interval = FRAME_MS
        self._timer.timeout.connect(self.forceRender)
        view = weakref.ref(self)
        self._interactor.AddObserver("RenderEvent", lambda *_: _schedule(view))

    def renderWindow(self) -> Any:
        return self._window

    def interactor(self) -> Any:
        return self._interactor

    def interactorStyle(self) -> Any:
        return self._interactor.GetInteractorStyle()

    def scheduleRender(self) -> None:
        if not self._timer.active and not self._paused:
            self._timer.start()

    def pauseRender(self) -> None:
        self._paused += 1

    def resumeRender(self) -> None:
        self._paused -= 1
        self.scheduleRender()

    def forceRender(self) -> None:
        """Render now, unless nobody could see it."""
        self._timer.stop()
        width, height = self._pixels()
        if not self.visible or min(width, height) < 2:
            return
        self._window.SetSize(width, height)
        self._window.Render()
        pixels = vtk.vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 1, pixels, 0)
        rows = vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()
        self._image = QImage(rows.data, width, height, 3 * width, QImage.Format_RGB888).copy()
        self.update()

    def _pixels(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return round(self.width * ratio), round(self.height * ratio)

    def _close(self) -> None:
        """Let go of OpenGL before Qt deletes the widget."""
        self._timer.stop()
        self._paused += 1
        self._interactor.RemoveAllObservers()
        self._window.Finalize()

    # What Qt tells, and VTK wants to know

    def paintEvent(self, event: QEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect, Qt.black)
        if not self._image.isNull():
            painter.drawImage(self.rect, self._image)

    def resizeEvent(self, event: QEvent) -> None:
        width, height = self._pixels()
        self._window.SetSize(width, height)
        self._interactor.UpdateSize(width, height)
        self.scheduleRender()

    def showEvent(self, event: QEvent) -> None:
        self.scheduleRender()

    def mousePressEvent(self, event: Any) -> None:
        self._tell_position(event, repeat=event.type() == QEvent.MouseButtonDblClick)
        self._invoke(f"{BUTTONS.get(event.button(), 'Left')}ButtonPressEvent")

    def mouseDoubleClickEvent(self, event: Any) -> None:
        self.mousePressEvent(event)
        self._invoke(f"{BUTTONS.get(event.button(), 'Left')}ButtonDoubleClickEvent")

    def mouseReleaseEvent(self, event: Any) -> None:
        self._tell_position(event)
        self._invoke(f"{BUTTONS.get(event.button(), 'Left')}ButtonReleaseEvent")

    def mouseMoveEvent(self, event: Any) -> None:
        self._tell_position(event)
        self._invoke("MouseMoveEvent")

    def enterEvent(self, event: Any) -> None:
        self._invoke("EnterEvent")

    def leaveEvent(self, event: Any) -> None:
        self._invoke("LeaveEvent")

    def wheelEvent(self, event: Any) -> None:
        self._tell_position(event)
        up = event.angleDelta().y() > 0
        self._invoke("MouseWheelForwardEvent" if up else "MouseWheelBackwardEvent")
        event.accept()

    def keyPressEvent(self, event: Any) -> None:
        key = event.text()[:1] or "\0"
        self._interactor.SetKeyEventInformation(0, 0, key, 0, key)
        self._invoke("KeyPressEvent")
        self._invoke("CharEvent")

    def sizeHint(self) -> QSize:
        return QSize(300, 300)

    def _tell_position(self, event: Any, *, repeat: bool = False) -> None:
        ratio = self.devicePixelRatioF()
        position, modifiers = event.position(), event.modifiers()
        self._interactor.SetEventInformationFlipY(
            round(position.x() * ratio),
            round(position.y() * ratio),
            int(bool(modifiers & Qt.ControlModifier)),
            int(bool(modifiers & Qt.ShiftModifier)),
            "\0",
            int(repeat),
            None,
        )

    def _invoke(self, event: str) -> None:
        self._interactor.InvokeEvent(event)


def _schedule(view: weakref.ref[ctkVTKAbstractView]) -> None:
    found = view()
    if found is not None:
        found.scheduleRender()


def managers_for(factory: Any, names: tuple[str, ...], view: ctkVTKAbstractView) -> Any:
    for name in names:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(view._renderer)
    group.Initialize(factory, view._renderer)
    weak = weakref.ref(view)

    def on_update(*_: Any) -> None:
        found = weak()
        if found is not None:
            found.scheduleRender()

    group.AddObserver(vtk.vtkCommand.UpdateEvent, on_update)
    return group
