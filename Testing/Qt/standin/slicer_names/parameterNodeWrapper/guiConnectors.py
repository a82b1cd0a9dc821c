"""A widget and the value it shows: how it is read, set, and when it changed."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import qt
import slicer

from .validators import Maximum, Minimum, WithinRange

# Slicer compares the very type, so that a widget derived from these has no connector either.
_KINDS: tuple[tuple[type, tuple[type, ...], str, str], ...] = (
    (bool, (qt.QCheckBox,), "checked", "toggled"),
    (bool, (qt.QPushButton,), "checked", "toggled"),
    (int, (qt.QSlider, qt.QSpinBox), "value", "valueChanged"),
    (float, (qt.QDoubleSpinBox,), "value", "valueChanged"),
    (str, (qt.QLineEdit,), "text", "textChanged"),
    (str, (qt.QLabel,), "text", ""),
)
_LOWEST, _HIGHEST = {int: -(2**31), float: float("-inf")}, {int: 2**31 - 1, float: float("inf")}


class Connector:
    """Between one widget and one parameter."""

    def __init__(self, widget: Any, attribute: str, signal: str) -> None:
        self._widget = widget
        self._attribute = attribute
        self._signal = signal
        self._callback: Callable[[], None] | None = None

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        """Call a function at each change of the widget; None for nobody."""
        if self._signal and callback and not self._callback:
            getattr(self._widget, self._signal).connect(self.changed)
        elif self._signal and self._callback and not callback:
            getattr(self._widget, self._signal).disconnect(self.changed)
        self._callback = callback

    def changed(self) -> None:
        if self._callback:
            self._callback()

    def read(self) -> Any:
        return getattr(self._widget, self._attribute)

    def write(self, value: Any) -> None:
        setattr(self._widget, self._attribute, value)


class NodeConnector(Connector):
    def __init__(self, widget: Any) -> None:
        super().__init__(widget, "", "currentNodeChanged")

    def read(self) -> Any:
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)


def createGuiConnector(widget: Any, datatype: Any) -> Connector:
    """The connector for a widget and a type as it was annotated.

    Raises:
        RuntimeError: There is none.
    """
    kind, *annotations = (
        typing.get_args(datatype) if typing.get_origin(datatype) is typing.Annotated else [datatype]
    )
    if type(widget) is slicer.qMRMLNodeComboBox:
        return NodeConnector(widget)
    for known, widgets, attribute, signal in _KINDS:
        if kind is known and type(widget) in widgets:
            if kind in _LOWEST:
                _limit(widget, kind, annotations)
            return Connector(widget, attribute, signal)
    raise RuntimeError(f"Unable to connect a {type(widget).__name__} to a parameter of type {kind}")


def _limit(widget: Any, kind: type, annotations: list[Any]) -> None:
    """A widget takes over the range of its parameter, and is unlimited where that is.

    Raises:
        RuntimeError: A slider, which has two ends, for a parameter without.
    """
    lowest, highest = _LOWEST[kind], _HIGHEST[kind]
    for each in annotations:
        if isinstance(each, (WithinRange, Minimum)):
            lowest = each.minimum
        if isinstance(each, (WithinRange, Maximum)):
            highest = each.maximum
    if isinstance(widget, qt.QSlider) and _LOWEST[kind] == lowest:
        raise RuntimeError("A slider can not show a parameter without a range")
    widget.setRange(lowest, highest)
