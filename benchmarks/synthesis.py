"""How long synthetic images take to make beside what the net takes to learn from them.

python benchmarks/synthesis.py --data ../shared/data/brain-label-maps --device cuda
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from tables import show, write_json

from CompactSegLib.inference.devices import keep_freed_memory, select_runtime
from CompactSegLib.network.config import NetConfig
from CompactSegLib.synthesis.label_maps import find_label_maps, read_label_map
from CompactSegLib.train.synthetic_patches import SyntheticPatches
from CompactSegLib.train.trainer import Trainer
from CompactSegLib.train.training_plan import TrainingPlan

RECIPES = Path(__file__).resolve().parent.parent / "Resources" / "Training" / "brain-mr"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of label maps")
    parser.add_argument("--plan", type=Path, default=RECIPES / "plan-4.json")
    parser.add_argument("--config", type=Path, default=RECIPES / "net.json", help="the net")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--heads", type=int, default=2, help="label maps to read")
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    options = parser.parse_args()

    keep_freed_memory(also_largest=True)
    torch.set_num_threads(options.threads)
    plan = TrainingPlan.read(options.plan)
    runtime = select_runtime(options.device, plan.precision)
    cases = find_label_maps(options.data, plan).cases[: options.heads]
    heads = [read_label_map(case.labels, plan).to(runtime.device) for case in cases]
    patches = SyntheticPatches(heads, plan)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            plan,
            NetConfig.read(options.config),
            cases=heads,
            held_out=[],
            folder=Path(folder),
            device=runtime.device,
            precision=runtime.precision,
        )
        batch = patches[0]
        trainer._train_step(batch)
        made, learnt = [], []
        for step in range(1, options.repeats + 1):
            began = now(runtime.device)
            batch = patches[step]
            between = now(runtime.device)
            trainer._train_step(batch)
            made.append(between - began)
            learnt.append(now(runtime.device) - between)
    rows: list[dict] = [
        {"what": "make a batch", "seconds": statistics.median(made)},
        {"what": "learn from it", "seconds": statistics.median(learnt)},
    ]
    for row in rows:
        row["share of a step"] = row["seconds"] / sum(each["seconds"] for each in rows)
    sides = " x ".join(map(str, plan.patch))
    show(
        f"{plan.batch} patches of {sides} voxels, {runtime.name}, {runtime.precision}, {options.threads} thread(s)",
        rows,
    )
    write_json(options.json, rows)


def now(device: torch.device) -> float:
    """The time when all that was asked of a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    main()
