"""Which cases a model was trained on, as far as its provenance says, and which to judge it by."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from CompactSegLib.datasets.dataset import CaseFiles, Dataset
from CompactSegLib.datasets.folds import FOLDS, fold_of
from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.model.model import Model
from CompactSegLib.words import shortened, some_of

NO, YES, UNKNOWN = "no", "yes", "unknown"


def training_membership(model: Model, dataset: Dataset) -> dict[str, str]:
    """For each case of a dataset whether the model was trained on it: ``no``, ``yes`` or ``unknown``.

    Cases are told by their name and their dataset's. ``unknown`` are all cases of a model that does not say, and cases
    of another dataset that are called like a training case.
    """
    split, data = (_mapping(model.provenance.get(name)) for name in ("split", "dataset"))
    names = [case.name for case in dataset.cases]
    is_same = data.get("name") == dataset.name
    held_out = _names(split.get("validation_cases")) or set()
    trained = _names(split.get("training_case_names"))
    if trained is None and is_same and data.get("cases") == len(names):
        trained = _trained_by_fold(names, split, held_out)

    def trained_on(name: str) -> str:
        if trained is None:
            return NO if is_same and name in held_out else UNKNOWN
        if name not in trained:
            return NO
        return YES if is_same else UNKNOWN

    return {name: trained_on(name) for name in names}


def choose_cases(
    dataset: Dataset,
    trained_on: Mapping[str, str],
    *,
    which: str | None,
    with_training_cases: bool = False,
) -> list[CaseFiles]:
    """The cases to judge a model by.

    Args:
        dataset: The dataset.
        trained_on: From `training_membership`.
        which: ``all``, a fold's number (its validation cases), or names separated by commas; None for all that the
            model was not trained on.
        with_training_cases: Accept cases that the model was trained on.

    Raises:
        CompactSegError: No such cases, none left, or the model was trained on some of them.
    """
    names = _named(which, list(trained_on))
    trained = [name for name in names if trained_on[name] == YES]
    if trained and not with_training_cases:
        if which is not None:
            raise InputError(
                f"{dataset.folder}: expected cases that the model was not trained on, got {len(trained)} of "
                f"{len(names)} that it was ({some_of(trained)}); leave out --fold to take the others, or pass "
                "--with-training-cases to have them in and marked."
            )
        names = [name for name in names if trained_on[name] != YES]
        if not names:
            raise InputError(
                f"{dataset.folder}: expected cases that the model was not trained on, but it was trained on all "
                f"{len(trained)}; choose another dataset, or pass --with-training-cases to have them in and marked."
            )
    return [case for case in dataset.cases if case.name in set(names)]


def _named(which: str | None, names: Sequence[str]) -> list[str]:
    if which is None or which == "all":
        return list(names)
    if re.fullmatch("[0-9]{1,3}", which) and which not in names:
        return fold_of(names, int(which))[1]
    wanted = [part.strip() for part in which.split(",") if part.strip()]
    missing = [name for name in wanted if name not in names]
    if missing or not wanted:
        close = difflib.get_close_matches(missing[0], names, n=1) if missing else []
        meant = f"did you mean {close[0]}?" if close else f"the dataset has {some_of(names)}."
        raise ConfigurationError(
            f"--fold: expected 0 to {FOLDS - 1}, 'all' or names of cases separated by commas, "
            f"got {some_of([shortened(name, 60) for name in missing]) or repr(which)}; {meant}"
        )
    return wanted


def _trained_by_fold(
    names: Sequence[str], split: Mapping[str, Any], held_out: set[str]
) -> set[str] | None:
    """Training cases of a model that names its validation cases alone, where they are a fold of these very cases."""
    fold = split.get("fold")
    if fold == "all" and not held_out:
        return set(names)
    if not isinstance(fold, int) or not 0 <= fold < FOLDS or len(names) < FOLDS:
        return None
    training, validation = fold_of(names, fold)
    return set(training) if set(validation) == held_out else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: object) -> set[str] | None:
    return set(map(str, value)) if isinstance(value, list) else None
