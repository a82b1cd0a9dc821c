"""hippocampus-mr on whole heads: each side against another program's hippocampus, and what finding it costs.

    python -m benchmarks.hippocampus_heads --data DATA

DATA/heads holds the real heads of ``benchmarks.brain_mr``. FreeSurfer's hippocampus is of another protocol than the
one that the model was trained on, and larger: precision says how much of what was found lies in it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.brain_mr.document import markdown
from benchmarks.brain_mr.real_heads import RealHead, read_heads
from benchmarks.brain_mr.scores import dice_of_masks, mean
from CompactSegLib import Level, Segmenter, load_model
from CompactSegLib.inference.devices import keep_freed_memory

_SIDES = ("left", "right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="holds heads")
    parser.add_argument("--model", default="hippocampus-mr", help="name or folder of a model")
    options = parser.parse_args()
    keep_freed_memory()
    segmenter = Segmenter(load_model(options.model))
    rows, t1 = [], []
    for head in read_heads(options.data / "heads"):
        begin = time.perf_counter()
        run = segmenter.start(head.volume)
        levels = list(run.levels(all_levels=True))
        whole = time.perf_counter() - begin
        rows.append(row_of(head, levels) | {"s, level 1": levels[0].seconds, "s, all": whole})
        if head.is_t1:
            t1.append(rows[-1])
    means: dict[str, object] = {
        name: mean(float(str(row[name])) for row in t1) for name in t1[0] if name != "head"
    }
    print(markdown([*rows, {"head": "**T1, mean**"} | means]))


def row_of(head: RealHead, levels: list[Level]) -> dict[str, object]:
    """Dice of each side by level; of the last one precision, volume, and what lies in the other side's hippocampus."""
    numbers = head.numbers["Hippocampus"]
    truth = {"left": numbers.left, "right": numbers.right}
    row: dict[str, object] = {"head": head.name}
    for side in _SIDES:
        mask = np.isin(head.truth, truth[side])
        for level in levels:
            row[f"{side}, level {level.number}"] = dice_of_masks(of_side(level, side), mask)
        last = of_side(levels[-1], side)
        found = max(1, int(last.sum()))
        other = np.isin(head.truth, truth[_SIDES[side == "left"]])
        row |= {
            f"{side}, precision": int((last & mask).sum()) / found,
            f"{side}, volume / truth": int(last.sum()) / int(mask.sum()),
            f"{side}, on the other side": int((last & other).sum()) / found,
        }
    return row


def of_side(level: Level, side: str) -> np.ndarray:
    """Where a level has a structure of a side."""
    return np.isin(level.labels, [one.value for one in level.structures if one.side == side])


if __name__ == "__main__":
    main()
