"""An assessment beside another one's Dice, case by case: what the difference is, and how sure that is."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from CompactSegLib.errors import InputError
from CompactSegLib.judge.assessment import CaseResult

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class DiceDifference:
    """A mean of paired differences, ours minus theirs, in points (percent of Dice).

    Attributes:
        points: The mean; None where no case has both.
        low: Lower end of the 95 % confidence interval, by Student's t for pairs; None for fewer than two cases.
        high: Its upper end.
        cases: Number of pairs.
    """

    points: float | None
    low: float | None
    high: float | None
    cases: int

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> DiceDifference:
        """Of Dice values (0 to 1) in pairs; pairs with a NaN are left out.

        >>> DiceDifference.of([0.9, 0.8, 0.85], [0.88, 0.79, 0.85])
        DiceDifference(points=1.0, low=-1.4841..., high=3.4841..., cases=3)
        """
        differences = 100 * (np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float))
        differences = differences[np.isfinite(differences)]
        if len(differences) == 0:
            return cls(None, None, None, 0)
        mean = round(float(differences.mean()), 6)
        if len(differences) == 1:
            return cls(mean, None, None, 1)
        error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
        half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(differences) - 1)) * error
        return cls(mean, round(mean - half, 6), round(mean + half, 6), len(differences))


@dataclass(frozen=True)
class Reference:
    """Another's Dice.

    Attributes:
        path: The file it came from.
        dice: Per case one value per label, in the model's order; NaN where the file says nothing.
    """

    path: Path
    dice: Mapping[str, tuple[float, ...]]

    def compare(self, results: Sequence[CaseResult], names: Sequence[str]) -> list[dict[str, Any]]:
        """Our results beside these, for the cases that both have: JSON data of each level; `names` are the labels'."""
        both = [result for result in results if result.name in self.dice]
        theirs = np.array([self.dice[result.name] for result in both])
        differences = []
        for number in range(len(both[0].levels)):
            ours = np.array([[s.dice for s in result.levels[number].labels] for result in both])
            # Over the same labels on both sides, or a label that one leaves out would look like a gain.
            mean = DiceDifference.of(_means(ours, theirs), _means(theirs, ours))
            per_label = zip(names, ours.T, theirs.T, strict=True)
            differences.append(
                {
                    "level": number + 1,
                    "mean_over_labels": asdict(mean),
                    "labels": {name: asdict(DiceDifference.of(a, b)) for name, a, b in per_label},
                }
            )
        return differences

    def matched(self, names: Sequence[str]) -> list[str]:
        """Those of our cases that are here too.

        Raises:
            InputError: None is.
        """
        matched = [name for name in names if name in self.dice]
        if not matched:
            raise InputError(
                f"{self.path}: expected Dice of the evaluated cases, such as {names[0]}, but none of them is there "
                f"among its {len(self.dice)} cases; compare with another file."
            )
        return matched


def read_reference(path: str | os.PathLike[str], labels: Mapping[int, Sequence[str]]) -> Reference:
    """Read Dice per case from a CSV file.

    The file has the columns ``case`` and ``dice_<label>`` with values from 0 to 1; or it is a table that an evaluation
    wrote, of which the deepest level is taken.

    Args:
        path: The file.
        labels: For each label value the names it may have there.

    Raises:
        InputError: Not there, without the columns, or with values that are no Dice.
    """
    file = Path(path)
    try:
        with open(file, newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except OSError as error:
        raise InputError(
            f"{file}: expected a CSV file with Dice per case, but it could not be read ({error.strerror}); "
            "check the path."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: expected a CSV file with Dice per case, but {error}.") from error
    columns = list(rows[0]) if rows else []
    if {"case", "level", "label_value", "dice"} <= set(columns):
        return Reference(file, _of_table(file, rows, list(labels)))
    found = [_column(columns, value, names) for value, names in labels.items()]
    if "case" not in columns or None in found:
        wanted = ", ".join(f"dice_{_plain(names[0])}" for names in labels.values())
        raise InputError(
            f"{file}: expected the columns case, {wanted} and a row per case, got "
            f"{', '.join(map(str, columns)) or 'no row'}; compare with another file."
        )
    dice: dict[str, tuple[float, ...]] = {}
    for line, row in enumerate(rows, start=2):
        if row["case"] in dice:
            raise InputError(
                f"{file}: expected each case once, got {row['case']} again in line {line}."
            )
        dice[row["case"]] = tuple(_dice(file, row[str(column)], line) for column in found)
    return Reference(file, dice)


def _of_table(
    file: Path, rows: Sequence[Mapping[str, str]], values: Sequence[int]
) -> dict[str, tuple[float, ...]]:
    deepest = max((int(row["level"]) for row in rows if row["level"].isdecimal()), default=0)
    dice: dict[str, list[float]] = {}
    for line, row in enumerate(rows, start=2):
        if row["level"] == str(deepest) and row["label_value"].isdecimal():
            value = int(row["label_value"])
            if value in values:
                case = dice.setdefault(row["case"], [math.nan] * len(values))
                case[values.index(value)] = _dice(file, row["dice"], line)
    return {case: tuple(each) for case, each in dice.items()}


def _column(columns: Sequence[str], value: int, names: Sequence[str]) -> str | None:
    wanted = {f"dice_{_plain(name)}" for name in names} | {f"dice_{value}"}
    return next((column for column in columns if column and column.lower() in wanted), None)


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def _dice(file: Path, text: str | None, line: int) -> float:
    if text is None or not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if math.isnan(value) or 0 <= value <= 1:
        return value
    raise InputError(f"{file}: expected Dice from 0 to 1, got {text!r} in line {line}.")


def _means(values: np.ndarray, others: np.ndarray) -> list[float]:
    """Per case the mean over the labels that both sides have."""
    usable = np.isfinite(values) & np.isfinite(others)
    return [
        float(row[known].mean()) if known.any() else math.nan
        for row, known in zip(values, usable, strict=True)
    ]
