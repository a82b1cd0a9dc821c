"""Plans come from files: no number of one is taken that no run could mean."""

import dataclasses
import json
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.train.training_plan import TrainingPlan

BEYOND = [-(10**400), -1e300, -1, 1e300, 10**30, 10**400, float("nan"), float("inf")]
# What types do not say, as it is read by what it is for.
READ_LATER = {
    "intensity": [
        ({"rule": "window", "low": -1e300, "high": 5}, "low"),
        ({"rule": "window", "low": 0, "high": 10**400}, "high"),
        ({"rule": "percentiles", "low": -1, "high": 99}, "percentiles"),
        ({"rule": "zscore", "low_percentile": 1, "high_percentile": 101}, "percentiles"),
        ({"rule": 5}, "rule"),
    ],
    "labels": [
        ({"1" * 5000: {}}, "labels"),
        ({"-1": {}}, "labels"),
        ({"0": {}}, "labels"),
        ({"٣": {}}, "labels"),
        ({"300": {}}, "labels"),
        ({"1": {"color": [0, 0, 256]}}, "color"),
        ({"1": {"color": [0, 0, -(10**400)]}}, "color"),
        ({"1": {"value": 10**400}}, "value"),
        ({"1": {"sides": {}, "terminology": 3}}, "terminology"),
    ],
    "refinement": [({"mm": 1e300}, "mm"), ({"mm": 1, "weights": {"9" * 5000: 1}}, "weights")],
    "region": [
        ({"model": "a", "structure": "B", "level": 10**400, "margin_mm": 1}, "level"),
        ({"model": "a", "structure": "B", "level": 1, "margin_mm": -1}, "margin_mm"),
    ],
    "orientation": [("RAR", "orientation")],
    "level_weights": [([0, 0, 0], "level_weights")],
    "synthesis": [
        ({"classes": {"1" * 5000: [1]}}, "classes"),
        ({"grown_mm": {"9" * 5000: 1}}, "grown_mm"),
        ({"slopes": {"12": [0.4]}}, "slopes"),
    ],
    "augmentation": [({"scale": [2, 1]}, "scale"), ({"mirror_axes": [1, 1]}, "mirror_axes")],
}


def places_of_numbers(kind: Any, wrapped=lambda value: value) -> Iterator[Any]:
    """For each number that a type may hold a function that puts a value into JSON data there."""
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    inner = typing.get_args(kind)
    if kind in (int, float):
        yield wrapped
    elif dataclasses.is_dataclass(kind):
        for name, each in typing.get_type_hints(kind, include_extras=True).items():
            yield from places_of_numbers(each, lambda value, name=name: wrapped({name: value}))
    elif typing.get_origin(kind) in (tuple, list):
        count = 1 if kind is list or inner[-1] is Ellipsis else len(inner)
        yield from places_of_numbers(inner[0], lambda value: wrapped([value] * count))
    elif typing.get_origin(kind) is dict:
        yield from places_of_numbers(inner[1], lambda value: wrapped({"1": value}))


PLACES = {json.dumps(put("…")): put for put in places_of_numbers(TrainingPlan)}


def test_all_numbers_of_a_plan_are_found():
    assert len(PLACES) >= 60
    assert any("grown_mm" in place for place in PLACES)
    assert any("early_edges" in place for place in PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_a_number_that_makes_no_sense_is_refused_with_its_place(place):
    *_, name = (word for word in place.split('"') if word.isidentifier())
    for number in BEYOND:
        with pytest.raises(
            ConfigurationError, match=rf"training plan, .*{name}.*: expected"
        ) as told:
            TrainingPlan.from_dict(PLACES[place](number))
        assert len(str(told.value)) < 400
        assert "early_until, early" not in str(told.value)


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [(field, *case) for field, cases in READ_LATER.items() for case in cases],
)
def test_what_is_read_later_is_checked_when_the_plan_is(field, value, name):
    with pytest.raises(ConfigurationError, match=rf"training plan.*{name}") as told:
        TrainingPlan.from_dict({field: value})
    assert len(str(told.value)) < 400
