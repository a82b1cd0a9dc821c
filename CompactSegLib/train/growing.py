"""Going on from a finished model's weights: with its net, or with a level more."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from CompactSegLib.datasets.dataset import Dataset
from CompactSegLib.datasets.seen import YES, seen_in_training
from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.model.model import Model
from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.plan import TrainingPlan

# What the model's weights were trained for cannot be another for its new level.
_KEPT = ("modality", "orientation", "spacing_mm", "intensity")


def grow(
    model: Model,
    *,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    plan: TrainingPlan | None = None,
    config: NetConfig | None = None,
    **options: Any,
) -> Path:
    """Train a level more for a finished model and write both as a new model folder.

    With the plan's ``earlier_rate`` at 0, its default, all earlier levels stay bit-identical in fp32.

    Args:
        model: The finished model.
        data: The dataset, as for `run.train`.
        output: Where the run and the new model are.
        plan: Settings; by default those that the model was trained with.
        config: Its last block and head are added; by default the model's last ones once more.
        options: ``labels``, ``fold``, ``minutes``, ``device``, ``threads`` and ``command`` of `run.train`.

    Returns:
        The new model's folder.

    Raises:
        CompactSegError: As `run.train`; or the plan or the held-out cases do not fit the model.
    """
    return _train(
        model,
        grown_config(model, config),
        data=data,
        output=output,
        plan=plan_for(model, plan),
        **options,
    )


def train_further(
    model: Model,
    *,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    plan: TrainingPlan | None = None,
    **options: Any,
) -> Path:
    """Begin a run with the weights of a finished model, at all its levels, and write a new model folder.

    Arguments, the result and the errors are those of `grow`.
    """
    return _train(
        model, model.net_config, data=data, output=output, plan=plan_for(model, plan), **options
    )


def _train(
    model: Model,
    config: NetConfig,
    *,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    plan: TrainingPlan,
    **options: Any,
) -> Path:
    from CompactSegLib.train.run import MODEL_FOLDER, train

    if (Path(output) / MODEL_FOLDER).resolve() == model.folder.resolve():
        raise ConfigurationError(
            f"{output}: expected a folder of its own for the new model, got the model's own; choose another."
        )
    return train(plan, config, data=data, output=output, started_from=model, **options)


def grown_config(model: Model, config: NetConfig | None = None) -> NetConfig:
    """The model's net with the last block and head of `config`, or its own last ones, added."""
    source = config or model.net_config
    return model.net_config.with_level(source.blocks[-1], source.heads[-1])


def plan_for(model: Model, plan: TrainingPlan | None = None) -> TrainingPlan:
    """The settings of going on: `plan`, or the model's own, for images prepared as the model knows them.

    Raises:
        ConfigurationError: The plan asks for other images; or there is none, in the model neither.
    """
    default = TrainingPlan()
    if own := plan is None:
        plan = _own_plan(model)
    kept: dict[str, Any] = {name: getattr(model, name) for name in _KEPT}
    kept["intensity"] = model.intensity.to_dict()
    for name, value in kept.items():
        if getattr(plan, name) not in (value, getattr(default, name)):
            raise ConfigurationError(
                f"training plan, {name}: expected {value!r}, which the model to begin with was trained for, "
                f"got {getattr(plan, name)!r}; leave it out."
            )
    labels = {}
    for label in model.labels:
        settings = label.to_dict()
        labels[str(settings.pop("value"))] = settings
    texts = {name: getattr(plan, name) or getattr(model, name) for name in ("title", "description")}
    if own and model.refinement:
        kept["refinement"] = model.refinement.to_dict()
    return dataclasses.replace(plan, labels=labels, **texts, **kept)


def _own_plan(model: Model) -> TrainingPlan:
    try:
        return TrainingPlan.from_dict(model.provenance.get("plan"))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{model.folder}: expected a model that holds the plan it was trained with, but "
            f"{str(error).rstrip('.')}; pass --plan."
        ) from error


def check_held_out(model: Model, dataset: Dataset, names: Sequence[str]) -> None:
    """Refuse held-out cases that the model was trained on: its earlier levels would be judged by what they know.

    Raises:
        InputError: The model was trained on some of them.
    """
    seen = seen_in_training(model, dataset)
    known = [name for name in names if seen[name] == YES]
    if known:
        raise InputError(
            f"{dataset.folder}: expected held-out cases that {model.name} was not trained on, got {len(known)} of "
            f"{len(names)} that it was ({known[0]} and so on); hold out the fold that it was trained without, or pass "
            "--fold all."
        )


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
