"""Real heads with labels of another program: the model's Dice and volumes per structure, level and side.

``DATA/heads`` holds NAME_image.nii.gz with NAME_truth.nii.gz beside it: FreeSurfer's automatic labels on the image's
grid, but for ``t2-stack``, whose truth has GIF's numbers on another grid of the same patient space.

They are for measuring and choosing, never for training. Labels of two programs agree to about 0.9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from benchmarks.brain_mr.engine import Result, run
from benchmarks.brain_mr.scores import dice_of_masks, mean
from CompactSegLib import InputError, Label, Segmenter, Volume, read_volume


class Numbers(NamedTuple):
    """A structure's numbers in a label file, by side; `middle` are those that state none."""

    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    middle: tuple[int, ...] = ()


FREESURFER = {
    # With the corpus callosum and what FreeSurfer calls hypointense, which are white matter to this model.
    "Cerebral white matter": Numbers((2, 25, 78), (41, 57, 79), (77, *range(251, 256))),
    "Cerebral cortex": Numbers((3,), (42,)),
    "Lateral ventricle": Numbers((4, 5, 31), (43, 44, 63), (72,)),
    "Third ventricle": Numbers(middle=(14,)),
    "Fourth ventricle": Numbers(middle=(15,)),
    "Cerebellar white matter": Numbers((7,), (46,)),
    "Cerebellar cortex": Numbers((8,), (47,)),
    "Thalamus": Numbers((10,), (49,)),
    "Caudate": Numbers((11,), (50,)),
    "Putamen": Numbers((12,), (51,)),
    "Pallidum": Numbers((13,), (52,)),
    "Hippocampus": Numbers((17,), (53,)),
    "Amygdala": Numbers((18,), (54,)),
    "Brain stem": Numbers(middle=(16,)),
    "Ventral diencephalon": Numbers((28,), (60,)),
    "Accumbens area": Numbers((26,), (58,)),
}
GIF = {
    "Lateral ventricle": Numbers((51, 53), (50, 52)),
    "Third ventricle": Numbers(middle=(5,)),
    "Fourth ventricle": Numbers(middle=(12,)),
    "Cerebellar white matter": Numbers((42,), (41,)),
    "Cerebellar cortex": Numbers((40,), (39,)),
    "Thalamus": Numbers((61,), (60,)),
    "Caudate": Numbers((38,), (37,)),
    "Putamen": Numbers((59,), (58,)),
    "Pallidum": Numbers((57,), (56,)),
    "Hippocampus": Numbers((49,), (48,)),
    "Amygdala": Numbers((33,), (32,)),
    # The pons has a number of its own there.
    "Brain stem": Numbers(middle=(35, 36)),
    "Ventral diencephalon": Numbers((63,), (62,)),
}
IN_GIF = ("t2-stack",)
# Measured but not in the mean: not every program labels them, and few models do.
BESIDE = ("Ventral diencephalon", "Accumbens area")
_SIDES = ("left", "right")


@dataclass(frozen=True)
class RealHead:
    """An image and the truth on its grid.

    Attributes:
        name: Of the case.
        volume: The image.
        truth: ``(K, J, I)``, the numbers of the label file.
        numbers: What they stand for.
    """

    name: str
    volume: Volume
    truth: NDArray[np.int32]
    numbers: Mapping[str, Numbers]

    @classmethod
    def read(cls, image: Path) -> RealHead:
        name = image.name.removesuffix("_image.nii.gz")
        truth = SimpleITK.ReadImage(str(image.with_name(f"{name}_truth.nii.gz")))
        # Nearest neighbour, and nothing where both grids are one.
        truth = SimpleITK.Resample(
            SimpleITK.Cast(truth, SimpleITK.sitkInt32),
            SimpleITK.ReadImage(str(image)),
            SimpleITK.Transform(),
            SimpleITK.sitkNearestNeighbor,
            0,
        )
        numbers = GIF if name in IN_GIF else FREESURFER
        return cls(name, read_volume(image), SimpleITK.GetArrayFromImage(truth), numbers)

    @property
    def is_t1(self) -> bool:
        return self.name not in IN_GIF


class Score(NamedTuple):
    """A structure of one level beside the truth; `left` and `right` are NaN where the model tells no sides."""

    dice: float
    left: float
    right: float
    volume: float
    """Of the segmentation, in shares of the truth's."""


@dataclass(frozen=True)
class RealResult:
    """A head, what came out, and scores by structure for each level."""

    head: RealHead
    result: Result
    scores: list[dict[str, Score]]

    def mean_dice(self, level: int, *, sided: bool = False) -> float:
        """Mean over structures without those of `BESIDE`; of sides, over left and right of paired structures."""
        scores = {n: one for n, one in self.scores[level - 1].items() if n not in BESIDE}
        if not sided:
            return mean(one.dice for one in scores.values())
        return mean(
            mean((one.left, one.right)) if self.head.numbers[name].right else one.dice
            for name, one in scores.items()
        )


def read_heads(folder: Path) -> list[RealHead]:
    """All heads of a folder, sorted by name.

    Raises:
        InputError: There are none.
    """
    images = sorted(folder.glob("*_image.nii.gz"))
    if not images:
        raise InputError(
            f"{folder}: expected real heads as NAME_image.nii.gz and NAME_truth.nii.gz, found none."
        )
    return [RealHead.read(image) for image in images]


def measure(
    segmenter: Segmenter, heads: Sequence[RealHead], say: Callable[[str], None]
) -> list[RealResult]:
    """Segment all heads to the last level and compare."""
    results = []
    for head in heads:
        say(f"real heads: {head.name}")
        result = run(segmenter, head.volume)
        scores = [scores_of(level.labels, segmenter.model.labels, head) for level in result.levels]
        results.append(RealResult(head, result, scores))
    return results


def scores_of(labels: NDArray, known: Sequence[Label], head: RealHead) -> dict[str, Score]:
    """Scores of the structures that both the truth and the model have.

    Args:
        labels: ``(K, J, I)`` on the head's grid.
        known: The model's labels; "Left hippocampus" and "Right hippocampus" are sides of "Hippocampus".
        head: The truth.
    """
    values: dict[str, dict[str | None, int]] = {}
    for label in known:
        values.setdefault(label.structure, {})[label.side] = label.value
    scores = {}
    for name, numbers in head.numbers.items():
        if name not in values:
            continue
        truth = np.isin(head.truth, [*numbers.left, *numbers.right, *numbers.middle])
        found = np.isin(labels, [*values[name].values()])
        left, right = (
            dice_of_masks(labels == values[name][side], np.isin(head.truth, mine))
            if side in values[name] and mine
            else float("nan")
            # What states no side is counted to the left.
            for side, mine in zip(
                _SIDES, (numbers.left + numbers.middle, numbers.right), strict=True
            )
        )
        volume = int(found.sum()) / int(truth.sum()) if truth.any() else float("nan")
        scores[name] = Score(dice_of_masks(found, truth), left, right, volume)
    return scores


def head_rows(results: Sequence[RealResult]) -> list[dict[str, object]]:
    """A row per head: mean Dice of each level, sides merged, and of the last level with sides."""
    rows = [_head_row(one.head.name, [one]) for one in results]
    t1 = [one for one in results if one.head.is_t1]
    return [*rows, _head_row("**T1, mean**", t1)] if t1 else rows


def _head_row(name: str, results: Sequence[RealResult]) -> dict[str, object]:
    levels = range(1, len(results[0].scores) + 1)
    return (
        {"head": name}
        | {f"level {n}": mean(one.mean_dice(n) for one in results) for n in levels}
        | {"last level, with sides": mean(one.mean_dice(levels[-1], sided=True) for one in results)}
    )


def structure_rows(results: Sequence[RealResult]) -> list[dict[str, object]]:
    """A row per structure: Dice over T1 heads by level; at the last level worst head, sides, volume, other heads."""
    t1 = [one for one in results if one.head.is_t1]
    others = [one for one in results if not one.head.is_t1]
    levels = range(1, len(results[0].scores) + 1)
    rows: list[dict[str, object]] = []
    for name in dict.fromkeys(name for one in results for name in one.scores[-1]):

        def scores(level: int, of: Sequence[RealResult], name: str = name) -> list[Score]:
            return [one.scores[level - 1][name] for one in of if name in one.scores[level - 1]]

        last = scores(levels[-1], t1)
        row: dict[str, object] = {"structure": name}
        row |= {f"level {n}": mean(score.dice for score in scores(n, t1)) for n in levels}
        row |= {
            "worst head": min((score.dice for score in last), default=float("nan")),
            "left": mean(score.left for score in last),
            "right": mean(score.right for score in last),
            "volume / truth": mean(score.volume for score in last),
        }
        for one in others:
            row[one.head.name] = mean(score.dice for score in scores(levels[-1], [one]))
        rows.append(row)
    return rows
