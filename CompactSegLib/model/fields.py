"""JSON data taken apart field by field, so that every error names the field, what was expected and what came."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from CompactSegLib.errors import CompactSegError, ModelError

T = TypeVar("T")

REPAIR = "correct it, or copy the model folder again from its source."


class Fields:
    """An object of a JSON file whose fields are asked for one by one.

    Args:
        data: What the file holds at this place.
        where: The file and the place in it, as the user should read it.
        names: The fields known here; others are an error, so that a misspelt one is not silently ignored.

    Raises:
        ModelError: `data` is not an object, or holds a field that is not known.
    """

    def __init__(self, data: object, *, where: str, names: tuple[str, ...]) -> None:
        self.where = where
        if not isinstance(data, Mapping):
            raise self.wrong("", f"an object with {', '.join(names)}", data)
        unknown = sorted(str(name) for name in data if name not in names)
        if unknown:
            raise ModelError(
                f"{where}: expected only the fields {', '.join(names)}, got {unknown[0]!r}; {REPAIR}"
            )
        self._data = data

    def wrong(self, name: str, expected: str, came: object) -> ModelError:
        """The error for a field that is not as expected."""
        at = f"{self.where}, {name}" if name else self.where
        return ModelError(f"{at}: expected {expected}, got {shown(came)}; {REPAIR}")

    def states(self, name: str) -> bool:
        """Whether an optional field is there."""
        return name in self._data

    def value(self, name: str) -> Any:
        """A field of any kind, which must be there."""
        if name not in self._data:
            raise ModelError(
                f"{self.where}: expected the field {name!r}, but it is missing; {REPAIR}"
            )
        return self._data[name]

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self.value(name)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "a text", value)
        return value

    def whole(self, name: str, *, minimum: int = 0) -> int:
        """A whole number of at least `minimum`."""
        value = self.value(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.wrong(name, f"a whole number of at least {minimum}", value)
        return value

    def number(self, name: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> float:
        """A finite number from `minimum` to `maximum`."""
        value = self.value(name)
        if not is_number(value) or not minimum <= value <= maximum:
            limits = "" if math.isinf(minimum) else f" of at least {minimum:g}"
            limits = limits if math.isinf(maximum) else f" from {minimum:g} to {maximum:g}"
            raise self.wrong(name, f"a number{limits}", value)
        return float(value)

    def object(self, name: str) -> dict[str, Any]:
        """An object with any fields."""
        value = self.value(name)
        if not isinstance(value, Mapping):
            raise self.wrong(name, "an object", value)
        return dict(value)

    def items(self, name: str, *, length: int | None = None) -> Iterator[tuple[str, Any]]:
        """The items of a list, each with the words for its place."""
        value = self.value(name)
        if not isinstance(value, list | tuple) or (length is not None and len(value) != length):
            raise self.wrong(name, "a list" if length is None else f"a list of {length}", value)
        for index, item in enumerate(value):
            yield f"{self.where}, {name}[{index}]", item

    def read(self, name: str, reader: Callable[[Any], T]) -> T:
        """A field turned into a value by its own reader, whose errors get the place in front."""
        return read(self.value(name), reader, where=self.where)


def read(data: object, reader: Callable[[Any], T], *, where: str) -> T:
    """Turn `data` into a value; errors of `reader` get the place in front and what to do behind."""
    try:
        return reader(data)
    except CompactSegError as error:
        raise ModelError(f"{where}, {str(error).rstrip('.')}; {REPAIR}") from error


def is_number(value: object) -> bool:
    """Whether JSON data is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # an int may be larger, and NaN compares as False


def shown(value: object) -> str:
    """A value in few words, for the end of a sentence."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
