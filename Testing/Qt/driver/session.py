"""One desktop: a fresh scene in a fresh window, and what a person can do with it."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import standin
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, Qt
from PySide6.QtGui import QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)
from standin.main_window import qSlicerMainWindow
from standin.packages import record

from driver.dialogs import Dialogs
from driver.pauses import Pauses
from driver.qt_messages import QtMessages
from driver.samples import REPOSITORY, add_volume

SIZE = (1400, 900)
# Short for a person, and long enough that looking is not what a test spends its time on.
_LOOK_SECONDS = 0.005


class Desktop:
    """Made by the fixture ``desktop`` and by ``desktop.py``; `close` ends it.

    Args:
        screenshots: Folder for pictures.
    """

    def __init__(self, screenshots: Path) -> None:
        self.screenshots = screenshots
        self.pip = record
        record.reset()
        self.failures: list[str] = []
        self._excepthook = sys.excepthook
        sys.excepthook = self._on_exception
        self._messages = QtMessages()
        self._messages.start()
        app = standin.the_application()
        app._open()
        app._clear_settings()
        self.window = qSlicerMainWindow()
        app._layouts = self.window._layouts
        self.window._layouts.setMRMLScene(slicer.mrmlScene)
        self.window.resize(*SIZE)
        self.window.show()
        self.dialogs = Dialogs()
        self._name = ""
        self.layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self.wait(0.02)
        app.startupCompleted.emit()

    @property
    def scene(self) -> Any:
        return slicer.mrmlScene

    @property
    def panel(self) -> Any:
        """The Python widget of the module that was opened."""
        return getattr(slicer.modules, f"{self._name}Widget")

    @property
    def ui(self) -> Any:
        return self.panel.ui

    # Modules and data

    def open(self, name: str = "CompactSeg", path: Path | None = None) -> Any:
        """Load a module from its file and open its panel.

        Args:
            name: Of the module.
            path: Its file; that of this repository by default.
        """
        manager = slicer.app.moduleManager()
        if manager.module(name) is None:
            manager._load(path or REPOSITORY / "CompactSeg" / f"{name}.py")
            slicer.app.startupCompleted.emit()
        self._name = name
        self.select(name)
        return self.panel

    def select(self, name: str) -> None:
        slicer.util.selectModule(name)
        self.wait(0.02)

    def reload(self) -> Any:
        """As a developer's Reload button does."""
        self.panel.onReload()
        self.wait(0.02)
        return self.panel

    def load(self, volume: str = "left_hippocampus") -> Any:
        """Add a volume to the scene and show it in the slice views."""
        node = add_volume(self.scene, volume)
        self.show(node)
        return node

    def show(self, node: Any) -> None:
        """Put a volume into the slice views, as Slicer does after loading."""
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetActiveVolumeID(node.GetID())
        slicer.app.applicationLogic().PropagateVolumeSelection(1)
        self.wait(0.02)

    def close_scene(self) -> None:
        self.scene.Clear(False)
        self.wait(0.02)

    def save_scene(self, path: Path) -> None:
        assert slicer.util.saveScene(str(path), {}), f"The scene was not saved to {path}"

    def open_scene(self, path: Path) -> None:
        """Close the scene and open another."""
        properties = {"fileName": str(path), "clear": True}
        assert slicer.app.coreIOManager().loadNodes("SceneFile", properties)
        self.wait(0.02)

    # What a hand does

    def click(self, widget: QWidget, button: str = "Left") -> None:
        """Press and release the mouse on a widget.

        Raises:
            AssertionError: A person could not, since it is hidden or disabled.
        """
        self._require_usable(widget)
        where = _place_to_click(widget)
        QTest.mouseClick(widget, getattr(Qt, f"{button}Button"), Qt.NoModifier, where)
        self.wait(0.0)

    def press(self, widget: QWidget, keys: str) -> None:
        """Press a key or a combination such as ``Ctrl+S`` on a widget that gets the focus."""
        self._require_usable(widget)
        widget.setFocus()
        combination = QKeySequence(keys)[0]
        QTest.keyClick(widget, combination.key(), combination.keyboardModifiers())
        self.wait(0.0)

    def type(self, widget: QWidget, text: str) -> None:
        """Replace what is in a field, key by key."""
        self._require_usable(widget)
        widget.setFocus()
        widget.selectAll()
        QTest.keyClicks(widget, text)
        QTest.keyClick(widget, Qt.Key_Return)
        self.wait(0.0)

    def choose(self, box: QWidget, item: str | int) -> None:
        """Choose from a combo box (or a node selector) by text or row, with keys as a person could."""
        self._require_usable(box)
        combo = box if isinstance(box, QComboBox) else box.findChild(QComboBox)
        row = combo.findText(item) if isinstance(item, str) else item
        texts = [combo.itemText(r) for r in range(combo.count)]
        assert 0 <= row < combo.count, f"{item!r} is not among {texts}"
        combo.setFocus()
        combo.currentIndex = row
        combo.activated.emit(row)
        self.wait(0.0)

    def drag_slider(self, slider: QSlider, value: int) -> None:
        """Drag a slider's handle to where its value is that one."""
        self._require_usable(slider)
        start, end = _handle(slider, slider.value), _handle(slider, value)
        QTest.mousePress(slider, Qt.LeftButton, Qt.NoModifier, start)
        for part in (0.5, 1.0):
            QTest.mouseMove(slider, start + (end - start) * part)
            self.wait(0.0)
        QTest.mouseRelease(slider, Qt.LeftButton, Qt.NoModifier, end)
        self.wait(0.0)

    def _require_usable(self, widget: QWidget) -> None:
        name = widget.objectName or type(widget).__name__
        assert widget.visible, f"{name} is hidden"
        assert widget.enabled, f"{name} is disabled: {widget.toolTip or 'and does not say why'}"

    # Time

    def wait(self, seconds: float) -> None:
        """Let the event loop run."""
        end = time.perf_counter() + seconds
        while True:
            QCoreApplication.processEvents(QEventLoop.AllEvents, 20)
            if time.perf_counter() >= end:
                return
            time.sleep(_LOOK_SECONDS)

    def wait_until(self, condition: Callable[[], Any], *, what: str, timeout: float = 200) -> float:
        """Let the event loop run until something is so.

        Returns:
            Seconds that it took.

        Raises:
            AssertionError: It was not so in time, or code called by Qt failed meanwhile.
        """
        begin = time.perf_counter()
        while not condition():
            assert not self.failures, "\n".join(self.failures)
            waited = time.perf_counter() - begin
            assert waited < timeout, f"Waited {timeout:g} s for {what}"
            self.wait(_LOOK_SECONDS)
        return time.perf_counter() - begin

    def watch(self) -> Pauses:
        """``with desktop.watch() as pauses``: how long the event loop stood still at most."""
        return Pauses()

    # What is on the screen

    def layout(self, number: int) -> None:
        slicer.app.layoutManager().setLayout(number)
        self.wait(0.02)

    def view(self, name: str = "Red") -> Any:
        """The slice widget of that name."""
        widget = slicer.app.layoutManager().sliceWidget(name)
        assert widget is not None, f"There is no slice view {name}"
        return widget

    def shown_image(self, name: str = "Red") -> np.ndarray:
        """What a slice view shows, as (rows, columns, 3) of 0 to 255."""
        view = self.view(name).sliceView()
        view.forceRender()
        image = view._image.convertToFormat(QImage.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    def screenshot(self, name: str) -> Path:
        """Save a picture of the whole window, with all views as they are now."""
        self.wait(0.02)
        for view in slicer.app.layoutManager()._views():
            view.forceRender()
        self.screenshots.mkdir(parents=True, exist_ok=True)
        path = self.screenshots / f"{name}.png"
        assert self.window.grab().save(str(path)), f"{path} could not be written"
        return path

    # The end

    def close(self) -> list[str]:
        """End it all; returns what went wrong that nobody asked about."""
        problems = [f"Unexpected dialog: {each}" for each in self.dialogs.unexpected()]
        manager = slicer.app.moduleManager()
        try:
            manager._unload_all()
        except Exception:  # noqa: BLE001  (a module's cleanup may raise anything, and the rest must still end)
            problems.append(traceback.format_exc())
        self.wait(0.02)
        self.dialogs.close()
        self.window._close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        slicer.app._close()
        self.wait(0.0)
        sys.excepthook = self._excepthook
        self._messages.stop()
        problems += [f"Qt warned: {text}" for text in self._messages.warnings]
        return [*self.failures, *problems]

    def _on_exception(self, kind: type, error: BaseException, trace: Any) -> None:
        """Exceptions in what Qt or VTK calls end up here."""
        self.failures.append("".join(traceback.format_exception(kind, error, trace)))
        self._excepthook(kind, error, trace)


def _place_to_click(widget: QWidget) -> QPoint:
    """On the part of a widget that takes the click: a check box's box, a section's header."""
    if isinstance(widget, QAbstractButton):
        middle = widget.rect.center()
        if widget.hitButton(middle):
            return middle
        return QPoint(min(12, widget.width // 2), min(12, widget.height // 2))
    return widget.rect.center()


def _handle(slider: QSlider, value: int) -> QPoint:
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    option.sliderPosition = option.sliderValue = value
    rect = slider.style().subControlRect(QStyle.CC_Slider, option, QStyle.SC_SliderHandle, slider)
    return rect.center()
