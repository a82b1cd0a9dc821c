"""The main window: the module's panel at the left, the slice views at the right."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFrame,
    QLabel,
    QMainWindow,
    QScrollArea,
    QToolBar,
    QWidget,
)

from standin.layout_manager import qSlicerLayoutManager
from standin.widget import Property, signal, signals

PANEL_WIDTH = 460


@signals("moduleSelected(QString)")
class qSlicerModuleSelectorToolBar(QToolBar):
    moduleSelected = signal("moduleSelected(QString)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__("Module selection", parent)
        self._name = ""
        self._box = QComboBox()
        self._box.minimumWidth = 220
        self.addWidget(QLabel("Module: "))
        self.addWidget(self._box)
        self._box.activated.connect(lambda row: self.selectModule(self._box.itemData(row)))

    selectedModule = Property(
        "QString",
        read=lambda self: self._name,
        write=lambda self, value: self.selectModule(value),
    )

    def selectModule(self, name: str) -> None:
        """Show a module's panel.

        Raises:
            RuntimeError: There is no such module. Slicer only logs that.
        """
        module = slicer.app.moduleManager().module(name)
        if module is None:
            raise RuntimeError(f"There is no module {name}")
        if name == self._name:
            return
        self._name = name
        row = self._box.findData(name)
        if row < 0:
            self._box.addItem(module.title or name, name)
            row = self._box.count - 1
        self._box.currentIndex = row
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QMainWindow):
    def __init__(self) -> None:
        super().__init__()
        self.objectName = "qSlicerMainWindow"
        self.windowTitle = "CompactSeg desktop: Slicer's scene and slice views without Slicer"
        self._selector = qSlicerModuleSelectorToolBar(self)
        self.addToolBar(self._selector)
        self._scroll = QScrollArea()
        self._scroll.widgetResizable = True
        self._scroll.frameShape = QFrame.NoFrame
        self._scroll.horizontalScrollBarPolicy = Qt.ScrollBarAlwaysOff
        self._shown: Any = None
        dock = QDockWidget("")
        dock.features = QDockWidget.NoDockWidgetFeatures
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(self._scroll)
        self.addDockWidget(Qt.LeftDockWidgetArea, dock)
        self.resizeDocks([dock], [PANEL_WIDTH], Qt.Horizontal)
        self._scroll.minimumWidth = PANEL_WIDTH
        viewport = QWidget()
        self.setCentralWidget(viewport)
        self._layouts = qSlicerLayoutManager(viewport)
        self._selector.moduleSelected.connect(self._on_selected)
        self.statusBar()

    def moduleSelector(self) -> Any:
        return self._selector

    def _on_selected(self, name: str) -> None:
        if self._shown is not None:
            self._shown.exit()
            self._scroll.takeWidget()
            self._shown.hide()
        widget = slicer.app.moduleManager().module(name).widgetRepresentation()
        self._shown = widget
        self._scroll.setWidget(widget)
        widget.show()
        widget.enter()

    def _close(self) -> None:
        if self._shown is not None:
            self._shown.exit()
            self._scroll.takeWidget()
            self._shown = None
        self._layouts._close()
        self.close()
