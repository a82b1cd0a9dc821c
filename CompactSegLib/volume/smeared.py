"""Padding that interpolation smeared: a plateau far from the image, and a ramp between that has all values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PLANES = 8
# What differs by less from its neighbours, relative to the span of all values, is on no ramp.
_FLAT = 0.05
_RAMP, _LONGEST_RAMP = 6, 16  # voxels: beyond the first only traces are left
_BINS, _APART = 400, 8
# Of the flat voxels: fewer are chance; a plateau has more.
_CHANCE, _PLATEAU = 2e-4, 1e-3
_MOST_PLATEAUS = 4
# Relative to how far a plateau lies from the rest: overshoot makes a little of it differ, noise would make all differ.
_WIDEST, _USUAL, _USUAL_SHARE = 0.1, 0.005, 0.7
# How far plateaus lie from the rest, relative to how far 98 % of that spread: further than the zeros around a brain
# without its skull. Below zero, where the rest begins at zero with the air around the patient, less is enough; but
# -1000 is air itself in computed tomography.
_GAP, _GAP_BELOW_ZERO, _OVERSHOOT = 1.2, 0.25, 0.1
_AIR, _AIR_SHARE = 0.1, 0.1
_HOUNSFIELD_AIR = (-1100, -900)
# Nothing in a body is below -1024 Hounsfield units, and noise does not go below the second.
_NO_HOUNSFIELD, _LEAST_HOUNSFIELD = -1500, -1200
# Of the middle of an image: what is saturated is there, bright padding is around.
_MOST_IN_MIDDLE = 0.01


@dataclass(frozen=True)
class SmearedPadding:
    """Plateaus of padding, and what the rest of the image is.

    Attributes:
        values: One for each plateau.
        bands: Lowest and highest value of each.
        low: Smallest value of the rest, but for chance.
        high: Largest value of the rest, but for chance.
    """

    values: tuple[float, ...]
    bands: tuple[tuple[float, float], ...]
    low: float
    high: float

    def region(self, channel: np.ndarray) -> np.ndarray:
        """The plateaus of a channel (K, J, I), and the ramps about them: no values of the rest, and connected."""
        region = within(channel, self.bands)
        strange = (channel < self.low) | (channel > self.high)
        for _ in range(_LONGEST_RAMP):
            grown = region | (_grown(region, 1) & strange)
            if np.array_equal(grown, region):
                break
            region = grown
        return region


def smeared_padding(channel: np.ndarray) -> SmearedPadding | None:
    """Find plateaus at either end of a channel's values (K, J, I).

    Where interpolation smeared padding, its values reach without a gap into those of the patient, and overshoot goes
    beyond. But these lie on steep ramps: among the voxels that are like their neighbours, or are not beside it, padding
    is as far from all others as ever.
    """
    rest = _flat_voxels(channel)
    found: list[tuple[float, float]] = []
    for is_low in (True, False, True):  # one end may hide the other
        bands = _plateaus(rest, is_low=is_low)
        if bands:
            found += bands
            rest = rest[~within(rest, bands)]
    if not found:
        return None
    others = channel[~_grown(within(channel, found), _RAMP)]
    bands = [band for band in found if _is_padding(channel, band, others)]
    if not bands:
        return None
    # What overshoot is flat beside the padding is steep beside the patient.
    span = float(np.ptp(np.percentile(others, (1, 99))))
    flat = _flat_voxels(channel, span)
    flat = flat[(flat >= others.min()) & (flat <= others.max())]
    low, high = np.percentile(flat if flat.size else others, (100 * _CHANCE, 100))
    values = tuple(float(np.median(channel[within(channel, [band])])) for band in bands)
    return SmearedPadding(values, tuple(bands), float(low), float(high))


def _flat_voxels(channel: np.ndarray, span: float | None = None) -> np.ndarray:
    """Of some planes the values of the voxels that are like their six neighbours."""
    if min(channel.shape) < 3:
        return np.empty(0)
    planes = np.unique(np.linspace(1, len(channel) - 2, _PLANES).astype(int))
    inner = channel[planes, 1:-1, 1:-1].astype(np.float64)
    if span is None:
        ends = np.percentile(inner[:, ::2, ::3], (100 * _PLATEAU, 100 - 100 * _PLATEAU))
        span = float(np.ptp(ends))
    is_flat = np.ones(inner.shape, bool)
    for neighbours in (
        channel[planes - 1, 1:-1, 1:-1],
        channel[planes + 1, 1:-1, 1:-1],
        channel[planes, :-2, 1:-1],
        channel[planes, 2:, 1:-1],
        channel[planes, 1:-1, :-2],
        channel[planes, 1:-1, 2:],
    ):
        is_flat &= np.abs(inner - neighbours) <= _FLAT * span
    return inner[is_flat]


def _plateaus(values: np.ndarray, *, is_low: bool) -> list[tuple[float, float]]:
    """Bands of values at the low or high end of flat ones that are plateaus far from the rest."""
    if values.size < 1 / _PLATEAU or values.min() == values.max():
        return []
    away = values if is_low else -values  # padding is low in it
    counts, edges = np.histogram(away, _BINS)
    held = np.flatnonzero(counts > max(1, _CHANCE * values.size))
    apart = np.flatnonzero(np.diff(held) > _APART)
    first, behind = held[np.r_[0, apart + 1]], held[np.r_[apart, -1]] + 1
    for number in range(min(_MOST_PLATEAUS, len(first) - 1), 0, -1):
        rest = away[away >= edges[first[number]]]
        runs = [(edges[a], edges[b]) for a, b in zip(first[:number], behind[:number], strict=True)]
        gap = edges[first[number]] - runs[-1][1]
        plateaus = [away[within(away, [run])] for run in runs]
        if all(_is_plateau(p, gap, values.size) for p in plateaus) and _is_far(
            runs[-1][1], rest, is_low=is_low
        ):
            more = _WIDEST * gap
            ends = [(float(p.min() - more), float(p.max() + more)) for p in plateaus]
            return ends if is_low else [(-high, -low) for low, high in ends]
    return []


def _is_plateau(values: np.ndarray, gap: float, size: int) -> bool:
    """Whether values are many, most of them one and the same, and none far from that."""
    off = np.abs(values - np.median(values))
    is_one_value = np.mean(off <= _USUAL * gap) > _USUAL_SHARE
    return bool(values.size >= _PLATEAU * size and np.ptp(values) < _WIDEST * gap and is_one_value)


def _is_padding(channel: np.ndarray, band: tuple[float, float], others: np.ndarray) -> bool:
    """Whether a plateau lies far from all voxels that are not beside one, and not in the middle if it is bright."""
    if not others.size:
        return False
    if band[1] < np.median(others):
        return _is_far(band[1], others, is_low=True)
    middle = channel[tuple(slice(n // 4, n - n // 4) for n in channel.shape)]
    is_around = np.mean(within(middle, [band])) <= _MOST_IN_MIDDLE
    return bool(is_around) and _is_far(-band[0], -others.astype(np.float64), is_low=False)


def _is_far(plateau: float, rest: np.ndarray, *, is_low: bool) -> bool:
    """Whether a plateau lies too far below the rest to be of the same thing."""
    lowest, low, high = np.percentile(rest, (100 * _CHANCE, 1, 99))
    gap = _GAP * (high - low)
    if is_low:
        begins_at_zero = lowest >= _OVERSHOOT * plateau
        has_air = np.mean(rest <= low + _AIR * (high - low)) >= _AIR_SHARE
        is_air = _HOUNSFIELD_AIR[0] <= plateau <= _HOUNSFIELD_AIR[1]
        if begins_at_zero and has_air and not is_air:
            gap = _GAP_BELOW_ZERO * (high - low)
        if plateau <= _NO_HOUNSFIELD and _LEAST_HOUNSFIELD <= lowest < 0:
            gap = float(_LEAST_HOUNSFIELD - _NO_HOUNSFIELD)
        if plateau >= 0:  # around a brain without its skull
            return False
    return bool(low < high and lowest - plateau > gap)


def within(values: np.ndarray, bands: Sequence[tuple[float, float]]) -> np.ndarray:
    """Whether each value is in one of the bands, their ends included."""
    inside = np.zeros(values.shape, bool)
    for low, high in bands:
        inside |= (values >= low) & (values <= high)
    return inside


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    """A mask (K, J, I) with all that is near it, along the axes one after the other."""
    mask = mask.copy()
    for axis in range(3):
        along, reach = np.moveaxis(mask, axis, 0), 0
        while reach < by and len(along) > 1:
            step = min(reach + 1, by - reach, len(along) - 1)
            before = along.copy()
            along[step:] |= before[:-step]
            along[:-step] |= before[step:]
            reach += step
    return mask
