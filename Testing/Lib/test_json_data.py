"""JSON data held to the types of data classes: each error names the place, what was expected and what came."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.json_data import (
    Invalid,
    Share,
    Text,
    build,
    check,
    listed,
    number,
    one_of,
    read_json,
    whole,
)
from CompactSegLib.words import shown


@dataclass(frozen=True)
class Part:
    size: Annotated[int, whole(1, 9)]
    share: Share = 0.5

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Thing:
    name: Text
    parts: Annotated[tuple[Part, ...], listed(2)]
    corner: tuple[float, float] = (0.0, 1.0)
    kind: Annotated[str, one_of("round", "flat")] = "round"
    lengths: dict[str, Annotated[float, number(0, 100, above=True)]] = field(default_factory=dict)
    depth: int | None = None
    is_new: bool = False
    class_: str = field(default="", metadata={"name": "class"})
    rest: dict[str, Any] = field(default_factory=dict)


GOOD: dict[str, Any] = {"name": "it", "parts": [{"size": 1}, {"size": 9, "share": 1}]}


def test_lists_become_tuples_and_objects_become_objects():
    thing = build(Thing, GOOD | {"corner": [1, 2], "class": "c", "lengths": {"a": 2}}, where="f")
    assert thing == Thing("it", (Part(1), Part(9, 1.0)), (1.0, 2.0), class_="c", lengths={"a": 2.0})
    assert isinstance(thing.corner[0], float)
    assert isinstance(thing.lengths["a"], float)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, 'name: expected a text, got " "'),
        ({"parts": [{"size": 0}]}, "parts[0].size: expected a whole number from 1 to 9, got 0"),
        (
            {"parts": [{"size": True}]},
            "parts[0].size: expected a whole number from 1 to 9, got true",
        ),
        (
            {"parts": [{"share": 1}]},
            "parts[0]: expected size, a whole number from 1 to 9, but it is missing",
        ),
        (
            {"parts": [{"size": 1, "shore": 1}]},
            'parts[0]: expected only size, share, got "shore" (did you mean share?)',
        ),
        ({"parts": [{"size": 1, "x": 1}]}, 'parts[0]: expected only size, share, got "x"'),
        (
            {"parts": [{"size": 1, "share": 1.1}]},
            "parts[0].share: expected a number from 0 to 1, got 1.1",
        ),
        ({"parts": [3]}, "parts[0]: expected an object with size, share, got 3"),
        ({"parts": [{"size": 1}] * 3}, "parts: expected a list of at most 2, got a list of 3"),
        ({"parts": "ab"}, 'parts: expected a list of at most 2, got "ab"'),
        ({"corner": [1]}, "corner: expected a list of 2, got [1]"),
        ({"corner": [1, None]}, "corner[1]: expected a number, got null"),
        ({"corner": [1, 10**400]}, "corner[1]: expected a number, got one of more than 20 digits"),
        ({"kind": "square"}, 'kind: expected one of round, flat, got "square"'),
        ({"lengths": {"a": 0}}, "lengths.a: expected a number above 0, at most 100, got 0"),
        ({"lengths": []}, "lengths: expected an object, got []"),
        ({"depth": 1.0}, "depth: expected a whole number, got 1.0"),
        ({"is_new": 1}, "is_new: expected true or false, got 1"),
        (
            {"class_": "x"},
            (
                "expected only name, parts, corner, kind, lengths, depth, is_new, class, rest, "
                'got "class_" (did you mean class?)'
            ),
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes, sentence: str):
    with pytest.raises(InputError) as raised:
        build(Thing, GOOD | changes, where="file.json", error=InputError)
    start = "file.json: " if sentence.startswith("expected") else "file.json, "
    assert str(raised.value) == f"{start}{sentence}."


def test_numbers_that_json_does_not_know_are_none():
    for text in ("NaN", "Infinity", "1e999"):
        data = GOOD | {"parts": [{"size": 1, "share": json.loads(text)}]}
        with pytest.raises(ConfigurationError, match="share: expected a number from 0 to 1"):
            build(Thing, data, where="file")


def test_what_is_made_in_python_is_held_to_its_types_too():
    with pytest.raises(Invalid, match=r"^size: expected a whole number from 1 to 9, got 10\.$"):
        Part(10)


def test_other_names_may_be_let_be():
    assert build(Part, {"size": 2, "colour": "red"}, where="file", others=True) == Part(2)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"[" * 10**5])
def test_what_is_no_json_is_told_with_the_file(tmp_path, content: bytes):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json: expected JSON, but"):
        read_json(tmp_path / "a.json", error=InputError)


def test_what_an_editor_of_windows_wrote_is_json(tmp_path):
    (tmp_path / "plan.json").write_bytes(b'\xef\xbb\xbf{\r\n "name": "\xc3\xa4"\r\n}\r\n')
    assert read_json(tmp_path / "plan.json") == {"name": "ä"}


def test_a_number_of_thousands_of_digits_is_told_without_pythons_advice(tmp_path):
    (tmp_path / "a.json").write_bytes(b"9" * 5000)
    with pytest.raises(
        InputError, match=r"a\.json: expected JSON, but it holds too long a number;"
    ):
        read_json(tmp_path / "a.json", error=InputError)


def test_a_file_that_is_not_there_is_told(tmp_path):
    words = "" if os.name == "nt" else "No such file"  # Windows has its own, in the user's language
    with pytest.raises(ConfigurationError, match=rf"none\.json: could not be read \({words}"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize(
    "value", ["x" * 1000, ["x" * 100], list(range(100)), {"x" * 100: 1}, 10**1000, object()]
)
def test_whatever_came_is_shown_in_few_words(value):
    assert len(shown(value)) <= 60


def test_lists_in_lists_as_deep_as_json_takes_them_are_shown():
    for depth in (5, 300, 600, 900):
        value: object = 1
        for _ in range(depth):
            value = [value]
        assert len(shown(value)) <= 60
