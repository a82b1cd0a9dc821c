"""PySide6 as PythonQt shows Qt to Python, which is how a Slicer module knows it.

- A property is an attribute: ``label.text``, ``button.enabled = False``. Calling it (``label.text()``) fails.
- ``name`` is another word for ``objectName``; a dynamic property is an attribute once it was set.
- ``widget.connect("clicked(bool)", f)`` takes a signature; an unknown one is an error here, where PythonQt prints
  a line and returns False. So is an unknown class in a ``.ui`` file, of which Slicer's loader makes a plain widget.
- ``timer.singleShot`` is QTimer's static method, which hides the property: ``timer.setSingleShot(True)`` sets it.
- An object made by Qt takes no new attributes; an object of a Python subclass does.

The classes of PySide6 themselves are changed, since Qt also hands out objects that no Python code made.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

MODULES: tuple[ModuleType, ...] = (QtCore, QtGui, QtWidgets, QtUiTools)

_set_attribute = shiboken6.Object.__setattr__
_properties: dict[Any, dict[str, property]] = {}
_signatures: dict[Any, list[str]] = {}


def follow_pythonqt() -> None:
    """Change PySide6's classes; a second call does nothing."""
    if _properties:
        return
    for cls in _qobject_classes():
        _turn_getters_into_properties(cls)
    originals = [(cls, cls.__getattribute__) for cls in _properties]
    for cls, get_attribute in originals:
        cls.__setattr__ = _guarded_set_attribute
        cls.__getattribute__ = _with_own_connect(get_attribute)
    for cls in (QtWidgets.QDialog, QtWidgets.QMessageBox, QtWidgets.QFileDialog, QtWidgets.QMenu):
        cls.exec_ = cls.exec
    for cls in (QtCore.QCoreApplication, QtWidgets.QApplication, QtCore.QEventLoop):
        cls.exec_ = cls.exec
    base: Any = QtCore.QObject
    base.name = property(lambda self: self.objectName, lambda self, value: _rename(self, value))
    base.className = lambda self: self.metaObject().className()
    base.__getattr__ = _dynamic_property
    base.delete = _delete
    _find_children, _find_child = base.findChildren, base.findChild
    base.findChildren = lambda self, kind=QtCore.QObject, name="": _find_children(
        self, _class(kind), name
    )
    base.findChild = lambda self, kind=QtCore.QObject, name="": _find_child(
        self, _class(kind), name
    )


def _rename(instance: QtCore.QObject, value: str) -> None:
    instance.objectName = value  # type: ignore[method-assign, assignment]


def _delete(instance: QtCore.QObject) -> None:
    shiboken6.delete(instance)


def _class(kind: type | str) -> type:
    """PythonQt finds children by the name of their class as well."""
    return kind if isinstance(kind, type) else getattr(QtWidgets, kind)


def _qobject_classes() -> Iterator[type]:
    """All of them, each after its bases."""
    seen = set()
    for module in MODULES:
        for name in dir(module):
            found = getattr(module, name)
            if not isinstance(found, type) or not issubclass(found, QtCore.QObject):
                continue
            for cls in reversed(found.__mro__):
                if issubclass(cls, QtCore.QObject) and cls not in seen:
                    seen.add(cls)
                    yield cls


def _turn_getters_into_properties(cls: Any) -> None:
    meta = cls.staticMetaObject
    own = _properties[cls] = {}
    methods = [meta.method(index) for index in range(meta.methodOffset(), meta.methodCount())]
    _signatures[cls] = [
        bytes(each.methodSignature().data()).decode()
        for each in methods
        if each.methodType() == QtCore.QMetaMethod.MethodType.Signal
    ]
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        described = meta.property(index)
        name = described.name()
        if isinstance(getattr(cls, name, None), property):
            continue  # a base has it
        own[name] = _property(cls, name, writable=described.isWritable())
    # A class that overrides a getter of its base, such as sizeHint, must not bring the method back.
    for base in cls.__mro__[1:]:
        for name in _properties.get(base, ()):
            if name not in own and inspect.ismethoddescriptor(cls.__dict__.get(name)):
                own[name] = _property(cls, name, writable=_properties[base][name].fset is not None)
    for name, value in own.items():
        setattr(cls, name, value)


class _PropertyOfObjects(property):
    """A property whose name the class itself has for a static method: ``QTimer.singleShot(0, f)``."""

    static: Any = None
    isHidden = False  # by that method, as PythonQt finds methods first

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None or self.isHidden:
            return self.static
        return super().__get__(instance, owner)


def _property(cls: Any, name: str, *, writable: bool) -> property:
    capital = name[0].upper() + name[1:]
    named, setter = getattr(cls, name, None), getattr(cls, f"set{capital}", None)
    is_named = getattr(cls, f"is{capital}", None)
    static = named if inspect.isbuiltin(named) else None
    getter = is_named if static and is_named else named or is_named
    get, put = getter and _of_object(getter), setter and _of_object(setter)

    def read(self: Any) -> Any:
        return get(self) if get else self.property(name)

    def write(self: Any, value: Any) -> None:
        if put:
            put(self, value)
        elif not self.setProperty(name, value):
            raise AttributeError(f"Property '{name}' does not accept {value!r}")

    made = (_PropertyOfObjects if static else property)(read, write if writable else None)
    if isinstance(made, _PropertyOfObjects):
        made.static, made.isHidden = static, is_named is not None
    return made


def _of_object(method: Any) -> Callable[..., Any]:
    """Those of QCoreApplication are static: they take no object."""
    if inspect.isbuiltin(method):
        return lambda _object, *arguments: method(*arguments)
    return method  # type: ignore[no-any-return]


def _is_python_subclass(cls: type) -> bool:
    """Whether a module's author made the class, and not Qt or this stand-in (which stands for C++ too)."""
    return not cls.__module__.startswith(("PySide6.", "standin."))


def _guarded_set_attribute(self: Any, name: str, value: Any) -> None:
    cls = type(self)
    holder = next((base for base in cls.__mro__ if name in base.__dict__), None)
    known = holder.__dict__[name] if holder else None  # getattr would ask Qt
    if isinstance(known, _PropertyOfObjects) and known.isHidden:
        raise AttributeError(
            f"'{name}' is a method of {cls.__name__}; call set{name[0].upper()}{name[1:]}"
        )
    if isinstance(known, property) or name.startswith("_"):
        _set_attribute(self, name, value)
    elif isinstance(known, QtCore.Property):
        if known.fset is None:
            raise AttributeError(f"Property '{name}' of {cls.__name__} object is not writable")
        known.fset(self, value)
    elif isinstance(value, QtCore.SignalInstance):
        _set_attribute(self, name, value)  # PySide6 itself, when a signal is first asked for
    elif _is_python_subclass(cls):
        _set_attribute(self, name, value)
    elif known is not None:
        raise AttributeError(
            f"'{name}' of {cls.__name__} is no property, and can not be overwritten"
        )
    elif name in _dynamic_names(self):
        self.setProperty(name, value)
    elif isinstance(value, QtCore.QObject) and value.objectName == name:
        _set_attribute(self, name, value)  # as QUiLoader does; PythonQt finds a child by its name
    else:
        raise AttributeError(
            f"'{name}' does not exist on {cls.__name__}, and PythonQt creates no new attributes on C++ objects"
        )


def _with_own_connect(get_attribute: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """PySide6 looks up these two in C++, past what the class holds."""

    def get(self: Any, name: str) -> Any:
        if name == "connect":
            return functools.partial(connect, self)
        if name == "disconnect":
            return functools.partial(disconnect, self)
        return get_attribute(self, name)

    return get


def _dynamic_names(instance: QtCore.QObject) -> list[str]:
    return [bytes(name.data()).decode() for name in instance.dynamicPropertyNames()]


def _dynamic_property(self: Any, name: str) -> Any:
    if not name.startswith("_") and name in _dynamic_names(self):
        return self.property(name)
    raise AttributeError(f"{type(self).__name__} has no attribute named '{name}'")


def property_of(cls: type, name: str) -> property | None:
    """A class's property of Qt, its bases' included."""
    return next(
        (own[name] for base in cls.__mro__ if name in (own := _properties.get(base, {}))), None
    )


def signals_of(cls: type, name: str) -> list[str]:
    """Signatures of a class's signals of that name, with those that a default argument gives."""
    known = [each for base in cls.__mro__ for each in _signatures.get(base, ())]
    return [each for each in known if each.partition("(")[0] == name]


# Signals


def arguments_of(signature: str) -> tuple[str, list[str]]:
    """Name and types: ``activated(int)`` gives ``("activated", ["int"])``."""
    name, _, rest = signature.replace(" ", "").partition("(")
    types = rest.rstrip(")")
    return name, types.split(",") if types else []


def connect(self: QtCore.QObject, signature: str, receiver: Any, slot: str | None = None) -> bool:
    """``connect("valueChanged(int)", f)``, or with an object and the signature of its slot."""
    if isinstance(signature, QtCore.QObject):  # PySide6 itself, in QTimer.singleShot
        return bool(QtCore.QObject.connect(signature, receiver, slot))
    function = receiver if slot is None else getattr(receiver, arguments_of(slot)[0])
    count = len(arguments_of(signature)[1])
    if slot is not None:
        count = min(count, len(arguments_of(slot)[1]))

    def handler(*arguments: Any) -> None:
        function(*arguments[: min(count, most_arguments(function))])

    bound_signal(self, signature).connect(handler)
    self.__dict__.setdefault("_handlers", []).append((signature, function, handler))
    return True


def disconnect(
    self: QtCore.QObject, signature: str, receiver: Any, slot: str | None = None
) -> bool:
    """Undo `connect` with the same arguments; False where there was no such connection."""
    function = receiver if slot is None else getattr(receiver, arguments_of(slot)[0])
    handlers = self.__dict__.get("_handlers", [])
    for entry in handlers:
        if entry[0] == signature and entry[1] == function:
            bound_signal(self, signature).disconnect(entry[2])
            handlers.remove(entry)
            return True
    return False


def bound_signal(instance: Any, signature: str) -> Any:
    """The signal of an object by its C++ signature.

    Raises:
        ValueError: It has no such signal, which in Slicer is a connection that never fires.
    """
    name, types = arguments_of(signature)
    overloads = getattr(type(instance), "_signals", {})
    plain = f"{name}({','.join(types)})"
    if plain in overloads:
        return getattr(instance, name)[overloads[plain]]
    meta = instance.metaObject()
    if meta.indexOfSignal(plain) < 0:
        raise ValueError(f"{meta.className()} has no signal {signature}")
    signal = getattr(instance, name)
    try:
        return signal[tuple(types)] if types else signal
    except (KeyError, IndexError, TypeError):
        return signal


def most_arguments(function: Callable[..., Any]) -> int:
    """How many positional arguments a function takes; PythonQt passes no more than that."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 99
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 99
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
