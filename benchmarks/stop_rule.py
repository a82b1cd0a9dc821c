"""Measure the stop rule: Dice lost and operations saved over all thresholds, beside other rules and an oracle.

    python benchmarks/stop_rule.py DATASET --model runs/fold0/model --picture docs/pictures/stop-rule.png

Only cases that the model was not trained on count.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tables import show, write_json
from torch.nn import functional

from CompactSegLib import load_model
from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.datasets.trained_on import choose_cases, training_membership
from CompactSegLib.files import write_picture
from CompactSegLib.model.model import Model
from CompactSegLib.network.cost import level_costs
from CompactSegLib.train.stopping import (
    Floats,
    Measured,
    Tradeoff,
    best_threshold,
    jaccard_change,
    over_thresholds,
    without_repeats,
)
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.train.validation import score_cases

_STYLES = {
    "Jaccard change": ("#0b5cad", "-", "o"),
    "mean entropy": ("#7a5195", "-", "^"),
    "fixed depth": ("#4d4d4d", ":", "D"),
    "oracle": ("#2a9d4a", "--", ""),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="Decathlon or nnU-Net folder")
    parser.add_argument("--model", default="hippocampus-mr", help="name or folder of a model")
    parser.add_argument("--picture", type=Path, help="PNG file of the curves")
    parser.add_argument("--json", type=Path, help="file for all outcomes")
    arguments = parser.parse_args()

    model = load_model(arguments.model)
    measured, entropies = measure(held_out_cases(arguments.data, model), model)
    cases = len(measured.dice)
    curves = outcomes_of_rules(measured, entropies)
    show(
        f"{cases} cases; points of Dice lost where a rule saves at least this share of the operations",
        [summary(name, outcomes) for name, outcomes in curves.items()],
    )
    for name in ("Jaccard change", "mean entropy"):
        print(
            f"{name}: threshold {best_threshold(curves[name]):g} saves most at a loss of 0.1 point"
        )
    if arguments.json:
        rows = [{"rule": name, **vars(outcome)} for name in curves for outcome in curves[name]]
        write_json(arguments.json, rows)
    if arguments.picture:
        draw(curves, arguments.picture, title=f"{model.name}, {cases} held-out cases")


def held_out_cases(data: Path, model: Model) -> list[PreparedCase]:
    """Those of a dataset that the model was not trained on, prepared as it was trained."""
    dataset = read_dataset(data)
    files = choose_cases(dataset, training_membership(model, dataset), which=None)
    plan = TrainingPlan.from_dict(model.provenance["plan"])
    return load_cases(dataclasses.replace(dataset, cases=tuple(files)), plan)


def measure(prepared: Sequence[PreparedCase], model: Model) -> tuple[Measured, Floats]:
    """Dice and changes of all levels on cases with any label, and their mean entropies ``(cases, levels)``."""
    usable = [case for case in prepared if case.labels.any()]
    scores = score_cases(
        model.net, usable, device=torch.device("cpu"), precision=contextlib.nullcontext()
    )
    macs = [cost.macs_per_voxel_all_levels for cost in level_costs(model.net_config)]
    with torch.inference_mode():
        entropies = [[mean_entropy(each) for each in model.net(c.image[None])] for c in usable]
    return Measured.of(scores, macs), np.array(entropies)


def mean_entropy(logits: torch.Tensor) -> float:
    """Mean over voxels of the entropy of the classes, in nats, from logits ``(N, classes, D, H, W)``."""
    log_shares = functional.log_softmax(logits.float(), dim=1)
    return float(-(log_shares.exp() * log_shares).sum(dim=1).mean())


def outcomes_of_rules(measured: Measured, entropies: Floats) -> dict[str, list[Tradeoff]]:
    """Over all thresholds: the rule of models, one that stops when the net is sure enough, and what frames them."""
    return {
        "Jaccard change": jaccard_change(measured),
        "mean entropy": over_thresholds(measured, entropies),
        "fixed depth": fixed_depth(measured),
        "oracle": oracle(measured),
    }


def fixed_depth(measured: Measured) -> list[Tradeoff]:
    """Always the same level."""
    cases = len(measured.dice)
    return [
        measured.outcome(level, np.full(cases, level - 1))
        for level in range(1, measured.levels + 1)
    ]


def oracle(measured: Measured) -> list[Tradeoff]:
    """The best that stopping can do: each case where Dice minus a price of operations is highest, over all prices."""
    prices = np.concatenate([[0.0], np.geomspace(1e-7, 1e-3, 200) * 1e4 / measured.macs[-1]])
    outcomes = [
        measured.outcome(price, np.argmax(measured.dice - price * measured.macs, axis=1))
        for price in prices
    ]
    return without_repeats(outcomes)


def summary(name: str, outcomes: Sequence[Tradeoff]) -> dict[str, object]:
    """Least Dice lost, in points, among the thresholds that save at least some share."""
    row: dict[str, object] = {"rule": name}
    for share in (0.1, 0.2, 0.3, 0.4, 0.6, 0.8):
        lost = [100 * outcome.dice_lost for outcome in outcomes if outcome.macs_saved >= share]
        row[f"{share:.0%}"] = f"{min(lost):.2f}" if lost else "–"
    return row


def draw(curves: Mapping[str, Sequence[Tradeoff]], path: Path, *, title: str) -> None:
    """Operations saved to the right, Dice lost downwards: the upper right corner is the best."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for name, outcomes in curves.items():
        color, line, marker = _STYLES[name]
        ordered = sorted(outcomes, key=lambda outcome: outcome.macs_saved)
        axes.plot(
            [100 * outcome.macs_saved for outcome in ordered],
            [100 * outcome.dice_lost for outcome in ordered],
            line,
            color=color,
            marker=marker,
            markersize=4 if name != "fixed depth" else 8,
            linewidth=1.5,
            label=name,
        )
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("Operations saved, % of those of all levels")
    axes.set_ylabel("Dice lost against the last level, points")
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    FigureCanvasAgg(figure)
    write_picture(path, figure, dpi=150)


if __name__ == "__main__":
    main()
