"""How well sides are told from labels without sides, against what the label maps themselves call left and right.

    python benchmarks/sides.py DATA
    python benchmarks/sides.py DATA --steadiness

DATA holds label maps in FreeSurfer's numbering (``*_truth.nii.gz`` and ``brain_*.nii.gz``, in folders below it too;
``t2-stack`` in GIF's).
Both sides of each structure are merged, sides are told from that, and Dice is taken per structure and side against the
sides of the file, after changes of how the volume is stored, how the head lies, what the field holds and what is
labelled wrongly. Errors of the labels are put into the truth too, so that Dice measures the sides alone.

``--steadiness`` measures instead how far the plane and the sides of the same labels move where next to nothing was
changed, also of labels that ``brain-mr`` finds in the images beside (``*_image.nii.gz``).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sided_heads import (
    CHANGES,
    LEFTS,
    NAMES,
    NUDGES,
    PAIRS,
    RIGHTS,
    STRUCTURES,
    Head,
)
from tables import show, write_json

from benchmarks.brain_mr.engine import without_sides
from CompactSegLib import Geometry, Segmenter, load_model, read_volume
from CompactSegLib.volume.sides import Sides

# Sides of every value, so that each labelled voxel counts.
_ON_THE_LEFT = {value: value for value in range(1, 100)}
_ON_THE_RIGHT = {value: 100 + value for value in range(1, 100)}


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


def moved(before: Sides, after: Sides, head: Head, geometry: Geometry) -> dict[str, float]:
    """How far the plane moved against the voxels of a head, which lie on `geometry` after the change."""
    carried = geometry.ijk_to_lps @ np.linalg.inv(head.geometry.ijk_to_lps)
    k, j, i = np.array(np.nonzero(head.truth)).mean(axis=1)
    centre = head.geometry.ijk_to_lps @ [i, j, k, 1.0]
    turned_back = np.array(after.plane.normal_lps) @ carried[:3, :3]
    sine = np.linalg.norm(np.cross(before.plane.normal_lps, turned_back))
    off = after.plane.lateral_mm((carried @ centre)[:3]) - before.plane.lateral_mm(centre[:3])
    return {"degrees": float(np.degrees(np.arcsin(min(1.0, sine)))), "mm": abs(float(off))}


def nudged(head: Head, names: Mapping[int, str]) -> Iterator[tuple[str, dict[str, float]]]:
    """By `NUDGES`: how far the plane moved, and how many labelled voxels changed sides, once for each draw."""

    def told(sides: Sides, geometry: Geometry) -> NDArray[np.uint8]:
        return sides.told(head.truth, geometry, left=_ON_THE_LEFT, right=_ON_THE_RIGHT)

    before = Sides.found_in(head.truth, head.geometry, names)
    own = told(before, head.geometry)
    for name, (draws, make) in NUDGES.items():
        for draw in range(draws):
            other, geometry = make(head, draw)
            after = Sides.found_in(other.truth, other.geometry, names)
            changes = np.count_nonzero(told(after, geometry) != own)
            yield name, moved(before, after, head, geometry) | {"voxels": int(changes)}


def unsided(paths: list[Path]) -> Iterator[tuple[str, Head, Mapping[int, str]]]:
    """Kind, labels without sides and their structures: of label maps, and of what ``brain-mr`` finds beside them."""
    model = without_sides(load_model("brain-mr"))
    names = {label.value: label.name for label in model.labels}
    for path in paths:
        head = Head.read(path)
        kind = "label maps" if path.name.startswith("brain_") else "real heads"
        yield kind, replace(head, truth=head.merged), STRUCTURES
        image = path.with_name(path.name.replace("_truth", "_image"))
        if image != path:
            volume = read_volume(image)
            for level in Segmenter(model).start(volume).levels(all_levels=True):
                found = Head(head.name, level.labels, volume.geometry)
                yield f"brain-mr, level {level.number}", found, names


def steadiness_rows(paths: list[Path]) -> list[dict[str, object]]:
    """Per kind of labels and nudge: how far plane and sides moved, in the middle of all draws and at the worst."""
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for kind, head, names in unsided(paths):
        for nudge, one in nudged(head, names):
            found.setdefault((kind, nudge), []).append(one)
    return [
        {"labels": kind, "nudge": nudge, "draws": len(cases)}
        | {
            f"{unit}, {how}": f"{of([case[unit] for case in cases]):.{digits}f}"
            for unit, digits in (("degrees", 3), ("mm", 3), ("voxels", 0))
            for how, of in (("median", np.median), ("worst", np.max))
        }
        for (kind, nudge), cases in sorted(found.items(), key=lambda one: one[0][0])
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a folder with label maps")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th label map")
    parser.add_argument("--steadiness", action="store_true", help="how far sides move by trifles")
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    options = parser.parse_args()
    paths = [
        path
        for path in sorted(options.data.rglob("*.nii.gz"))
        if path.name.startswith("brain_") or path.name.endswith("_truth.nii.gz")
    ][:: options.every]
    if options.steadiness:
        rows = steadiness_rows(paths)
        show(f"What trifles move, of {len(paths)} heads", rows)
        if options.json:
            write_json(options.json, rows)
        return
    found: dict[str, list[dict]] = {change: [] for change in CHANGES}
    heads = []
    for path in paths:
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
