"""What an assessment comes to: means over cases, per level and structure, and the table of all cases."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.files import write_table
from CompactSegLib.judge.assessment import CaseResult, LevelScore
from CompactSegLib.judge.metrics import MaskScore
from CompactSegLib.output.report import rounded

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model

MERGED = "all labels as one"
"""What the union of a model's labels is called."""

MEASURES = {
    "dice": lambda score: score.dice,
    "nsd_1mm": lambda score: score.nsd,
    "hd95_mm": lambda score: score.hd95_mm,
    "volume_error_ml": lambda score: score.volume_error_ml,
    "volume_error_percent": lambda score: score.volume_error_percent,
    "absolute_volume_error_percent": lambda score: abs(score.volume_error_percent),
}
"""Of a `MaskScore`, by the names that summary and table use."""

COLUMNS = (
    "case",
    "trained_on",
    "level",
    "label",
    "label_value",
    "dice",
    "nsd_1mm",
    "hd95_mm",
    "truth_ml",
    "segmented_ml",
    "volume_error_ml",
    "volume_error_percent",
    "improvement",
    "improvement_of_label",
    "macs_per_voxel",
    "seconds",
)
"""Of the table of cases, which has a row per case, level and label, and one more for all labels as one."""


@dataclass(frozen=True)
class Statistic:
    """Mean and standard deviation over the cases that have a value; None where too few have."""

    mean: float | None
    sd: float | None
    cases: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Statistic:
        """Of the values that are neither None nor NaN."""
        known = [value for value in values if value is not None and not math.isnan(value)]
        return cls(
            mean=float(np.mean(known)) if known else None,
            sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
            cases=len(known),
        )

    def to_dict(self) -> dict[str, Any]:
        return {"mean": rounded(self.mean), "sd": rounded(self.sd), "cases": self.cases}


def names_judged(model: Model) -> list[str]:
    """Names of a model's labels, and of their union where there are several."""
    names = [label.name for label in model.labels]
    return [*names, MERGED] if len(names) > 1 else names


def structure_statistics(scores: Sequence[LevelScore], structure: int) -> dict[str, Statistic]:
    """Each measure of one structure (an index of `names_judged`) over the cases of a level."""
    masks = [_masks(score)[structure] for score in scores]
    return {name: Statistic.of(map(measure, masks)) for name, measure in MEASURES.items()}


def mean_statistics(scores: Sequence[LevelScore]) -> dict[str, Statistic]:
    """Each measure over the cases of a level, of a case's mean over its labels."""
    return {
        name: Statistic.of(Statistic.of(map(measure, score.labels)).mean for score in scores)
        for name, measure in MEASURES.items()
    }


def level_scores(results: Sequence[CaseResult]) -> list[list[LevelScore]]:
    """The scores of all cases, level by level."""
    return [list(scores) for scores in zip(*(result.levels for result in results), strict=True)]


def level_summary(scores: Sequence[LevelScore], model: Model) -> dict[str, Any]:
    """Figures of one level as JSON data."""
    info = model.levels[scores[0].level - 1]
    return {
        "level": info.level,
        "parameters": info.parameters,
        "macs_per_voxel": info.macs_per_voxel,
        "macs_per_voxel_all_levels": info.macs_per_voxel_all_levels,
        "seconds": Statistic.of(score.seconds for score in scores).to_dict(),
        "improvement": Statistic.of(score.improvement for score in scores).to_dict(),
        "mean_over_labels": _to_dicts(mean_statistics(scores)),
        "structures": {
            name: _to_dicts(structure_statistics(scores, number))
            for number, name in enumerate(names_judged(model))
        },
    }


def write_case_table(
    results: Sequence[CaseResult], model: Model, *, path: str | os.PathLike[str]
) -> None:
    """Write the table of cases as CSV; what a row does not have is an empty cell.

    Raises:
        OutputError: The file could not be written.
    """
    rows = (
        row for result in results for score in result.levels for row in _rows(result, score, model)
    )
    write_table(path, COLUMNS, rows)


def _rows(result: CaseResult, score: LevelScore, model: Model) -> Iterator[dict[str, object]]:
    level = {
        "case": result.name,
        "trained_on": result.trained_on,
        "level": score.level,
        "improvement": rounded(score.improvement),
        "macs_per_voxel": model.levels[score.level - 1].macs_per_voxel,
        "seconds": rounded(score.seconds),
    }
    for number, (name, mask) in enumerate(zip(names_judged(model), _masks(score), strict=True)):
        is_label = number < len(score.labels)
        changes = score.improvement_by_label if is_label else ()
        measures = {key: rounded(value(mask)) for key, value in MEASURES.items() if key in COLUMNS}
        yield {
            **level,
            **measures,
            "label": name,
            "label_value": model.labels[number].value if is_label else None,
            "truth_ml": rounded(mask.truth_ml),
            "segmented_ml": rounded(mask.segmented_ml),
            "improvement_of_label": rounded(changes[number]) if changes else None,
        }


def _masks(score: LevelScore) -> tuple[MaskScore, ...]:
    return (*score.labels, score.merged) if score.merged else score.labels


def _to_dicts(statistics: dict[str, Statistic]) -> dict[str, Any]:
    return {name: statistic.to_dict() for name, statistic in statistics.items()}
