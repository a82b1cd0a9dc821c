"""The decorator: annotated attributes of a class become properties over a parameter node."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from .default import Default
from .guiConnectors import Connector, createGuiConnector
from .validators import Validator

__all__ = ["isParameterNodeWrapper", "parameterNodeWrapper"]

PROPERTY = "SlicerParameterName"
_ZERO: dict[Any, Any] = {bool: False, int: 0, float: 0, str: ""}


@dataclass(frozen=True)
class _Parameter:
    """One attribute: how it is written into a parameter node and read from it."""

    name: str
    annotated: Any
    kind: Any
    validators: tuple[Validator, ...]
    default: Default

    @property
    def isNode(self) -> bool:
        return self.kind not in _ZERO

    def write(self, node: Any, value: Any) -> None:
        self._require(value)
        if self.isNode:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, str(value))

    def read(self, node: Any) -> Any:
        if self.isNode:
            return node.GetNodeReference(self.name)
        if not node.HasParameter(self.name):
            self.write(node, self.default.value)
        text = node.GetParameter(self.name)
        return text == "True" if self.kind is bool else self.kind(text)

    def _require(self, value: Any) -> None:
        if self.isNode:
            if value is not None and not isinstance(value, self.kind):
                raise TypeError(f"{self.name} can not be {value!r}")
            return
        expected = (int, float) if self.kind is float else self.kind
        if value is None:
            raise ValueError(f"{self.name} can not be None")
        if not isinstance(value, expected):
            raise TypeError(f"{self.name} must be {self.kind.__name__}, and {value!r} is not")
        for validator in self.validators:
            validator.validate(value)


class _Wrapper:
    """What a decorated class gets."""

    allParameters: dict[str, _Parameter]

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._values: dict[str, Any] = {}
        self._guis: dict[int, dict[str, Connector]] = {}
        self._nextTag = 0
        self._isUpdatingGui = False
        for parameter in self.allParameters.values():
            if not parameterNode.HasParameter(parameter.name):
                parameter.write(parameterNode, parameter.default.value)
        self._readAll()
        # First among the observers, so that whoever is told finds the new values.
        parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, self._readAll, 1.0)

    def _readAll(self, *_: Any) -> None:
        for name, parameter in self.allParameters.items():
            self._values[name] = parameter.read(self.parameterNode)

    def getValue(self, name: str) -> Any:
        self._parameter(name)
        return self._values[name]

    def setValue(self, name: str, value: Any) -> None:
        parameter = self._parameter(name)
        with slicer.util.NodeModify(self.parameterNode):
            parameter.write(self.parameterNode, value)
            self._values[name] = parameter.read(self.parameterNode)

    def default(self, name: str) -> Default:
        return self._parameter(name).default

    def dataType(self, name: str) -> Any:
        return self._parameter(name).annotated

    def connectGui(self, gui: Any) -> int:
        """Connect all widgets whose property SlicerParameterName names a parameter.

        Args:
            gui: A widget with all in it, or what `slicer.util.childWidgetVariables` gave.
        """
        widgets = (
            gui.findChildren("QWidget") if hasattr(gui, "findChildren") else vars(gui).values()
        )
        named = {widget.property(PROPERTY): widget for widget in widgets}
        return self.connectParametersToGui({k: v for k, v in named.items() if k})

    def connectParametersToGui(self, mapping: Mapping[str, Any]) -> int:
        connectors = {
            name: createGuiConnector(widget, self.dataType(name))
            for name, widget in mapping.items()
        }
        tag, self._nextTag = self._nextTag, self._nextTag + 1
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._onGui(name, connector))
        self.AddObserver(vtk.vtkCommand.ModifiedEvent, self._updateGui)
        return tag

    def disconnectGui(self, tag: int) -> None:
        for connector in self._guis.pop(tag, {}).values():
            connector.onChanged(None)

    def _onGui(self, name: str, connector: Connector) -> Callable[[], None]:
        def changed() -> None:
            if not self._isUpdatingGui:
                self.setValue(name, connector.read())

        return changed

    def _updateGui(self, *_: Any) -> None:
        if self._isUpdatingGui:
            return
        self._isUpdatingGui = True
        try:
            with slicer.util.NodeModify(self.parameterNode):
                for connectors in self._guis.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._isUpdatingGui = False

    def _parameter(self, name: str) -> _Parameter:
        if name not in self.allParameters:
            raise ValueError(f"There is no parameter {name}, only {list(self.allParameters)}")
        return self.allParameters[name]

    def StartModify(self) -> Any:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: Any) -> Any:
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def _parameterOf(classtype: type, name: str, annotated: Any) -> _Parameter:
    kind, *annotations = (
        typing.get_args(annotated)
        if typing.get_origin(annotated) is typing.Annotated
        else [annotated]
    )
    if typing.get_origin(kind) in (typing.Union, types.UnionType):  # a node, or None
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    if kind not in _ZERO and not (isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)):
        raise TypeError(f"The stand-in keeps no parameter of type {kind} ({classtype}.{name})")
    defaults = [each for each in annotations if isinstance(each, Default)]
    if hasattr(classtype, name):
        default = Default(getattr(classtype, name))
    else:
        default = defaults[0] if defaults else Default(_ZERO.get(kind))
    validators = tuple(each for each in annotations if isinstance(each, Validator))
    return _Parameter(name, annotated, kind, validators, default)


def _property(name: str) -> property:
    return property(
        lambda self: self.getValue(name), lambda self, value: self.setValue(name, value)
    )


def parameterNodeWrapper(classtype: type | None = None) -> Any:
    """Decorate a class; works with and without parentheses."""
    if classtype is None:
        return parameterNodeWrapper
    hints = typing.get_type_hints(classtype, include_extras=True)
    members = dict(vars(classtype))
    members["allParameters"] = {
        name: _parameterOf(classtype, name, annotated) for name, annotated in hints.items()
    }
    members |= {name: _property(name) for name in hints}
    for name in ("__dict__", "__weakref__"):
        members.pop(name, None)
    return type(classtype.__name__, (_Wrapper, *classtype.__bases__), members)


def isParameterNodeWrapper(classOrObj: Any) -> bool:
    cls = classOrObj if isinstance(classOrObj, type) else type(classOrObj)
    return issubclass(cls, _Wrapper)
