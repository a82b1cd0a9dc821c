"""The look of tissues: a Gaussian mixture with random means and spreads, and what is not tissue but scanner or tool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.synthesis.tissues import (
    AROUND,
    BETWEEN,
    FAT,
    FLUID,
    OUTSIDE,
    PALE,
    SHADED,
    WHITE,
)

# Of real contrasts, how dark to bright: T1; T2, and PD with a long TR; FLAIR; PD with a shorter TR.
_ORDERS = ((0.5, "fgw"), (0.25, "wgf"), (0.17, "fwg"), (0.08, "wfg"))
_DARK_BONE = 0.8
# Fluid, grey and white matter as T1 has them, dark to bright.
_T1_ORDER = (4, 3, 2)
_SKULL = 515
# The fat, muscle and marrow of a head vary more than its brain.
_OUTSIDE_TEXTURE = 3.0
_MOST_CLUSTERS = 4
# From where to where the cut of a rough stripping goes (`without_skull`).
STRIP_EDGES = (0.1, 0.6)
# Of the grid on which the edge of a stripped brain is drawn.
_EDGE_VOXELS = 3
_EDGE_WAVER = 0.1
_CLUSTER_MM = (6.0, 50.0)
_BLACK_BACKGROUND = 0.85
# Shares of images: fat is the brightest of all in T1, deep nuclei look like white matter, fluid around the brain is
# mixed with vessels and membranes.
_BRIGHT_FAT = 0.6
_PALE = 0.6
_MIXED_FLUID = 0.5
# Where what is flat begins, from grey (-1) past white matter's mean (0); real heads show it from 0.1 downwards.
_FLAT_FROM = (-0.4, 0.1)


@dataclass(frozen=True)
class Contrast:
    """How tissues look.

    Attributes:
        means: ``(clusters, tissues)``, mean intensities; a tissue may have several, each in regions of its own.
        spreads: ``(tissues,)``, standard deviation from voxel to voxel.
        textures: ``(tissues,)``, amplitude of slow changes.
        outside: ``(tissues,)``, whether a tissue lies outside of the brain.
        shading: ``(tissues,)``, share of what lies around in a tissue's mean, 0 to 1.
        slopes: ``(tissues, 2)``, how a tissue's intensity rises from its middle, per cm along D and along H.
        cluster_mm: Size of the regions.
        outside_blur: How many voxels of the fine grid what lies outside of the brain is blurred by; 1 for none.
        ceiling: What is brighter within the brain is as bright as this.
    """

    means: Tensor
    spreads: Tensor
    textures: Tensor
    outside: Tensor
    shading: Tensor
    slopes: Tensor
    cluster_mm: float = 20.0
    outside_blur: int = 1
    ceiling: float = math.inf

    def to(self, device: torch.device) -> Contrast:
        """The same look, its tensors on a device."""
        tensors: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **tensors)


def outside_brain(values: Sequence[int]) -> Tensor:
    """Which of the values that stand for tissues lie outside of the brain, ``(tissues,)`` bool; air does."""
    return torch.tensor([value == 0 or value >= OUTSIDE for value in values])


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
    clusters = _clusters(means, outside, plan, random)
    clusters[:, 0] = 0.0 if random.random() < _BLACK_BACKGROUND else random.uniform(0, 1)
    spreads[0] = textures[0] = 0.0
    blurred = random.random() < plan.outside_blur_probability
    ceiling = math.inf
    slopes = np.zeros((len(values), 2))
    if where.keys() >= set(_T1_ORDER):
        fluid, grey, white = means[[where[value] for value in _T1_ORDER]]
        if random.random() < plan.flat_white_probability and fluid < grey < white:
            ceiling = white + random.uniform(*_FLAT_FROM) * (white - grey)
        for leaning, (upwards, backwards) in plan.slopes.items():
            if int(leaning) in where:
                # RAS: H runs forwards.
                most = np.array([upwards, -backwards]) * (white - grey)
                slopes[where[int(leaning)]] = random.uniform(0, 1, 2) * most
    shading = random.uniform(0, plan.shading)
    return Contrast(
        means=torch.as_tensor(clusters, dtype=torch.float32),
        spreads=torch.as_tensor(spreads, dtype=torch.float32),
        textures=torch.as_tensor(textures, dtype=torch.float32),
        outside=outside_brain(values),
        shading=torch.tensor([shading if value in SHADED else 0.0 for value in values]),
        slopes=torch.as_tensor(slopes, dtype=torch.float32),
        cluster_mm=float(random.uniform(*_CLUSTER_MM)),
        outside_blur=int(random.integers(2, 5)) if blurred else 1,
        ceiling=ceiling,
    )


def _clusters(
    means: np.ndarray, outside: Sequence[int], plan: SynthesisPlan, random: np.random.Generator
) -> np.ndarray:
    """Means ``(clusters, tissues)`` about those given ``(tissues,)``, as no tissue has one brightness throughout."""
    if random.random() >= plan.cluster_probability:
        return means[None].copy()
    apart = np.full(len(means), plan.cluster_spread * random.uniform(0, 1))
    apart[outside] *= _OUTSIDE_TEXTURE
    count = random.integers(2, _MOST_CLUSTERS + 1)
    return np.clip(means + apart * random.normal(size=(count, len(means))), 0, 1.5)


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
    pale = random.random() < _PALE
    around = random.uniform(0, 0.6) if random.random() < _MIXED_FLUID else 0.0
    bright_fat = order == "fgw" and random.random() < _BRIGHT_FAT
    means = {}
    for value in values:
        own = random.normal(scale=0.02)
        if value in FLUID:
            means[value] = fluid + own + (around * (grey - fluid) if value == AROUND else 0.0)
        elif value in WHITE:
            means[value] = white + own
        elif value in BETWEEN:
            low, high = PALE[value] if pale and value in PALE else BETWEEN[value]
            means[value] = grey + random.uniform(low, high) * (white - grey)
        elif 0 < value < OUTSIDE and value not in (25, 30, 136):
            means[value] = grey + random.uniform(0.5, 1.1) * (white - grey)
        elif value in FAT and bright_fat:
            means[value] = white * random.uniform(1.0, 1.5)
    return {value: float(np.clip(mean, 0, 1.5)) for value, mean in means.items()}


def without_skull(
    tissues: Tensor,
    values: Sequence[int],
    *,
    keep_fluid: bool,
    edge: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Tissues with what lies outside of the brain made background, as skull-stripping does.

    Args:
        tissues: ``(D, H, W)`` uint8.
        values: The values that stand for them.
        keep_fluid: Whether the fluid around the brain is taken for brain.
        edge: Where the cut goes, between 0 (some millimetres outside of the brain, so that bits of what is there stay)
            and 1 (some inside); it wavers. None follows the tissues exactly.
        generator: What the wavering is drawn from.
    """
    device = tissues.device
    brain = torch.tensor(
        [0 < value < OUTSIDE and (keep_fluid or value != AROUND) for value in values], device=device
    )
    kept = brain[tissues.int()]
    if edge is not None:
        size = tissues.shape
        share = functional.avg_pool3d(kept[None, None].float(), _EDGE_VOXELS, ceil_mode=True)
        share = functional.avg_pool3d(share, 3, stride=1, padding=1)
        share += _EDGE_WAVER * torch.randn(share.shape, generator=generator, device=device)
        share = functional.interpolate(share, size=size, mode="trilinear", align_corners=False)
        kept = share[0, 0] > edge
    return tissues.where(kept, 0)
