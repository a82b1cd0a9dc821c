"""What a parameter is before anybody set it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Default:
    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value = value
        self._generator = generator

    @property
    def value(self) -> Any:
        return self._generator() if self._generator else self._value
