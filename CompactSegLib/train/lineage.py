"""What a run owes to the finished model that it began with: cases kept apart, provenance and licence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from CompactSegLib.datasets.dataset import Dataset
from CompactSegLib.datasets.folds import fold_of
from CompactSegLib.datasets.trained_on import YES, training_membership
from CompactSegLib.errors import InputError
from CompactSegLib.model.model import Model


def check_held_out(model: Model, dataset: Dataset, names: Sequence[str]) -> None:
    """Refuse held-out cases that the model was trained on: its earlier levels would be judged by what they know.

    Raises:
        InputError: The model was trained on some of them.
    """
    trained_on = training_membership(model, dataset)
    known = [name for name in names if trained_on[name] == YES]
    if known:
        raise InputError(
            f"{dataset.folder}: expected held-out cases that {model.name} was not trained on, got {len(known)} of "
            f"{len(names)} that it was ({known[0]} and so on); hold out the fold that it was trained without, or pass "
            "--fold all."
        )


def split_of(model: Model, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of a dataset's cases a model was trained on, and which were held out, by the fold that it states."""
    fold = model.provenance["split"]["fold"]
    return fold_of(names, None if fold == "all" else int(fold))


def started_provenance(provenance: dict[str, Any], model: Model) -> dict[str, Any]:
    """A run's provenance with the model's, and with the cases that either was trained on."""
    split = dict(provenance["split"])
    before = model.provenance.get("split")
    names = before.get("training_case_names") if isinstance(before, dict) else None
    if isinstance(names, list):
        split["training_case_names"] = sorted({*split["training_case_names"], *map(str, names)})
    else:
        del split["training_case_names"]
    origin = {
        "name": model.name,
        "levels": len(model.levels),
        "weights_sha256": model.weights_sha256,
        **{
            name: model.provenance[name]
            for name in ("dataset", "steps")
            if name in model.provenance
        },
    }
    return {**provenance, "split": split, "started_from": origin}


def joint_licence(model: Model, licence: str) -> str:
    """The licence of weights that come from a model and from a dataset under `licence`; both, where they differ."""
    if not licence or licence == model.licence:
        return model.licence
    return f"{model.licence} AND {licence}"
