"""A model whose weights are a mean of finished models', which generalises better (model soups, Wortsman et al. 2022).

    python -m CompactSegLib.train.average OUTPUT LABEL_MAPS MODEL=SHARE MODEL=SHARE ...

The models go back to the same weights. Shares add up to 1 and may be negative: a model in which a run's start has half
a share (`start_share`) is the run alone with 2, less the start with -1.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from CompactSegLib.errors import InputError
from CompactSegLib.model.folder import write_model
from CompactSegLib.model.model import Model
from CompactSegLib.model.registry import called_from, load_model
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.synthesis.label_maps import find_label_maps, read_label_map
from CompactSegLib.train.export import level_figures
from CompactSegLib.train.lineage import split_of
from CompactSegLib.train.runlog import tell
from CompactSegLib.train.synthetic_patches import validation_cases
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.train.validation import score_cases

_ROUNDING = 1e-6
# All else is the first model's.
_OWN = ("net_config", "levels", "stop", "provenance", "weights", "folder", "size_bytes")


def mean_net(models: Sequence[Model], shares: Sequence[float]) -> MultiLevelNet:
    """The net with the weighted mean of models' weights, in evaluation mode on the CPU.

    Args:
        models: Of one net and the same labels.
        shares: Of each, together 1.

    Raises:
        InputError: Models differ in more than their weights, or shares do not add up to 1.
    """
    first = models[0]
    for each in models[1:]:
        if each.net_config != first.net_config or each.labels != first.labels:
            raise InputError(
                f"{each.folder}: expected the net and labels of {first.folder}, got others; only models that differ "
                "in nothing but their weights have a mean."
            )
    if abs(sum(shares) - 1) > _ROUNDING:
        raise InputError(f"shares: expected numbers that add up to 1, got {sum(shares):g}.")
    net = first.trainable_net().eval()
    states = [each.trainable_net().state_dict() for each in models]
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                parts = zip(shares, states, strict=True)
                tensor.copy_(torch.stack([s * state[name].double() for s, state in parts]).sum(0))
    return net


def average(
    output: Path, label_maps: Path, models: Sequence[Model], shares: Sequence[float]
) -> Model:
    """Write the model of the mean weights, validated on the label maps that were held out of the training.

    Args:
        output: The new model's folder.
        label_maps: What the models were trained on.
        models: The first gives all but the weights and their validation.
        shares: Of each, together 1.

    Raises:
        CompactSegError: As for `mean_net`; or label maps cannot be read, or the folder cannot be written.
    """
    net, first = mean_net(models, shares), models[0]
    plan = TrainingPlan.from_dict(first.provenance["plan"])
    dataset = find_label_maps(label_maps, plan)
    _, held_out = split_of(first, [case.name for case in dataset.cases])
    heads = [read_label_map(case.labels, plan) for case in dataset.cases if case.name in held_out]
    scores = score_cases(
        net, validation_cases(heads, plan), device=torch.device("cpu"), precision=nullcontext()
    )
    figures = [
        level_figures(scores, level, names=first.structures) for level in range(1, net.levels + 1)
    ]
    averaged = {each.weights_sha256: share for each, share in zip(models, shares, strict=True)}
    kept: dict[str, Any] = {
        each.name: getattr(first, each.name) for each in fields(first) if each.name not in _OWN
    }
    return write_model(
        output,
        net=net,
        validation=figures,
        threshold=first.threshold,
        provenance={**first.provenance, "averaged": averaged},
        half_weights=plan.half_weights,
        called=called_from(output),
        **kept,
    )


def main() -> None:
    """Average the models that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path, help="the new model's folder")
    parser.add_argument("label_maps", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL=SHARE")
    options = parser.parse_args()
    given = [each.rpartition("=") for each in options.models]
    model = average(
        options.output,
        options.label_maps,
        [load_model(name) for name, _, _ in given],
        [float(share) for _, _, share in given],
    )
    tell(f"{model.folder}: weights {model.weights_sha256[:12]}")


if __name__ == "__main__":
    main()
