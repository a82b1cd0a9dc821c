"""A model judged on labelled cases: the engine that users run, every level, on each image's own grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.datasets.cases import read_case
from CompactSegLib.datasets.dataset import CaseFiles, Dataset
from CompactSegLib.errors import InputError
from CompactSegLib.judge.metrics import MaskScore, score_mask
from CompactSegLib.words import some_of

if TYPE_CHECKING:
    from CompactSegLib.inference.progress import Progress
    from CompactSegLib.inference.segmenter import Segmenter
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level, RunInfo
    from CompactSegLib.volume.geometry import Geometry


@dataclass(frozen=True)
class LevelScore:
    """A level of one case beside the truth.

    Attributes:
        level: From 1.
        labels: One score per label, in the model's order.
        merged: All labels taken as one structure; None for a model with a single label.
        improvement: Largest over labels of 1 - Jaccard to the level before; None at level 1.
        improvement_by_label: The same for each label; empty at level 1.
        seconds: Wall time of this level.
    """

    level: int
    labels: tuple[MaskScore, ...]
    merged: MaskScore | None
    improvement: float | None
    improvement_by_label: tuple[float, ...]
    seconds: float

    @property
    def mean_dice(self) -> float:
        """Mean over the labels that truth or segmentation have; NaN where there are none."""
        values = [score.dice for score in self.labels if not math.isnan(score.dice)]
        return float(np.mean(values)) if values else math.nan


@dataclass(frozen=True)
class CaseResult:
    """All levels of one case.

    Attributes:
        name: The case.
        trained_on: Whether the model was trained on it: ``no``, ``yes`` or ``unknown``.
        levels: Level 1 first.
        run: How it was segmented.
    """

    name: str
    trained_on: str
    levels: tuple[LevelScore, ...]
    run: RunInfo


def check_labels(model: Model, dataset: Dataset) -> None:
    """Check that a model and a dataset speak of the same number of labels and channels.

    Raises:
        InputError: They do not.
    """
    if len(model.labels) != len(dataset.labels):
        ours = ", ".join(label.name for label in model.labels)
        raise InputError(
            f"{dataset.folder}: expected the {len(model.labels)} labels of model {model.name} ({ours}), got "
            f"{len(dataset.labels)} ({', '.join(dataset.labels.values())}); choose another dataset or model."
        )
    if model.net_config.in_channels != len(dataset.channels):
        raise InputError(
            f"{dataset.folder}: expected {model.net_config.in_channels} channel(s), which model {model.name} was "
            f"trained on, got {len(dataset.channels)}; choose another dataset or model."
        )


def other_names(model: Model, dataset: Dataset) -> dict[int, str]:
    """The names of a dataset that are none of the model's, by value; to be told, as they may well mean the same.

    Case, ``_``, ``-`` and blanks make no difference, nor does a name that has words more or less and fits one label
    alone: "Anterior" is "Anterior hippocampus". A dataset of two folders has no names.

    Args:
        model: Whose labels count.
        dataset: With as many labels.

    Raises:
        InputError: A value has the name of another label of the model.
    """
    if not dataset.is_named:
        return {}
    ours = {label.value: label.name for label in model.labels}
    meant = {
        value: _meant(name, value=value, ours=ours)
        for value, name in dataset.labels.items()
        if value in ours
    }
    mixed = [
        f"{value} is {dataset.labels[value]} (there {there})"
        for value, there in meant.items()
        if there not in (value, None)
    ]
    if mixed:
        raise InputError(
            f"{dataset.folder}: expected the label values of model {model.name}, but {some_of(mixed, 3)}; give each "
            f"structure the value that `compactseg info {model.name}` shows."
        )
    return {value: dataset.labels[value] for value, there in meant.items() if there is None}


def _meant(name: str, *, value: int, ours: dict[int, str]) -> int | None:
    """The value of the label that is called so: of the same words first, then of words more or less."""
    words = _words(name)
    known = {here: _words(each) for here, each in ours.items()}
    same = [here for here in known if known[here] == words]
    alike = [here for here in known if known[here] <= words or words <= known[here]]
    for found in (same, alike):
        if value in found:
            return value
        if len(found) == 1:
            return found[0]
    return None


def _words(name: str) -> frozenset[str]:
    return frozenset(name.casefold().replace("_", " ").replace("-", " ").split())


def assess_case(
    case: CaseFiles,
    dataset: Dataset,
    *,
    segmenter: Segmenter,
    levels: int,
    trained_on: str,
    progress: Callable[[Progress], None] | None = None,
) -> CaseResult:
    """Segment a case and compare each level with the truth.

    Args:
        case: The case.
        dataset: Whose it is.
        segmenter: The model on a device.
        levels: Deepest level to compute.
        trained_on: Whether the model was trained on the case.
        progress: Called often with how far the computation is.

    Raises:
        CompactSegError: The case cannot be read or does not fit the model.
    """
    volume, truth = read_case(case, dataset)
    run = segmenter.start(volume)
    computed = run.levels(most=levels, all_levels=True, progress=progress)
    return CaseResult(
        name=case.name,
        trained_on=trained_on,
        levels=tuple(
            _score(_with_labels_of(segmenter.model, level), truth, volume.geometry)
            for level in computed
        ),
        run=run.info,
    )


def _with_labels_of(model: Model, level: Level) -> Level:
    """A level with the model's own labels, where a run in regions told left from right beyond these."""
    if level.structures == model.labels:
        return level
    millilitres = dict.fromkeys((label.name for label in model.labels), 0.0)
    changes: dict[str, float] = {}
    for told in level.structures:
        own = model.labels[told.of_class - 1]
        millilitres[own.name] += level.millilitres[told.name]
        if level.improvement_by_label:
            change = level.improvement_by_label[told.name]
            changes[own.name] = max(change, changes.get(own.name, 0.0))
    return replace(
        level,
        labels=level.classes,
        structures=model.labels,
        millilitres=millilitres,
        improvement_by_label=changes,
    )


def _score(level: Level, truth: NDArray[np.uint8], geometry: Geometry) -> LevelScore:
    i, j, k = geometry.spacing_mm
    spacing_mm = (k, j, i)
    values = range(1, len(level.millilitres) + 1)
    return LevelScore(
        level=level.number,
        labels=tuple(
            score_mask(truth == value, level.labels == value, spacing_mm=spacing_mm)
            for value in values
        ),
        merged=score_mask(truth > 0, level.labels > 0, spacing_mm=spacing_mm)
        if len(values) > 1
        else None,
        improvement=level.improvement,
        improvement_by_label=tuple(level.improvement_by_label.values()),
        seconds=level.seconds,
    )
