"""Expected volumes: how much of each structure the cases that a model was trained on have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from CompactSegLib.json_data import Invalid, check, number

__all__ = ["ExpectedVolume", "millilitres"]

_Millilitres = Annotated[float, number(0)]


@dataclass(frozen=True)
class ExpectedVolume:
    """How much of a structure a training case has, in millilitres.

    Attributes:
        mean: Over all training cases.
        least: The smallest of a training case.
        most: The largest.
    """

    mean: _Millilitres
    least: _Millilitres
    most: _Millilitres

    def __add__(self, other: ExpectedVolume) -> ExpectedVolume:
        """Of two structures together, whose extremes need not be of the same case."""
        return ExpectedVolume(
            self.mean + other.mean, self.least + other.least, self.most + other.most
        )

    def __post_init__(self) -> None:
        check(self)
        if not self.least <= self.mean <= self.most:
            raise Invalid("", "least <= mean <= most", [self.least, self.mean, self.most])


def millilitres(value: float) -> str:
    """A volume for people, to two or three digits.

    >>> [millilitres(value) for value in (0, 0.05, 3.14, 31.4, 1284)]
    ['0 ml', '0.05 ml', '3.1 ml', '31 ml', '1,280 ml']
    """
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f} ml"
    return f"{float(f'{value:.2g}'):g} ml"
