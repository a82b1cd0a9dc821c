"""The look of tissues: a Gaussian mixture with random means and spreads, and what is not tissue but scanner or tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from CompactSegLib.synthesis.plan import SynthesisPlan
from CompactSegLib.synthesis.tissues import DEEP, FLUID, GREY, OUTSIDE, WHITE

# Of real contrasts, how dark to bright: T1; T2, and PD with a long TR; FLAIR; PD with a shorter TR.
_ORDERS = ((0.5, "fgw"), (0.25, "wgf"), (0.17, "fwg"), (0.08, "wfg"))
_DARK_BONE = 0.8
_SKULL = 515
# The fat, muscle and marrow of a head vary more than its brain.
_OUTSIDE_TEXTURE = 3.0
_BLACK_BACKGROUND = 0.85


@dataclass(frozen=True)
class Contrast:
    """Per tissue the mean, the spread and the amplitude of slow changes of the intensity, each ``(tissues,)``."""

    means: Tensor
    spreads: Tensor
    textures: Tensor

    @classmethod
    def of(
        cls, values: Sequence[int], means: Mapping[int, float], *, spread: float = 0.03
    ) -> Contrast:
        """A given contrast: means by the values of the label map, 0 where none is given."""
        found = torch.tensor([float(means.get(value, 0.0)) for value in values])
        spreads = torch.where(found > 0, spread, 0.0)
        return cls(found, spreads, torch.zeros(len(found)))

    def to(self, device: torch.device) -> Contrast:
        return Contrast(*(part.to(device) for part in (self.means, self.spreads, self.textures)))


def random_contrast(
    values: Sequence[int], plan: SynthesisPlan, random: np.random.Generator
) -> Contrast:
    """Draw how tissues look; ``values`` are those of the label map that stand for them, 0 first."""
    means = random.uniform(0, 1, len(values))
    spreads = random.uniform(0.1, 1, len(values)) * random.uniform(0.1, 1) * plan.spread
    textures = random.uniform(0, 1, len(values)) * plan.texture
    where = {value: index for index, value in enumerate(values)}
    if random.random() < plan.tissue_contrast_probability:
        for value, mean in _tissue_means(values, plan, random).items():
            means[where[value]] = mean
    outside = [where[value] for value in values if value >= OUTSIDE]
    textures[outside] *= _OUTSIDE_TEXTURE
    if _SKULL in where and random.random() < _DARK_BONE:
        means[where[_SKULL]] = random.uniform(0, 0.25)
    means[0] = 0.0 if random.random() < _BLACK_BACKGROUND else random.uniform(0, 1)
    spreads[0] = textures[0] = 0.0
    return Contrast(
        *(torch.as_tensor(part, dtype=torch.float32) for part in (means, spreads, textures))
    )


def _tissue_means(
    values: Sequence[int], plan: SynthesisPlan, random: np.random.Generator
) -> dict[int, float]:
    """Means of the brain's tissues, in one of the orders of real contrasts."""
    order = random.choice([order for _, order in _ORDERS], p=[share for share, _ in _ORDERS])
    steps = np.sort(random.uniform(0, 1, 3))
    while np.diff(steps).min() < plan.least_contrast:
        steps = np.sort(random.uniform(0, 1, 3))
    level = dict(zip(order, steps, strict=True))
    fluid, grey, white = level["f"], level["g"], level["w"]
    means = {}
    for value in values:
        own = random.normal(scale=0.02)
        if value in FLUID:
            means[value] = fluid + own
        elif value in GREY:
            means[value] = grey + own
        elif value in WHITE:
            means[value] = white + own
        elif value in DEEP:
            means[value] = grey + random.uniform(*DEEP[value]) * (white - grey)
        elif 0 < value < OUTSIDE and value not in (25, 30, 136):
            means[value] = grey + random.uniform(0.5, 1.1) * (white - grey)
    return {value: float(np.clip(mean, 0, 1)) for value, mean in means.items()}


def without_skull(tissues: Tensor, values: Sequence[int], *, keep_fluid: bool) -> Tensor:
    """Tissues with all outside of the brain made background, as skull-stripping does.

    Args:
        tissues: ``(D, H, W)`` uint8.
        values: The values that stand for them.
        keep_fluid: Whether the fluid around the brain (24) stays.
    """
    kept = [
        index if value < OUTSIDE and (keep_fluid or value != 24) else 0
        for index, value in enumerate(values)
    ]
    return torch.tensor(kept, dtype=torch.uint8, device=tissues.device)[tissues.int()]
