"""Going on from a finished model's weights: with its net, or with a level more."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.json_data import stated
from CompactSegLib.labels import structures_of
from CompactSegLib.model.model import Model
from CompactSegLib.network.config import NetConfig
from CompactSegLib.paths import resolved
from CompactSegLib.train.training import MODEL_FOLDER, train
from CompactSegLib.train.training_plan import TrainingPlan

# What the model's weights were trained for cannot be another for its new level.
_KEPT = ("modality", "orientation", "spacing_mm", "intensity")


def train_from(
    model: Model, config: NetConfig, *, plan: TrainingPlan | None = None, **run: Any
) -> Path:
    """Begin a run with a finished model's weights and write a new model folder.

    In a net with a level more (`grown_config`) all earlier levels stay bit-identical in fp32, unless the plan gives
    them a rate (``earlier_rate``).

    Args:
        model: The finished model.
        config: Its own net, or one that begins with it.
        plan: Settings; by default those that the model was trained with.
        run: What `training.train` takes: ``data``, ``output``, ``labels``, ``fold``, ``minutes``, ``device`` and so on.

    Returns:
        The new model's folder.

    Raises:
        CompactSegError: As `training.train`; or the plan or the held-out cases do not fit the model.
    """
    plan = plan_for(model, plan)
    if resolved(Path(run["output"]) / MODEL_FOLDER) == resolved(model.folder):
        raise ConfigurationError(
            f"{run['output']}: expected a folder of its own for the new model, got the model's own; choose another."
        )
    return train(plan, config, started_from=model, **run)


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
    labels = {str(number): settings for number, settings in structures_of(model.labels).items()}
    texts = {name: getattr(plan, name) or getattr(model, name) for name in ("title", "description")}
    if own and model.refinement:
        kept["refinement"] = model.refinement.to_dict()
    if own and model.region:
        kept["region"] = stated(model.region)
    return dataclasses.replace(plan, labels=labels, **texts, **kept)


def _own_plan(model: Model) -> TrainingPlan:
    try:
        return TrainingPlan.from_dict(model.provenance.get("plan"))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{model.folder}: expected a model that holds the plan it was trained with, but "
            f"{str(error).rstrip('.')}; pass --plan."
        ) from error
