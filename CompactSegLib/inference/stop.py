"""When to stop (claims 7 and 16): how much a level changed the segmentation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.errors import ConfigurationError

_SLAB_VOXELS = 2**22


def checked_threshold(threshold: object) -> float:
    """A threshold as a user gave it: levels stop when the improvement is below it, and with 0 all run.

    Raises:
        ConfigurationError: It is no number from 0 to 1.
    """
    if (
        isinstance(threshold, bool)
        or not isinstance(threshold, int | float)
        or not 0 <= threshold <= 1
    ):
        raise ConfigurationError(f"threshold: expected a number from 0 to 1, got {threshold!r}.")
    return float(threshold)


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
    flat_before = np.zeros_like(flat_after) if before is None else before.reshape(-1)
    for start in range(0, flat_after.size, _SLAB_VOXELS):
        slab = slice(start, start + _SLAB_VOXELS)
        pairs, both_background = _labelled_pairs(flat_before[slab], flat_after[slab])
        counts += np.bincount(classes * pairs[0].astype(np.int64) + pairs[1], minlength=len(counts))
        counts[0] += both_background
    return counts.reshape(classes, classes)


def _labelled_pairs(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], int]:
    """Labels ``(2, n)`` before and after, most voxels that are background in both left out, and how many these are.

    Eight voxels are looked at a time: nearly all of a volume is background.
    """
    count = after.size // 8 * 8
    words = [flat[:count].view(np.uint64) for flat in (before, after)]
    held = np.flatnonzero(words[0] | words[1])
    pairs = [
        np.concatenate([word[held].view(np.uint8), flat[count:]])
        for word, flat in zip(words, (before, after), strict=True)
    ]
    return np.stack(pairs), count - 8 * held.size


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
