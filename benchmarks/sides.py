"""How well sides are told from labels without sides, against what the label maps themselves call left and right.

    python benchmarks/sides.py DATA

DATA holds label maps in FreeSurfer's numbering (``*_truth.nii.gz`` and ``brain_*.nii.gz``, in folders below it too;
``t2-stack`` in GIF's).
Both sides of each structure are merged, sides are told from that, and Dice is taken per structure and side against the
sides of the file, after changes of how the volume is stored, how the head lies, what the field holds and what is
labelled wrongly. Errors of the labels are put into the truth too, so that Dice measures the sides alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sided_heads import CHANGES, LEFTS, NAMES, PAIRS, RIGHTS, STRUCTURES, Head
from tables import show, write_json

from CompactSegLib.volume.sides import Sides


def measure(head: Head) -> dict[str, object]:
    """Dice per structure and side, by `Sides` and by its plane alone, and the seconds of it."""
    merged = head.merged
    begin = time.process_time()
    sides = Sides.found_in(merged, head.geometry, STRUCTURES)
    found = time.process_time()
    told = sides.told(merged, head.geometry, left=LEFTS, right=RIGHTS)
    done = time.process_time()
    flat = replace(sides, lateral=np.zeros((0, 0, 0), np.float32))
    by_plane = flat.told(merged, head.geometry, left=LEFTS, right=RIGHTS)
    return {
        "evidence": sides.evidence,
        "dice": dice_per_side(told, head.truth),
        "by plane": dice_per_side(by_plane, head.truth),
        "find": found - begin,
        "tell": done - found,
    }


def dice_per_side(labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> dict[int, float]:
    """Dice of each value of `LEFTS` and `RIGHTS` that the truth has, if only a tenth of both sides together."""
    size, own = (np.bincount(one.ravel(), minlength=256) for one in (labels, truth))
    common = np.bincount(truth[labels == truth], minlength=256)
    return {
        value: float(2 * common[value] / (size[value] + own[value]))
        for pair in zip(LEFTS.values(), RIGHTS.values(), strict=True)
        for value, twin in (pair, pair[::-1])
        if own[value] > 0.1 * own[[value, twin]].sum()
    }


def mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))


def change_rows(found: dict[str, list[dict]]) -> list[dict[str, object]]:
    """Per change of the label maps: over how many heads sides were told, and how well."""
    rows: list[dict[str, object]] = []
    for change, cases in found.items():
        dice = [list(case["dice"].values()) for case in cases]
        rows.append(
            {
                "label maps": change,
                "told": sum(case["evidence"] in ("both sides", "one side") for case in cases),
                "mean Dice": f"{mean(map(np.mean, dice)):.4f}",
                "worst head": f"{min(map(np.mean, dice)):.4f}",
                "worst structure": f"{min(map(min, dice)):.4f}",
                "by plane alone": f"{mean(np.mean(list(c['by plane'].values())) for c in cases):.4f}",
                "find (s)": mean(case["find"] for case in cases),
                "tell (s)": mean(case["tell"] for case in cases),
            }
        )
    return rows


def structure_rows(cases: list[dict]) -> list[dict[str, object]]:
    """Dice per structure and side, mean over heads."""
    return [
        {"structure": name}
        | {
            f"{side}{how}": f"{mean(c[key][v] for c in cases if v in c[key]):.4f}"
            for how, key in (("", "dice"), (", by plane alone", "by plane"))
            for side, v in (("left", 100 + value), ("right", 150 + value))
        }
        for value, name in enumerate(NAMES[:PAIRS], 1)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a folder with label maps")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th label map")
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    options = parser.parse_args()
    paths = [
        path
        for path in sorted(options.data.rglob("*.nii.gz"))
        if path.name.startswith("brain_") or path.name.endswith("_truth.nii.gz")
    ]
    found: dict[str, list[dict]] = {change: [] for change in CHANGES}
    heads = []
    for path in paths[:: options.every]:
        head = Head.read(path)
        heads.append(head.name)
        for change, make in CHANGES.items():
            found[change].append(measure(make(head)))
    rows, structures = change_rows(found), structure_rows(found["as it is"])
    show(f"Sides of {len(heads)} heads", rows)
    show("Dice per structure and side, as it is", structures)
    if options.json:
        write_json(options.json, rows + structures)


if __name__ == "__main__":
    main()
