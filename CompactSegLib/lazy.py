"""Package names that are imported when first used (PEP 562), so that importing a package loads nothing heavy."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def lazy_names(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` for a package's ``__init__``.

    Args:
        package: The package's ``__name__``.
        modules: Public name to the module of the package that defines it.

    Raises:
        ValueError: A public name is also a module's: once imported, the module would hide it.
    """
    hidden = sorted(set(modules) & set(modules.values()))
    if hidden:
        raise ValueError(f"{package}: {', '.join(hidden)} names both a module and what it defines")
    public = sorted(modules)

    def load(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{modules[name]}"), name)

    return load, lambda: public, public
