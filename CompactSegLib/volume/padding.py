"""Values that are no intensities: padding outside what was scanned, and the labels of a segmentation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from CompactSegLib.volume.smeared import smeared_padding

_SAMPLE = 400_000
_LEAST_SHARE, _MOST_SHARE = 1e-4, 0.6
# More of what is dark and not below zero may be air, or was cut away; nothing else has one value in so many voxels.
_MOST_ELSEWHERE = 0.99
_MOST_VALUES = 4
# How far padding lies from all other values, relative to how far 98 % of these spread. Below zero, where all else is
# not, a quarter is enough: no scanner gives such values.
_GAP, _GAP_BELOW_ZERO = 1.0, 0.25
# Nothing in a body is below -1024 Hounsfield units, and noise does not go below the second.
_NO_HOUNSFIELD, _LEAST_HOUNSFIELD = -1500, -1200
_MOST_LABELS = 64
# Of a map of more structures: most neighbours have the same label.
_MOST_STRUCTURES, _LEAST_ALIKE, _PLANES = 4096, 0.75, 8


def without_padding(array: np.ndarray, what: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Give padding the smallest value of the rest.

    Padding is a value at either end that many voxels have and that lies far from all others, such as -2000 in the
    corners of an image of 0 to 900; an image may have several. Where an image was padded first and resampled then,
    what interpolation left between padding and patient is taken as padding, too. Percentiles and means are about the
    patient, and padding would shift them.

    Args:
        array: (C, K, J, I), all finite; it is not changed.
        what: Names it in the warning.

    Returns:
        The array, a copy where there was padding, and a sentence for each value of it.
    """
    told, result = [], array
    for index, channel in enumerate(array):
        padding = _padding(channel)
        if padding:
            result = array.copy() if result is array else result
            values = np.array([*padding])
            lowest = min(plane[inside].min() for plane, inside in _insides(channel, values))
            for plane in result[index]:
                plane[np.isin(plane, values)] = lowest
            told += [
                f"{what}: {share:.1%} of its voxels have the value {value:g}, far from all others; they were taken as "
                "lying outside of what was scanned."
                for value, share in padding.items()
            ]
        smeared = smeared_padding(result[index])
        if smeared:
            result = array.copy() if result is array else result
            outside = smeared.region(result[index])
            result[index][outside] = smeared.low
            values_told = " and ".join(f"{value:g}" for value in smeared.values)
            told.append(
                f"{what}: {outside.mean():.1%} of its voxels have the value {values_told}, far from all others, or lie "
                "between these and the image, which was resampled after it had been padded; they were taken as lying "
                "outside of what was scanned."
            )
    return result, tuple(told)


def on_labels(array: np.ndarray, what: str) -> str | None:
    """A remark where the voxels look like the labels of a segmentation: whole numbers, few or in patches."""
    if array.size < 20 * _MOST_LABELS:
        return None
    most = _MOST_LABELS if not _is_in_patches(array[0]) else _MOST_STRUCTURES
    for sample in (_SAMPLE // 100, _SAMPLE, array.size):  # an image shows itself at once
        values = np.unique(array.reshape(-1)[:: max(1, array.size // sample)])
        if len(values) > most or values[0] < 0 or np.any(values != np.round(values)):
            return None
    return (
        f"{what}: its voxels have only {len(values)} different values, all of them whole numbers; it looks like a "
        "segmentation and not like an image, check that it is the right file."
    )


def _is_in_patches(channel: np.ndarray) -> bool:
    """Whether most neighbours that are not 0 have one and the same value."""
    planes = channel[:: max(1, len(channel) // _PLANES)]
    one, other = planes[..., :-1], planes[..., 1:]
    both = (one != 0) & (other != 0)
    return bool(both.any()) and float((one == other)[both].mean()) > _LEAST_ALIKE


def _padding(channel: np.ndarray) -> dict[float, float]:
    """The values of a channel that are padding, with the share of voxels that have each."""
    # The sample says which may be; all voxels say whether they are.
    rest = channel.reshape(-1)[:: max(1, channel.size // _SAMPLE)]
    needed: dict[float, float] = {}
    while len(needed) < _MOST_VALUES and rest.size:
        found = [v for v in (rest.min(), rest.max()) if (gap := _needed(rest, v)) is not None]
        if not found:
            break
        needed[found[0]] = float(_needed(rest, found[0]) or 0.0)
        rest = rest[rest != found[0]]
    if not needed:
        return {}
    values = np.array([*needed])
    ends = [
        (plane[inside].min(), plane[inside].max()) for plane, inside in _insides(channel, values)
    ]
    if not ends:
        return {}
    low, high = (float(f(end)) for f, end in zip((min, max), zip(*ends, strict=True), strict=True))
    shares: dict[float, float] = {}
    for value, gap in needed.items():
        share = float(np.count_nonzero(channel == value)) / channel.size
        nearest = low if value < low else high
        most = _MOST_ELSEWHERE if value < 0 <= low or value > high else _MOST_SHARE
        if _LEAST_SHARE <= share <= most and abs(nearest - float(value)) > gap:
            shares[float(value)] = share
    return shares


def _insides(channel: np.ndarray, values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each plane with where it has none of the values; planes that have no such place are left out."""
    for plane in channel:
        inside = ~np.isin(plane, values)
        if inside.any():
            yield plane, inside


def _needed(sample: np.ndarray, value: float) -> float | None:
    """How far the smallest or largest value of a sample must lie from all others, None where it does not."""
    others = sample[sample != value]
    is_lowest = bool(others.size) and value < others.min()
    # The other end may be padding too, and so may a second value below zero.
    inner = (
        others[others != (others.max() if is_lowest else others.min())] if others.size else others
    )
    below = np.unique(inner[inner < 0]) if value < 0 and is_lowest else inner[:0]
    is_below_zero = value < 0 and is_lowest and len(below) < _MOST_VALUES
    if is_below_zero:
        inner = inner[inner >= 0]
    if not inner.size:
        return None
    low, high = (float(p) for p in np.percentile(inner, (1, 99)))
    if high <= low:
        return None
    gap = (high - low) * (_GAP_BELOW_ZERO if is_below_zero else _GAP)
    nearest = float(inner.min() if is_lowest else inner.max())
    if value <= _NO_HOUNSFIELD and _LEAST_HOUNSFIELD <= nearest < 0:
        gap = float(_LEAST_HOUNSFIELD - _NO_HOUNSFIELD)
    return gap if abs(nearest - float(value)) > gap else None
