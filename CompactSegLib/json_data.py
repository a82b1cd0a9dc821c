"""JSON data read into data classes: each error names the place, what was expected there and what came.

What a field may hold is said once, by its type: ``Annotated[int, whole(1, 64)]``, ``tuple[float, float]``,
``dict[str, Volume]`` or another data class. `build` makes an object of JSON data; `check` holds one to its types
that was made in Python, and belongs into ``__post_init__``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any, NamedTuple, NoReturn, TypeGuard, TypeVar, get_args, get_origin

from CompactSegLib.errors import CompactSegError, ConfigurationError
from CompactSegLib.paths import read_file
from CompactSegLib.words import foreign, shown

T = TypeVar("T")


class Invalid(ConfigurationError):
    """A value that is not as expected, and its place in the data, such as ``blocks[1].pool``."""

    def __init__(self, place: str, expected: str = "", came: object = None, *, told: str = ""):
        self.place = place
        self.told = (told or f"expected {expected}, got {shown(came)}").rstrip(".")
        super().__init__(f"{place}: {self.told}." if place else f"{self.told}.")


class Such(NamedTuple):
    """What a value must be beyond its type: in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


def number(low: float, high: float, *, above: bool = False) -> Such:
    """A number from `low` to `high`, perhaps without `low` itself; there is none without ends."""
    ends = f" above {low}, at most {high}" if above else f" from {low} to {high}"
    return Such(
        f"a number{ends}", lambda value: low <= value <= high and not (above and value == low)
    )


def whole(low: int, high: int) -> Such:
    """A whole number from `low` to `high`."""
    return Such(f"a whole number from {low} to {high}", lambda value: low <= value <= high)


def one_of(*choices: object) -> Such:
    """One of some values."""
    # By type too: 2.0 and True are equal to whole numbers but do not serve as such.
    return Such(
        f"one of {', '.join(map(str, choices))}",
        lambda value: any(type(value) is type(one) and value == one for one in choices),
    )


def written(low: int, high: int, *, what: str) -> Such:
    """A whole number from `low` to `high` as JSON has it in names; what they are, for the sentence."""
    digits = re.compile(rf"[0-9]{{1,{len(str(high))}}}")  # Python raises an error for thousands
    return Such(
        f'{what} from {low} to {high} such as "{max(low, 2)}"',
        lambda text: bool(digits.fullmatch(text)) and low <= int(text) <= high,
    )


rising = Such("two numbers, the smaller one first", lambda pair: pair[0] <= pair[1])


def listed(most: int) -> Such:
    """A list of at most so many."""
    return Such(f"a list of at most {most}", lambda value: len(value) <= most)


_MOST_BYTES = 64 * 2**20
Text = Annotated[str, Such("a text", lambda text: bool(text.strip()))]
Share = Annotated[float, number(0, 1)]


def read_json(
    path: str | os.PathLike[str], *, error: type[CompactSegError] = ConfigurationError
) -> Any:
    """The content of a JSON file, also where an editor of Windows put a mark before it.

    Raises:
        CompactSegError: Of the kind `error`: not there, not readable, or not JSON.
    """
    try:
        return json.loads(read_file(path, most_bytes=_MOST_BYTES).decode("utf-8-sig"))
    except OSError as failed:
        raise error(
            f"{path}: could not be read ({failed.strerror}); check the path and its permissions."
        ) from failed
    except (ValueError, RecursionError) as failed:
        # Of a number of thousands of digits Python says what is of no use.
        told = "it holds too long a number" if type(failed) is ValueError else str(failed)
        raise error(
            f"{path}: expected JSON, but {told[:1].lower()}{told[1:]}; correct it."
        ) from failed


def build(
    cls: type[T],
    data: object,
    *,
    where: str,
    error: type[CompactSegError] = ConfigurationError,
    others: bool = False,
    **beside: Any,
) -> T:
    """Make an object of a data class from JSON data.

    Args:
        cls: The data class; a field without default must be there.
        data: What came.
        where: The file, or what else the data are, for the sentence.
        error: What to raise.
        others: Let names that are no fields be; otherwise a misspelt one is an error.
        **beside: Fields that do not come with the data.

    Raises:
        CompactSegError: Of the kind `error`, with one sentence.
    """
    with told_as(error, where=where):
        return _built(cls, data, others, beside)


@contextmanager
def told_as(error: type[CompactSegError], *, where: str, advice: str = "") -> Iterator[None]:
    """Turn `Invalid` into an error of another kind, with the place in front and what to do behind."""
    try:
        yield
    except Invalid as wrong:
        place = ", ".join(filter(None, (where, wrong.place)))
        outer = Invalid(place, told="; ".join(filter(None, (wrong.told, advice))))
        raise (outer if error is ConfigurationError else error(str(outer))) from None


@contextmanager
def inside(place: str) -> Iterator[None]:
    """Say of whatever is wrong that it is in this place of the data."""
    try:
        yield
    except Invalid as wrong:
        below = ".".join(filter(None, (place, wrong.place)))
        raise Invalid(below, told=wrong.told) from None
    except CompactSegError as wrong:
        raise Invalid(place, told=str(wrong)) from None


def check(value: Any) -> None:
    """Hold the fields of a data class's object to their types.

    Raises:
        Invalid: One is not as its type says.
    """
    cls: Any = type(value)
    for name, each in _fields(cls).items():
        _value(each.kind, getattr(value, each.attribute), name, others=False)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether JSON data is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # an int may be larger, and NaN compares as False


def stated(value: Any) -> dict[str, Any]:
    """An object of a data class as the JSON data that `build` makes an equal one of.

    Fields at their defaults are left out; what has a ``to_dict`` of its own is stated by that.
    """
    cls: Any = type(value)
    held = {
        name: (getattr(value, each.attribute), each.default) for name, each in _fields(cls).items()
    }
    return {name: _plain(item) for name, (item, default) in held.items() if item != default}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return stated(value) if dataclasses.is_dataclass(value) else value


class _Field(NamedTuple):
    attribute: str
    kind: Any
    default: Any


@cache
def _fields(cls: Any) -> dict[str, _Field]:
    """By their names in the data: ``field(metadata={"name": "class"})`` is for what Python has a use of its own for."""
    kinds = typing.get_type_hints(cls, include_extras=True)
    return {
        item.metadata.get("name", item.name): _Field(
            item.name,
            kinds[item.name],
            item.default if item.default_factory is dataclasses.MISSING else item.default_factory(),
        )
        for item in dataclasses.fields(cls)
    }


def _built(cls: Any, data: object, others: bool, beside: Mapping[str, Any]) -> Any:
    fields = {name: each for name, each in _fields(cls).items() if name not in beside}
    if not isinstance(data, Mapping):
        raise Invalid("", f"an object with {', '.join(fields)}", data)
    unknown = [name for name in data if name not in fields]
    if unknown and not others:
        raise Invalid("", told=foreign(str(unknown[0]), list(fields)))
    for name, each in fields.items():
        if each.default is dataclasses.MISSING and name not in data:
            raise Invalid("", told=f"expected {name}, {_words(each.kind)}, but it is missing")
    values = {
        each.attribute: _value(each.kind, data[name], name, others)
        for name, each in fields.items()
        if name in data
    }
    return cls(**values, **beside)


def _value(kind: Any, value: Any, place: str, others: bool) -> Any:
    """A value as its type wants it: tuples for JSON's lists, objects for JSON's."""

    def wrong() -> NoReturn:
        raise Invalid(place, _words(declared), came)

    declared, came = kind, value
    tests: Sequence[Such] = ()
    if get_origin(kind) is Annotated:
        kind, *tests = get_args(kind)
    if type(None) in get_args(kind):
        return None if value is None else _value(get_args(kind)[0], value, place, others)
    if kind is float:
        value = float(value) if is_number(value) else wrong()
    elif kind in (int, str, bool):
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            wrong()
    elif get_origin(kind) in (tuple, list):
        fits = isinstance(value, list | tuple) and (
            _is_of_any_length(kind) or len(value) == len(get_args(kind))
        )
        value = _items(kind, value, place, others) if fits else wrong()
    elif get_origin(kind) in (dict, Mapping):
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            wrong()
        names, inner = get_args(kind)
        value = {
            _value(names, n, place, others): _value(inner, item, f"{place}.{n}", others)
            for n, item in value.items()
        }
    elif hasattr(kind, "__dataclass_fields__") and not isinstance(value, kind):
        with inside(place):
            value = _built(kind, value, others, {})
    if not all(test.holds(value) for test in tests):
        wrong()
    return value


def _is_of_any_length(kind: Any) -> bool:
    return get_origin(kind) is list or get_args(kind)[-1] is Ellipsis


def _items(kind: Any, value: Any, place: str, others: bool) -> Any:
    inner = get_args(kind)
    kinds = inner[:1] * len(value) if _is_of_any_length(kind) else inner
    return get_origin(kind)(
        _value(each, item, f"{place}[{index}]", others)
        for index, (each, item) in enumerate(zip(kinds, value, strict=True))
    )


def _words(kind: Any) -> str:
    """What a type wants, for a sentence."""
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1].words)
    if type(None) in get_args(kind):
        return _words(get_args(kind)[0])
    if get_origin(kind) in (tuple, list):
        return "a list" if _is_of_any_length(kind) else f"a list of {len(get_args(kind))}"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}.get(
        kind, "an object"
    )
