"""The views of the main window, put together as the scene's layout node says."""

from __future__ import annotations

import weakref
import xml.etree.ElementTree as ElementTree
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSplitter, QTabWidget, QVBoxLayout, QWidget

from standin.slice_widget import qMRMLSliceWidget
from standin.three_d_view import qMRMLThreeDWidget
from standin.widget import Property, signal, signals


@signals("layoutChanged(int)")
class qSlicerLayoutManager(QObject):
    layoutChanged = signal("layoutChanged(int)")

    def __init__(self, viewport: QWidget) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        QVBoxLayout(viewport).setContentsMargins(0, 0, 0, 0)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._slices: dict[str, qMRMLSliceWidget] = {}
        self._three_d: dict[str, qMRMLThreeDWidget] = {}
        self._built = ""
        self._root: QWidget | None = None
        self._tag: int | None = None

    layout = Property(
        "int",
        read=lambda self: self._node().GetViewArrangement(),
        write=lambda self, value: self.setLayout(value),
    )
    threeDViewCount = Property("int", read=lambda self: len(self._three_d), writable=False)
    # Of other views there is only the place, which says so.
    tableViewCount = Property("int", default=0, writable=False)
    plotViewCount = Property("int", default=0, writable=False)

    def setMRMLScene(self, scene: Any) -> None:
        self._logic.SetMRMLScene(scene)
        weak = weakref.ref(self)

        def on_layout(*_: Any) -> None:
            manager = weak()
            if manager is not None:
                manager._build()

        self._tag = self._node().AddObserver(vtk.vtkCommand.ModifiedEvent, on_layout)
        self._build()

    def mrmlScene(self) -> Any:
        return self._logic.GetMRMLScene()

    def layoutLogic(self) -> Any:
        return self._logic

    def setLayout(self, layout: int) -> None:
        self._node().SetViewArrangement(layout)

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> Any:
        return self._slices.get(name)

    def threeDWidget(self, which: int | str) -> Any:
        widgets = self._three_d
        return widgets.get(which) if isinstance(which, str) else list(widgets.values())[which]

    def mrmlSliceLogics(self) -> Any:
        return slicer.app.applicationLogic().GetSliceLogics()

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def pauseRender(self) -> None:
        for view in self._views():
            view.pauseRender()

    def resumeRender(self) -> None:
        for view in self._views():
            view.resumeRender()

    def resetThreeDViews(self) -> None:
        for widget in self._three_d.values():
            widget.threeDView().resetFocalPoint()

    def _views(self) -> list[Any]:
        """All that render."""
        slices = [widget.sliceView() for widget in self._slices.values()]
        return slices + [widget.threeDView() for widget in self._three_d.values()]

    def _node(self) -> Any:
        return self._logic.GetLayoutNode()

    def _build(self) -> None:
        description = self._node().GetCurrentLayoutDescription() or ""
        if description == self._built or not description:
            return
        self._built = description
        for widget in (*self._slices.values(), *self._three_d.values()):
            widget.setParent(self._viewport)
            widget.hide()
        if self._root is not None:
            self._root.hide()
            self._root.deleteLater()
        self._root = self._made(ElementTree.fromstring(description))
        self._viewport.layout().addWidget(self._root)
        self._root.show()
        self.layoutChanged.emit(self._node().GetViewArrangement())

    def _made(self, element: ElementTree.Element) -> QWidget:
        if element.tag == "view":
            return self._view(element)
        kind = element.get("type", "horizontal")
        children = [(item, self._made(item[0])) for item in element.findall("item") if len(item)]
        if kind == "grid":
            return _grid(children)
        if kind == "tab":
            tabs = QTabWidget()
            for item, child in children:
                tabs.addTab(child, item.get("name", ""))
            return tabs
        splitter = QSplitter(Qt.Vertical if kind == "vertical" else Qt.Horizontal)
        splitter.childrenCollapsible = False
        for _, child in children:
            splitter.addWidget(child)
            child.show()
        splitter.setSizes([int(item.get("splitSize", "500")) for item, _ in children])
        return splitter

    def _view(self, element: ElementTree.Element) -> QWidget:
        name, kind = element.get("singletontag", ""), element.get("class", "")
        node = self.mrmlScene().GetSingletonNode(name, kind)
        if kind == "vtkMRMLSliceNode":
            if name not in self._slices:
                self._slices[name] = qMRMLSliceWidget()
                self._slices[name].setMRMLScene(self.mrmlScene())
                self._slices[name].setMRMLSliceNode(node)
            return self._slices[name]
        if kind == "vtkMRMLViewNode":
            if name not in self._three_d:
                self._three_d[name] = qMRMLThreeDWidget()
                self._three_d[name].setMRMLViewNode(node)
            return self._three_d[name]
        return _no_view(kind)

    def _close(self) -> None:
        self._node().RemoveObserver(self._tag)
        for widget in (*self._slices.values(), *self._three_d.values()):
            widget._close()
        self._logic.SetMRMLScene(None)


def _grid(children: list[tuple[ElementTree.Element, QWidget]]) -> QWidget:
    widget = QWidget()
    grid = QGridLayout(widget)
    grid.setContentsMargins(0, 0, 0, 0)
    for item, child in children:
        grid.addWidget(
            child,
            int(item.get("row", "0")),
            int(item.get("column", "0")),
            int(item.get("rowspan", "1")),
            int(item.get("colspan", "1")),
        )
        child.show()
    return widget


def _no_view(kind: str) -> QWidget:
    label = QLabel(f"{kind}: not drawn by the stand-in")
    label.alignment = Qt.AlignCenter
    label.styleSheet = "background: #b4b4dc; color: #333;"
    return label
