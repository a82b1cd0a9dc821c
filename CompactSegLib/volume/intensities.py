"""Intensity rules: how a model wants its image's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, gcd, inf, nan
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from CompactSegLib.json_data import Invalid, build, check, number, one_of

if TYPE_CHECKING:
    import torch

_KEYS = {
    "zscore": ("low_percentile", "high_percentile"),
    "percentiles": ("low", "high"),
    "window": ("low", "high"),
}
_Bound = Annotated[float, number(-1e9, 1e9)]  # within what fp32 can tell apart
_MOST_SORTED = 4_000_000


@dataclass(frozen=True)
class IntensityRule:
    """One of three rules, applied to each channel alone.

    - ``zscore``: mean 0 and standard deviation 1, after clipping at two percentiles where given;
    - ``percentiles``: two percentiles become 0 and 1, values outside are clipped;
    - ``window``: two fixed values (Hounsfield units) become 0 and 1, values outside are clipped.

    Attributes:
        rule: Name of the rule.
        low: Lower percentile or value.
        high: Upper percentile or value.
    """

    rule: Annotated[str, one_of(*_KEYS)]
    low: _Bound | None = None
    high: _Bound | None = None

    def __post_init__(self) -> None:
        check(self)
        if self.rule == "zscore" and self.low is None and self.high is None:
            return
        low, high = (nan if bound is None else bound for bound in (self.low, self.high))
        top = inf if self.rule == "window" else 100.0
        bottom = -top if self.rule == "window" else 0.0
        if not bottom <= low < high <= top:
            names = " < ".join(_KEYS[self.rule])
            kind = "numbers" if self.rule == "window" else "percentiles from 0 to 100"
            raise Invalid("", f"{kind} with {names} for rule {self.rule}", [self.low, self.high])

    @classmethod
    def from_dict(cls, settings: object) -> IntensityRule:
        """Return the rule that ``model.json`` states.

        >>> IntensityRule.from_dict({"rule": "window", "low": -200, "high": 300})
        IntensityRule(rule='window', low=-200.0, high=300.0)

        Raises:
            ConfigurationError: Unknown rule or keys, or bounds that make no sense.
        """
        rule = settings.get("rule") if isinstance(settings, Mapping) else None
        keys = _KEYS.get(rule, ()) if isinstance(rule, str) else ()
        if not isinstance(settings, Mapping) or not keys or not set(settings) <= {"rule", *keys}:
            rules = ", ".join(f"{name} ({', '.join(keys)})" for name, keys in _KEYS.items())
            raise Invalid("intensity", f"a rule of {rules}", settings)
        low, high = (settings.get(key) for key in keys)
        return build(cls, {"rule": rule, "low": low, "high": high}, where="intensity")

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        bounds = zip(_KEYS[self.rule], (self.low, self.high), strict=True)
        return {"rule": self.rule} | {key: value for key, value in bounds if value is not None}

    def apply(self, image: torch.Tensor) -> torch.Tensor:
        """Bring intensities to what the model was trained on, in place: volumes are large.

        Args:
            image: float32 (C, D, H, W) on any device.

        Returns:
            The same tensor. A channel without contrast becomes zeros.
        """
        for channel in image:
            if self.low is None or self.high is None:
                _standardise(channel)
            elif self.rule == "window":
                _stretch(channel, self.low, self.high)
            else:
                low, high = _percentiles(channel, (self.low, self.high))
                if self.rule == "percentiles":
                    _stretch(channel, low, high)
                else:
                    _standardise(channel.clamp_(low, high))
        return image


def _standardise(channel: torch.Tensor) -> None:
    import torch

    low, high = (float(value) for value in torch.aminmax(channel))
    if low == high:
        channel.zero_()
        return
    variance, mean = torch.var_mean(channel, correction=0)
    if not 0 < float(variance) < float("inf"):  # squares of very large or small values leave fp32
        channel.div_(max(abs(low), abs(high)))
        variance, mean = torch.var_mean(channel, correction=0)
    channel.sub_(mean).div_(variance.sqrt())


def _stretch(channel: torch.Tensor, low: float, high: float) -> None:
    if low == high:
        channel.zero_()
        return
    channel.clamp_(low, high).sub_(low).div_(high - low)


def _percentiles(channel: torch.Tensor, percents: tuple[float, float]) -> tuple[float, float]:
    """Percentiles as numpy defines them; of a regular sample where the channel is large.

    The step of the sample shares no factor with the rows' and columns' lengths, so that it wanders
    over all columns instead of taking the same few.
    """
    values = channel.flatten()
    step = ceil(values.numel() / _MOST_SORTED)
    while step > 1 and gcd(step, channel.shape[-1] * channel.shape[-2]) > 1:
        step += 1
    sample = values[::step]
    ranks = [percent / 100.0 * (sample.numel() - 1) for percent in percents]
    low, high = _at(sample, ranks)
    return low, high


def _at(sample: torch.Tensor, ranks: list[float]) -> list[float]:
    """Values at places of the sorted sample, between two of them in proportion."""
    import torch

    last = sample.numel() - 1
    needed = sorted({min(floor(rank) + more, last) for rank in ranks for more in (0, 1)})
    if sample.device.type == "cpu":  # five times quicker than sorting all
        ordered = torch.from_numpy(np.partition(sample.numpy(), needed))
    else:
        ordered = sample.sort().values
    result = []
    for rank in ranks:
        below = floor(rank)
        low, high = float(ordered[below]), float(ordered[min(below + 1, last)])
        result.append(low + (high - low) * (rank - below))
    return result
