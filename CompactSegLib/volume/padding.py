"""Values that are no intensities: padding outside what was scanned, and the labels of a segmentation."""

from __future__ import annotations

import numpy as np

__all__ = ["on_labels", "without_padding"]

_SAMPLE = 400_000
_LEAST_SHARE, _MOST_SHARE = 1e-4, 0.6
# How far padding lies from all other values, relative to how far 98 % of these spread. Below zero, where all else is
# not, a quarter is enough: no scanner gives such values.
_GAP, _GAP_BELOW_ZERO = 1.0, 0.25
_MOST_LABELS = 64


def without_padding(array: np.ndarray, what: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Give padding the smallest value of the rest.

    Padding is one value at either end that many voxels have and that lies far from all others, such as -2000 in the
    corners of an image of 0 to 900. Percentiles and means are about the patient, and padding would shift them.

    Args:
        array: (C, K, J, I), all finite; it is not changed.
        what: Names it in the warning.

    Returns:
        The array, a copy where there was padding, and a sentence for each channel with some.
    """
    told, result = [], array
    for index, channel in enumerate(array):
        for side in (np.min, np.max):
            value = side(channel)
            outside = _padding(channel, value)
            if outside is None:
                continue
            if result is array:
                result = array.copy()
            lowest = _next_to(channel, value) if side is np.min else channel.min()
            for plane in result[index]:
                plane[plane == value] = lowest
            channel = result[index]
            told.append(
                f"{what}: {outside:.1%} of its voxels have the value {value:g}, far from all others; they were taken "
                "as lying outside of what was scanned."
            )
    return result, tuple(told)


def on_labels(array: np.ndarray, what: str) -> str | None:
    """A remark where the voxels look like the labels of a segmentation: few values, small and whole."""
    if array.size < 20 * _MOST_LABELS:
        return None
    for sample in (_SAMPLE // 100, _SAMPLE, array.size):  # an image shows itself at once
        values = np.unique(array.reshape(-1)[:: max(1, array.size // sample)])
        if len(values) > _MOST_LABELS or values[0] < 0 or np.any(values != np.round(values)):
            return None
    return (
        f"{what}: its voxels have only {len(values)} different values, all of them whole numbers; it looks like a "
        "segmentation and not like an image, check that it is the right file."
    )


def _padding(channel: np.ndarray, value: float) -> float | None:
    """The share of a channel that has its smallest or largest value, where that is padding."""
    step = max(1, channel.size // _SAMPLE)
    sample = channel.reshape(-1)[::step]
    rest = sample[sample != value]
    if not len(rest):
        return None
    low, high = np.percentile(rest, (1, 99))
    spread = float(high) - float(low)
    nearest = float(rest.min() if value < rest.min() else rest.max())
    is_below_zero = value < 0 <= rest.min()
    needed = spread * (_GAP_BELOW_ZERO if is_below_zero else _GAP)
    if spread <= 0 or abs(nearest - float(value)) <= needed:
        return None
    # The sample says that it may be; all voxels say whether it is.
    share = np.count_nonzero(channel == value) / channel.size
    if not _LEAST_SHARE <= share <= (0.95 if is_below_zero else _MOST_SHARE):
        return None
    return share if abs(_next_to(channel, value) - float(value)) > needed else None


def _next_to(channel: np.ndarray, value: float) -> float:
    """The value closest to the smallest or largest."""
    return float(
        min((_nearest(plane, value) for plane in channel), key=lambda v: abs(v - float(value)))
    )


def _nearest(plane: np.ndarray, value: float) -> float:
    others = plane[plane != value]
    if not len(others):
        return float("inf")
    return float(others.min() if others.min() > value else others.max())
