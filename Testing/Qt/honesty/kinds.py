"""What a name is on a class, whether Slicer's, CTK's or Qt's."""

from __future__ import annotations

from functools import cache
from typing import Any

from PySide6.QtCore import QMetaMethod
from standin.pythonqt import MODULES

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
    meta = getattr(found, "staticMetaObject", None)
    if meta is not None and (index := meta.indexOfProperty(name)) >= 0:
        return Member("property", writable=meta.property(index).isWritable())
    if not hasattr(found, name):
        return None
    signatures = qt_signals(found, name)
    return Member("signal", signatures=signatures) if signatures else Member("method")


def qt_signals(cls: Any, name: str) -> list[str]:
    """Signatures of a class's signals of that name, with those that a default argument gives."""
    meta = getattr(cls, "staticMetaObject", None)
    methods = [meta.method(index) for index in range(meta.methodCount())] if meta else []
    return [
        bytes(each.methodSignature().data()).decode()
        for each in methods
        if each.methodType() == QMetaMethod.MethodType.Signal
        and bytes(each.name().data()).decode() == name
    ]


def has_signal(api: Api, cls: str, signature: str) -> bool:
    """Whether ``connect(signature, …)`` finds a signal."""
    found = member(api, cls, signature.partition("(")[0])
    if found is None or found.kind != "signal":
        return False
    return plain(signature) in {plain(each) for each in found.signatures}
