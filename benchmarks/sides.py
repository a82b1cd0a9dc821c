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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tables import show, write_json

from CompactSegLib import Geometry, read_volume
from CompactSegLib.volume.sides import Sides

NAMES = (
    "Cerebral white matter", "Cerebral cortex", "Lateral ventricle", "Cerebellar white matter", "Cerebellar cortex",
    "Thalamus", "Caudate", "Putamen", "Pallidum", "Hippocampus", "Amygdala", "Ventral diencephalon", "Accumbens area",
    "Third ventricle", "Fourth ventricle", "Brain stem",
)  # fmt: skip
LEFT = ((2, 25), (3,), (4, 5), (7,), (8,), (10,), (11,), (12,), (13,), (17,), (18,), (28,), (26,))
RIGHT = ((41, 57), (42,), (43, 44), (46,), (47,), (49,), (50,), (51,), (52,), (53,), (54,), (60,), (58,))  # fmt: skip
MIDLINE = ((14,), (15,), (16,))
PAIRS = len(LEFT)
# GIF's numbers, as far as they are known: no cerebral white matter and cortex, ventral diencephalon and accumbens.
GIF_LEFT = ((), (), (51, 53), (42,), (40,), (61,), (38,), (59,), (57,), (49,), (33,), (), ())
GIF_RIGHT = ((), (), (50, 52), (41,), (39,), (60,), (37,), (58,), (56,), (48,), (32,), (), ())
GIF_MIDLINE = ((5,), (12,), (36,))
STRUCTURES = dict(enumerate(NAMES, 1))
LEFTS = {value: 100 + value for value in range(1, PAIRS + 1)}
RIGHTS = {value: 150 + value for value in range(1, PAIRS + 1)}
HIPPOCAMPUS = 1 + NAMES.index("Hippocampus")
SEED = 15


@dataclass(frozen=True)
class Head:
    """A label map: values of `LEFTS` and `RIGHTS` where sides are, else of `STRUCTURES`."""

    name: str
    truth: NDArray[np.uint8]
    geometry: Geometry

    @classmethod
    def read(cls, path: Path) -> Head:
        volume = read_volume(path)
        codes = np.zeros(2**16, np.uint8)
        freesurfer, gif = (LEFT, RIGHT, MIDLINE), (GIF_LEFT, GIF_RIGHT, GIF_MIDLINE)
        tables = gif if path.name.startswith("t2-stack") else freesurfer
        for table, first in zip(tables, (101, 151, PAIRS + 1), strict=True):
            for value, numbers in enumerate(table, first):
                codes[list(numbers)] = value
        labels = np.rint(volume.array[0]).astype(np.uint16)
        return cls(path.name.partition(".")[0], codes[labels], volume.geometry)

    @property
    def merged(self) -> NDArray[np.uint8]:
        return np.where(
            self.truth > 150,
            self.truth - 150,
            np.where(self.truth > 100, self.truth - 100, self.truth),
        ).astype(np.uint8)

    def lateral_mm(self) -> NDArray[np.float64]:
        """Distance (K, J, I) to the left of the middle of both hemispheres, along the patient's own axis."""
        i, j, k = (
            np.arange(n) * self.geometry.ijk_to_lps[0, axis]
            for axis, n in enumerate(self.geometry.size_ijk)
        )
        x = k[:, None, None] + j[:, None] + i
        centres = [x[np.isin(self.truth, [*table.values()])].mean() for table in (LEFTS, RIGHTS)]
        return x - np.mean(centres)


def stored(head: Head, axes: tuple[int, int, int], flips: tuple[int, ...]) -> Head:
    """The same voxels in another order in memory: array axes permuted, then some flipped."""
    old = head.geometry
    truth = np.flip(head.truth.transpose(axes), flips)
    sources = [2 - axes[2 - ijk] for ijk in range(3)]
    signs = [-1 if 2 - ijk in flips else 1 for ijk in range(3)]
    corner = np.zeros(3)
    for source, sign in zip(sources, signs, strict=True):
        corner[source] = old.size_ijk[source] - 1 if sign < 0 else 0
    geometry = Geometry(
        truth.shape[::-1],
        tuple(old.spacing_mm[source] for source in sources),
        tuple((old.ijk_to_lps @ [*corner, 1.0])[:3]),
        tuple((old.direction_matrix[:, sources] * signs).ravel()),
    )
    return replace(head, truth=np.ascontiguousarray(truth), geometry=geometry)


def turned(head: Head, axis: int, degrees: float) -> Head:
    """The patient turned about an axis, lps, and shifted: the same voxels, another geometry."""
    angle = np.deg2rad(degrees)
    a, b = [other for other in range(3) if other != axis]
    turn = np.eye(3)
    turn[[a, a, b, b], [a, b, a, b]] = [np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)]
    old = head.geometry
    geometry = replace(
        old,
        origin_lps_mm=tuple(turn @ np.array(old.origin_lps_mm) + [31.0, -17.0, 55.0]),
        direction_lps=tuple((turn @ old.direction_matrix).ravel()),
    )
    return replace(head, geometry=geometry)


def thinned(head: Head, steps: tuple[int, int, int]) -> Head:
    """Every so many voxels along k, j and i."""
    c, b, a = steps
    truth = np.ascontiguousarray(head.truth[::c, ::b, ::a])
    spacing = tuple(mm * n for mm, n in zip(head.geometry.spacing_mm, (a, b, c), strict=True))
    return replace(
        head,
        truth=truth,
        geometry=replace(head.geometry, size_ijk=truth.shape[::-1], spacing_mm=spacing),
    )


def cropped(head: Head, inside: NDArray[np.bool_]) -> Head:
    """The smallest box of the grid that holds some voxels."""
    box = []
    for axis in range(3):
        found = np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis})))
        box.append(slice(int(found[0]), int(found[-1]) + 1))
    truth = np.ascontiguousarray(head.truth[tuple(box)])
    origin = head.geometry.ijk_to_lps @ [box[2].start, box[1].start, box[0].start, 1.0]
    geometry = replace(head.geometry, size_ijk=truth.shape[::-1], origin_lps_mm=tuple(origin[:3]))
    return replace(head, truth=truth, geometry=geometry)


def half(head: Head, sign: int) -> Head:
    """A field of one hemisphere."""
    return cropped(head, head.lateral_mm() * sign > 0)


def around_nuclei(head: Head) -> Head:
    """A field around both thalami, 6 cm wide at most."""
    thalamus = 1 + NAMES.index("Thalamus")
    return cropped(head, np.isin(head.truth, (LEFTS[thalamus], RIGHTS[thalamus])))


def without_hippocampus(head: Head) -> Head:
    truth = head.truth.copy()
    truth[truth == LEFTS[HIPPOCAMPUS]] = 0
    return replace(head, truth=truth)


def with_lesion(head: Head) -> Head:
    """A ball of 5 cm in one hemisphere in which nothing is labelled."""
    left = np.argwhere(np.isin(head.truth, [*LEFTS.values()]))
    centre = left[np.random.default_rng(SEED).integers(len(left))]
    grids = np.ogrid[tuple(slice(0, n) for n in head.truth.shape)]
    mm = head.geometry.spacing_mm[::-1]
    square = sum(((g - c) * s) ** 2 for g, c, s in zip(grids, centre, mm, strict=True))
    return replace(head, truth=np.where(square < 25**2, 0, head.truth).astype(np.uint8))


def worn(head: Head) -> Head:
    """Borders eaten away or grown at random, by up to three voxels, and false specks."""
    rng = np.random.default_rng(SEED)
    shape = head.truth.shape
    coarse = rng.normal(0, 1.5, (3, *(n // 6 + 1 for n in shape)))
    index = []
    for axis, shifts in enumerate(coarse):
        for along in range(3):
            shifts = shifts.repeat(6, axis=along)
        shifts = np.rint(shifts[tuple(slice(0, n) for n in shape)]).astype(int)
        own = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])
        index.append((own + shifts).clip(0, shape[axis] - 1))
    return replace(head, truth=np.where(rng.random(shape) < 0.02, 0, head.truth[tuple(index)]))


def bent(head: Head) -> Head:
    """A midline shift: the middle of the head pushed to the right by up to 8 mm, as a mass does."""
    nuclei = np.argwhere(np.isin(head.truth, [LEFTS[6], RIGHTS[6]])).mean(axis=0)
    grids = np.ogrid[tuple(slice(0, n) for n in head.truth.shape)]
    square = sum((g - c) ** 2 for g, c in zip(grids, nuclei, strict=True))
    axes, _ = head.geometry.nearest_axes()
    axis = 2 - axes[0]
    step = head.geometry.ijk_to_lps[0, axes[0]]
    moved = np.rint(grids[axis] + 8 / step * np.exp(-square / (2 * 30.0**2))).astype(int)
    index = list(np.broadcast_arrays(*grids))
    index[axis] = moved.clip(0, head.truth.shape[axis] - 1)
    return replace(head, truth=head.truth[tuple(index)])


CHANGES: dict[str, Callable[[Head], Head]] = {
    "as it is": lambda head: head,
    "stored as axes k i j, first flipped": lambda head: stored(head, (0, 2, 1), (0,)),
    "stored as axes i k j, all flipped": lambda head: stored(head, (2, 0, 1), (0, 1, 2)),
    **{
        f"turned {degrees:+d}° about {'LPS'[axis]}, shifted": (
            lambda head, axis=axis, degrees=degrees: turned(head, axis, degrees)
        )
        for axis, degrees in ((0, 30), (1, 30), (1, -30), (2, 30), (2, -30))
    },
    "turned 20° about P and S": lambda head: turned(turned(head, 1, 20), 2, 20),
    "labels on 2 mm": lambda head: thinned(head, (2, 2, 2)),
    "slices of 5 mm": lambda head: thinned(head, (1, 5, 1)),
    "left half alone": lambda head: half(head, 1),
    "right half alone": lambda head: half(head, -1),
    "field around the thalami": around_nuclei,
    "no left hippocampus": without_hippocampus,
    "lesion of 5 cm": with_lesion,
    "worn borders": worn,
    "midline shift of 8 mm": bent,
}


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
