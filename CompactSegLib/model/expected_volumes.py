"""Expected volumes: how much of each structure the cases that a model was trained on have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from CompactSegLib.errors import ModelError
from CompactSegLib.model.fields import is_number

__all__ = ["ExpectedVolume", "expected_from_dict", "expected_to_dict", "millilitres"]

_NAMES = ("mean", "least", "most")


@dataclass(frozen=True)
class ExpectedVolume:
    """How much of a structure a training case has, in millilitres.

    Attributes:
        mean: Over all training cases.
        least: The smallest of a training case.
        most: The largest.
    """

    mean: float
    least: float
    most: float

    def __add__(self, other: ExpectedVolume) -> ExpectedVolume:
        """Of two structures together, whose extremes need not be of the same case."""
        return ExpectedVolume(
            self.mean + other.mean, self.least + other.least, self.most + other.most
        )

    def __post_init__(self) -> None:
        volumes = (self.mean, self.least, self.most)
        if not all(is_number(value) for value in volumes) or not (
            0 <= self.least <= self.mean <= self.most
        ):
            raise ModelError(
                "expected volume: expected millilitres of at least 0 with least <= mean <= most, got "
                f"least {self.least!r}, mean {self.mean!r}, most {self.most!r}."
            )


def expected_from_dict(
    settings: Mapping[str, Any], *, labels: Sequence[str]
) -> dict[str, ExpectedVolume]:
    """Return what ``model.json`` states, by label name in the labels' order.

    >>> expected_from_dict({"Liver": {"mean": 1500, "least": 900, "most": 2400}}, labels=["Liver"])
    {'Liver': ExpectedVolume(mean=1500.0, least=900.0, most=2400.0)}

    Raises:
        ModelError: Not all labels and no others, or volumes that make no sense.
    """
    if not isinstance(settings, Mapping) or set(settings) != set(labels):
        came = ", ".join(map(str, settings)) if isinstance(settings, Mapping) else repr(settings)
        raise ModelError(
            f"expected_millilitres: expected an entry for each label ({', '.join(labels)}), got {came or 'none'}."
        )
    return {name: _volume(name, settings[name]) for name in labels}


def expected_to_dict(expected: Mapping[str, ExpectedVolume]) -> dict[str, dict[str, float]]:
    """Return what :func:`expected_from_dict` reads."""
    return {name: asdict(volume) for name, volume in expected.items()}


def millilitres(value: float) -> str:
    """A volume for people, to two or three digits.

    >>> [millilitres(value) for value in (0, 0.05, 3.14, 31.4, 1284)]
    ['0 ml', '0.05 ml', '3.1 ml', '31 ml', '1,280 ml']
    """
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f} ml"
    return f"{float(f'{value:.2g}'):g} ml"


def _volume(name: str, settings: Any) -> ExpectedVolume:
    if not isinstance(settings, Mapping) or set(settings) != set(_NAMES):
        raise ModelError(
            f"expected_millilitres, {name}: expected {', '.join(_NAMES)}, got {settings!r}."
        )
    values = [settings[key] for key in _NAMES]
    try:
        return ExpectedVolume(*(float(value) if is_number(value) else value for value in values))
    except ModelError as error:
        raise ModelError(f"expected_millilitres, {name}, {error}") from error
