"""``.ui`` files as Slicer loads them: with CTK's and qMRML's classes, and with signals of their own types."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree

from PySide6.QtCore import QBuffer, QByteArray, QFile, QIODevice, QObject
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QWidget

from standin.pythonqt import connect


class SlicerUiLoader(QUiLoader):
    """QUiLoader that knows the stand-in's classes, and makes a form's connections itself.

    Qt could not make them: a signal of Python has no argument of the type ``vtkMRMLScene*``.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        from standin.classes import WIDGETS

        self._custom = WIDGETS
        for cls in WIDGETS.values():
            self.registerCustomWidget(cls)

    def load(self, device: QIODevice, parent: QWidget | None = None) -> QWidget | None:
        form, connections, rest = _taken_apart(_bytes_of(device))
        self._require_known_classes(form)
        buffer = QBuffer()
        buffer.setData(QByteArray(rest))
        buffer.open(QIODevice.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is not None and connections is not None:
            _make_connections(widget, connections)
        return widget

    def _require_known_classes(self, form: ElementTree.Element) -> None:
        """Raise for what QUiLoader replaces by a plain QWidget, as Slicer does for a class that it lacks.

        Raises:
            RuntimeError: A class is not among those of Qt and this stand-in.
        """
        known = {*self.availableWidgets(), *self._custom, "QWidget"}
        used = {element.get("class") for element in form.iter("widget")}
        if used - known:
            raise RuntimeError(f"The stand-in has no {', '.join(sorted(map(str, used - known)))}")


def _bytes_of(device: QIODevice | QFile) -> bytes:
    return bytes(device.readAll().data())


@functools.cache
def _taken_apart(
    data: bytes,
) -> tuple[ElementTree.Element, ElementTree.Element | None, bytes]:
    """A form without its connections, these, and the first as a file: each window loads the same ones."""
    form = ElementTree.fromstring(data)
    connections = form.find("connections")
    if connections is not None:
        form.remove(connections)
    return form, connections, ElementTree.tostring(form)


def _make_connections(widget: QWidget, connections: ElementTree.Element) -> None:
    for connection in connections:
        sender, signal, receiver, slot = (
            connection.findtext(tag) or "" for tag in ("sender", "signal", "receiver", "slot")
        )
        connect(_named(widget, sender), signal, _named(widget, receiver), slot)


def _named(widget: QWidget, name: str) -> QObject:
    if widget.objectName == name:
        return widget
    found = widget.findChild(QObject, name)
    if found is None:
        raise RuntimeError(f"A connection of the form names {name}, which is not in it")
    return found
