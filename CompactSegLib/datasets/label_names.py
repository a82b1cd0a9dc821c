"""Labels are paired by their values: whether the names that a dataset gives them say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CompactSegLib.errors import InputError
from CompactSegLib.words import some_of

if TYPE_CHECKING:
    from CompactSegLib.datasets.dataset import Dataset
    from CompactSegLib.model.model import Model

__all__ = ["other_names"]


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
