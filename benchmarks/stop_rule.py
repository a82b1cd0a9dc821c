"""Measure the stop rule: Dice lost and operations saved over all thresholds, beside other rules and an oracle.

    python benchmarks/stop_rule.py DATASET --model runs/fold0/model --picture docs/pictures/stop-rule.png

Only cases that the model was not trained on count.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from held_out import held_out_cases
from tables import show, write_json

from CompactSegLib import load_model
from CompactSegLib.files import write_picture
from CompactSegLib.model.model import Model
from CompactSegLib.network.cost import level_costs
from CompactSegLib.train.stopping import RULES, Measured, Tradeoff, best_threshold
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
    measured, cases = measure(arguments.data, model)
    curves = {name: rule(measured) for name, rule in RULES.items()}
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


def measure(data: Path, model: Model) -> tuple[Measured, int]:
    """Dice and signals of all levels on the cases that the model was not trained on."""
    prepared = held_out_cases(data, model)
    scores = score_cases(
        model.net, prepared, device=torch.device("cpu"), precision=contextlib.nullcontext()
    )
    macs = [cost.macs_per_voxel_all_levels for cost in level_costs(model.net_config)]
    return Measured.of(scores, macs), len(scores)


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
