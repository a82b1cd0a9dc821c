"""How a class of Slicer, CTK or qMRML is written down here: what C++ declares with Q_PROPERTY, signals and slots.

``Property("QStringList", default=())`` makes a property with a value behind it; ``signals`` names a class's signals by
their C++ signatures, since PySide6 has no types such as ``vtkMRMLNode*``. What a class offers can so be compared with
what Slicer's sources declare (``test_standin_is_honest.py``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from standin.pythonqt import arguments_of

# Types of arguments for which PySide6 knows a Python type; all others travel as Python objects.
PLAIN = {"bool": bool, "int": int, "double": float, "QString": str}
# Those that a .ui file can set; all others are Python objects.
PROPERTY_TYPES: dict[str, Any] = {**PLAIN, "QStringList": "QStringList"}
_numbers = itertools.count()
# What C++ calls the type of each property, for the comparison with Slicer's.
kinds: dict[QtCore.Property, str] = {}


def Property(
    kind: str,
    *,
    default: Any = None,
    changed: Callable[[Any], None] | None = None,
    read: Callable[[Any], Any] | None = None,
    write: Callable[[Any, Any], None] | None = None,
    writable: bool = True,
) -> QtCore.Property:
    """A property that Qt knows as well, so that a ``.ui`` file can set it.

    Args:
        kind: Its type as C++ names it.
        default: What it is before it was set.
        changed: Called with the object after it was set.
        read: Reads it instead.
        write: Sets it instead.
        writable: Whether it can be set.
    """
    key = f"_property_{next(_numbers)}"

    def getter(self: Any) -> Any:
        return read(self) if read else self.__dict__.get(key, default)

    def setter(self: Any, value: Any) -> None:
        if write:
            write(self, value)
            return
        self.__dict__[key] = value
        if changed:
            changed(self)

    made = QtCore.Property(PROPERTY_TYPES.get(kind, object), getter, setter if writable else None)
    kinds[made] = kind
    return made


def signals(*signatures: str) -> Callable[[type], type]:
    """Declare a class's signals, overloads in the order of the header: the first is the one ``widget.x.connect`` takes.

    Attributes must exist in the class body (``x = Signal(...)``, see `signal`), for PySide6 reads them while it makes
    the class; this decorator adds the signatures.
    """

    def add(cls: type) -> type:
        known = dict(getattr(cls, "_signals", {}))
        for signature in signatures:
            name, types = arguments_of(signature)
            if not isinstance(getattr(cls, name), QtCore.Signal):
                raise TypeError(f"{cls.__name__}.{name} is no signal")
            known[signature.replace(" ", "")] = _python_types(types)
        cls._signals = known  # type: ignore[attr-defined]
        cls._own_signals = signatures  # type: ignore[attr-defined]
        return cls

    return add


def signal(*signatures: str) -> QtCore.Signal:
    """The PySide6 signal for one name; overloads as in `signals`."""
    overloads = [_python_types(arguments_of(signature)[1]) for signature in signatures]
    return QtCore.Signal(*overloads) if len(overloads) > 1 else QtCore.Signal(*overloads[0])


def _python_types(types: list[str]) -> tuple[type, ...]:
    return tuple(PLAIN.get(kind, object) for kind in types)
