"""When to stop (claims 7 and 16): how much a level changed the segmentation, and whether more is to be expected."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import ConfigurationError

UNITS = ("jaccard", "dice")
_SLAB_VOXELS = 2**22


@dataclass(frozen=True)
class StopRule:
    """Stop when what a level brought is below a threshold.

    Attributes:
        threshold: At least 0; with 0 all levels run.
        unit: ``jaccard``: the improvement of the level just computed, the largest over labels of 1 - Jaccard to the
            level before. ``dice``: the gain in Dice that the model's calibration expects of the next level.
    """

    threshold: float
    unit: str = "jaccard"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ConfigurationError(
                f"threshold: expected a unit of {' or '.join(UNITS)}, got {self.unit!r}."
            )
        if (
            isinstance(self.threshold, bool)
            or not isinstance(self.threshold, int | float)
            or not math.isfinite(self.threshold)
            or not 0 <= self.threshold <= 1
        ):
            raise ConfigurationError(
                f"threshold: expected a number from 0 to 1, got {self.threshold!r}."
            )

    def reason(self, *, improvement: float | None, expected_gain: float | None) -> str | None:
        """Why to stop after a level, as a sentence, or None to go on.

        Args:
            improvement: Of the level just computed; None at level 1, after which level 2 always runs.
            expected_gain: In Dice, of the level that would come next, where the model is calibrated.
        """
        if improvement is None:
            return None
        if self.unit == "jaccard":
            if improvement < self.threshold:
                return (
                    f"the improvement {improvement:.4f} is below the threshold {self.threshold:g}"
                )
        elif expected_gain is not None and expected_gain < self.threshold:
            return f"the expected gain of {expected_gain:.4f} Dice is below the threshold {self.threshold:g}"
        return None


def overlap_counts(
    before: NDArray[np.uint8] | None, after: NDArray[np.uint8], *, classes: int
) -> NDArray[np.int64]:
    """Voxels by their label in two segmentations.

    Args:
        before: Labels ``(K, J, I)`` of the level before; None counts all voxels as background there.
        after: Labels ``(K, J, I)`` of the level.
        classes: Background included.

    Returns:
        ``(classes, classes)``: at ``[a, b]`` the voxels with label a before and b after. Made slab by slab.
    """
    counts = np.zeros(classes * classes, dtype=np.int64)
    flat_after = after.reshape(-1)
    flat_before = None if before is None else before.reshape(-1)
    for start in range(0, flat_after.size, _SLAB_VOXELS):
        slab = slice(start, start + _SLAB_VOXELS)
        pairs = flat_after[slab].astype(np.int64)
        if flat_before is not None:
            pairs += classes * flat_before[slab].astype(np.int64)
        counts += np.bincount(pairs, minlength=classes * classes)
    return counts.reshape(classes, classes)


def jaccard_distances(counts: NDArray[np.int64]) -> dict[int, float]:
    """1 - Jaccard of each label but the background, from ``overlap_counts``.

    A label absent from both counts as unchanged (0). The Jaccard distance is a metric (Lipkus, "A proof of the
    triangle inequality for the Tanimoto distance", J. Math. Chem. 1999), so whatever the truth is, a level's Jaccard
    overlap with it can not differ from that of the level before by more.
    """
    distances = {}
    for label in range(1, counts.shape[0]):
        both = int(counts[label, label])
        either = int(counts[label].sum() + counts[:, label].sum()) - both
        distances[label] = 1 - both / either if either else 0.0
    return distances
