"""What a name is on a class, whether Slicer's, CTK's or Qt's."""

from __future__ import annotations

from functools import cache
from typing import Any

from standin.pythonqt import MODULES, property_of, signals_of

from honesty.api import Api, Member, plain

# PythonQt's own, on each object.
OF_PYTHONQT = {"name", "className", "connect", "disconnect", "delete", "inherits"}


@cache
def qt_class(name: str) -> Any:
    return next((getattr(module, name) for module in MODULES if hasattr(module, name)), None)


def exists(api: Api, cls: str) -> bool:
    return cls in api.classes or (cls.startswith("Q") and qt_class(cls) is not None)


def member(api: Api, cls: str, name: str) -> Member | None:
    """What ``cls.name`` is; None where there is no such name."""
    if name in OF_PYTHONQT:
        return Member("property" if name == "name" else "method", writable=True)
    if cls in api.classes:
        found = api.member(cls, name)
        if found:
            return found
        cls = api.qt_base(cls)
    return qt_member(cls, name)


def qt_member(cls: str, name: str) -> Member | None:
    found = qt_class(cls)
    if known := property_of(found, name):
        return Member("property", writable=known.fset is not None)
    if not hasattr(found, name):
        return None
    signatures = signals_of(found, name)
    return Member("signal", signatures=signatures) if signatures else Member("method")


def has_signal(api: Api, cls: str, signature: str) -> bool:
    """Whether ``connect(signature, …)`` finds a signal."""
    found = member(api, cls, signature.partition("(")[0])
    if found is None or found.kind != "signal":
        return False
    return plain(signature) in {plain(each) for each in found.signatures}
