"""Figures for a model that was trained on all cases: those of its sibling, the same recipe with a fold held out."""

from __future__ import annotations

from typing import Any

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.model.model import Model
from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.plan import TrainingPlan, recipe_of


def check_sibling(
    sibling: Model,
    *,
    plan: TrainingPlan,
    config: NetConfig,
    fold: int | None,
    started_from: Model | None = None,
) -> None:
    """Refuse figures that would say something about another model.

    Raises:
        ConfigurationError: The run holds out cases of its own, the sibling has no figures, or net, plan or the weights
            that it began with differ.
    """
    where = f"{sibling.folder}: expected a model"
    if fold is not None:
        raise ConfigurationError(
            f"--figures-from: expected a run on all cases, got one that holds out fold {fold} and has figures of its "
            "own; leave it out, or pass --fold all."
        )
    if not sibling.levels[-1].validation.get("cases"):
        raise ConfigurationError(
            f"{where} that was judged on held-out cases, but it has no figures; train it with --fold 0."
        )
    if sibling.net_config != config:
        raise ConfigurationError(f"{where} with the net that is to be trained, got another net.")
    began = sibling.provenance.get("started_from", {}).get("weights_sha256")
    if began != (started_from.weights_sha256 if started_from else None):
        raise ConfigurationError(f"{where} that began with the same weights, got other ones.")
    stated = sibling.provenance.get("plan")
    theirs = recipe_of(stated if isinstance(stated, dict) else {})
    ours = recipe_of(plan.to_dict())
    different = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
    if different:
        raise ConfigurationError(
            f"{where} that was trained with this plan, got one in which {', '.join(different)} differ; "
            "its figures would say nothing of this model."
        )


def sibling_provenance(sibling: Model) -> dict[str, Any]:
    """What a model says of the one whose figures it carries."""
    split = sibling.provenance.get("split", {})
    return {
        "weights_sha256": sibling.weights_sha256,
        "fold": split.get("fold"),
        "training_cases": split.get("training_cases"),
        "validation_cases": split.get("validation_cases"),
    }
