"""Train variants of hippocampus-mr, one change at a time, and put what they reached into a table.

    python benchmarks/search.py train DATASET --output runs/search control more-bending
    python benchmarks/search.py table --output runs/search

A variant in search.json names the one it starts ``from`` and says what it changes: the ``plan``, or the ``net`` as
`changed_net` understands it. Variants are chosen by fold 1: fold 0, on which the model is reported, has no part in the
choice. Runs that were stopped go on, finished ones are left alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "Resources" / "Training" / "hippocampus-mr"
VARIANTS: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
FOLD = 1


def chain(name: str) -> list[dict[str, Any]]:
    """A variant and what it starts from, the first ancestor first."""
    variant = VARIANTS[name]
    return [*(chain(variant["from"]) if "from" in variant else []), variant]


def settings(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan and the net of a variant."""
    plan = json.loads((RECIPE / "plan.json").read_text(encoding="utf-8")) | {"name": name}
    net = json.loads((RECIPE / "net.json").read_text(encoding="utf-8"))
    for variant in chain(name):
        changes = variant.get("plan", {})
        bending = plan.get("augmentation", {}) | changes.get("augmentation", {})
        plan |= changes | {"augmentation": bending}
        net = changed_net(net, **variant.get("net", {}))
    return plan, net


def changed_net(
    net: dict[str, Any],
    *,
    levels: int | None = None,
    width: float = 1.0,
    dilation: int | None = None,
    without_pool: int | None = None,
) -> dict[str, Any]:
    """A net with fewer levels, wider layers, one dilation for all of them, or without the branches of some pooling."""
    blocks, heads = net["blocks"], net["heads"]
    if levels:
        blocks, heads = blocks[: levels + 1], heads[:levels]

    def layers(part: dict[str, Any]) -> dict[str, Any]:
        changed = [
            {
                **layer,
                "channels": max(2, 2 * round(layer["channels"] * width / 2)),
                "dilation": dilation or layer.get("dilation", 1),
            }
            for layer in part["layers"]
        ]
        return {**part, "layers": changed}

    blocks = [
        {
            **block,
            "branches": [
                layers(branch)
                for branch in block["branches"]
                if without_pool is None or branch.get("pool", 1) != without_pool
            ],
        }
        for block in blocks
    ]
    return {
        **net,
        "blocks": blocks,
        "heads": [layers(head) for head in heads],
    }


def train(name: str, data: Path, output: Path) -> None:
    """Train a variant to its end and evaluate it on the fold that it did not see."""
    folder = output / name
    if (folder / "evaluation").is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    plan, net = settings(name)
    for file, value in (("variant-plan.json", plan), ("variant-net.json", net)):
        (folder / file).write_text(json.dumps(value, indent=1), encoding="utf-8")
    command = [sys.executable, "-m", "CompactSegLib.train", "--data", data]
    command += ["--config", folder / "variant-net.json", "--plan", folder / "variant-plan.json"]
    command += ["--fold", FOLD, "--threads", 1, "--output", folder, "--device", "cpu"]
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT)
    command = [sys.executable, "-m", "CompactSegLib.cli", "evaluate", "--model", folder / "model"]
    command += ["--data", data, "--compare", data / "nnunet_dice_per_case.csv", "--device", "cpu"]
    command += ["--output", folder / "evaluation"]
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT)


def dice(folder: Path) -> dict[int, dict[str, float]]:
    """Mean Dice over labels per level and case."""
    table = next((folder / "evaluation").glob("*_evaluation.csv"))
    found: dict[int, dict[str, list[float]]] = {}
    with table.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            level = found.setdefault(int(row["level"]), {})
            if row["label_value"] and row["dice"]:
                level.setdefault(row["case"], []).append(float(row["dice"]))
    return {
        n: {case: statistics.fmean(values) for case, values in level.items()}
        for n, level in found.items()
    }


def table(output: Path) -> str:
    """What was tried, as a Markdown table: Dice per level, and the last level against the variant it started from."""
    lines = [
        "| variant | from | what and why | steps | Dice, level by level | last level minus that of `from`, points |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, variant in VARIANTS.items():
        if not (output / name / "evaluation").is_dir():
            continue
        levels = dice(output / name)
        parent = variant.get("from")
        against = ""
        if parent and (output / parent / "evaluation").is_dir():
            base = dice(output / parent)
            last = min(max(levels), max(base))
            pairs = [100 * (levels[last][case] - base[last][case]) for case in levels[last]]
            error = statistics.stdev(pairs) / len(pairs) ** 0.5
            against = f"{statistics.fmean(pairs):+.2f} ± {error:.2f}"
            against += "" if last == max(levels) == max(base) else f" (level {last})"
        means = " / ".join(
            f"{100 * statistics.fmean(levels[n].values()):.2f}" for n in sorted(levels)
        )
        steps = settings(name)[0]["steps"]
        lines.append(
            f"| {name} | {parent or ''} | {variant['why']} | {steps} | {means} | {against} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train variants and evaluate them")
    training.add_argument("data", type=Path)
    training.add_argument("variants", nargs="+", choices=list(VARIANTS))
    training.add_argument("--output", type=Path, required=True)
    showing = commands.add_parser("table", help="print what was reached as Markdown")
    showing.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "table":
        print(table(arguments.output))
        return
    for name in arguments.variants:
        train(name, arguments.data.resolve(), arguments.output.resolve())


if __name__ == "__main__":
    main()
