"""The shape of a synthetic head: a label map cut, turned, scaled and bent at random; or no head at all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from CompactSegLib.synthesis import affine
from CompactSegLib.synthesis.label_maps import LabelMap
from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.synthesis.tissues import OUTSIDE

# A patch's middle lies in the middle of the brain, but for this share of patches in which it lies anywhere.
_ANYWHERE = 0.1
_MIDDLE = 0.6
_DECOY_SHAPES = 8
_WHOLE_DECOYS = 0.5
_DECOY_GRID_MM = (6.0, 60.0)
# Share of decoys that are phantoms of quality control, their radii, and those of up to three inserts.
_PHANTOMS = 0.4
_PHANTOM_MM = (25.0, 120.0)
_INSERT_MM = (3.0, 25.0)


def random_centre(head: LabelMap, random: np.random.Generator) -> np.ndarray:
    """A place in a head, in mm along D, H and W from the head's middle."""
    size = np.array(head.tissues.shape) * head.spacing_mm
    low, high = np.zeros(3), size
    if random.random() >= _ANYWHERE:
        low, high = head.brain_box_mm
        margin = (high - low) * (1 - _MIDDLE) / 2
        low, high = low + margin, high - margin
    return random.uniform(low, high) - size / 2


def bent(
    head: LabelMap,
    centre_mm: np.ndarray,
    shape: Sequence[int],
    *,
    spacing_mm: Sequence[float],
    plan: SynthesisPlan,
    random: np.random.Generator,
) -> Tensor:
    """Sample a head's tissues on a grid that is turned, scaled, sheared, mirrored and bent at random.

    Args:
        head: The head.
        centre_mm: What comes to lie in the grid's middle, from the head's middle.
        shape: ``(D, H, W)`` of the grid.
        spacing_mm: Of the grid, along D, H and W.
        plan: How much.
        random: What decides.

    Returns:
        Tissues ``(D, H, W)`` uint8 on the head's device; 0 beyond the label map.
    """
    device = head.tissues.device
    half_head = np.array(head.tissues.shape) * head.spacing_mm / 2
    half_grid = np.array(shape) * spacing_mm / 2
    # Where control points come from, in mm: turning them is linear, so what lies between them is interpolated exactly.
    reach = half_grid * (1 - 1 / np.array(shape))
    counts = [max(3, round(2 * half / plan.elastic_grid_mm) + 1) for half in half_grid]
    lines = [np.linspace(-end, end, count) for end, count in zip(reach, counts, strict=True)]
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    points = points @ random_head_matrix(plan, random).T + centre_mm
    points += random.normal(scale=random.uniform(0, plan.elastic_mm), size=points.shape)
    # grid_sample has its coordinates from -1 to 1, in the order W, H, D.
    control = torch.as_tensor((points / half_head)[..., ::-1].copy(), dtype=torch.float32)
    grid = functional.interpolate(
        control.to(device).movedim(-1, 0)[None],
        size=tuple(shape),
        mode="trilinear",
        align_corners=True,
    ).permute(0, 2, 3, 4, 1)
    sampled = functional.grid_sample(
        head.tissues[None, None].float(), grid, mode="nearest", align_corners=False
    )
    return sampled[0, 0].to(torch.uint8)


def random_head_matrix(plan: SynthesisPlan, random: np.random.Generator) -> np.ndarray:
    """A 3x3 matrix from the grid's offsets to the head's, both in mm along D, H and W."""
    matrix = affine.random_matrix(
        rotation_degrees=plan.rotation_degrees, scale=plan.scale, shear=plan.shear, random=random
    )
    if random.random() < plan.mirror_probability:
        matrix[2] *= -1
    return matrix


def decoy(
    tissues: Tensor,
    values: Sequence[int],
    *,
    spacing_mm: Sequence[float],
    random: np.random.Generator,
) -> Tensor:
    """Random shapes in a brain's place or in that of a whole head, or a phantom: images with nothing to find.

    Args:
        tissues: ``(D, H, W)`` uint8.
        values: The values that stand for them.
        spacing_mm: Of the voxels, along D, H and W.
        random: What decides.

    Returns:
        Tissues ``(D, H, W)`` uint8.
    """
    shape, device = tissues.shape, tissues.device
    if random.random() < _PHANTOMS:
        return _phantom(shape, len(values), spacing_mm=spacing_mm, random=random).to(device)
    every_mm = random.uniform(*_DECOY_GRID_MM)
    points = [
        max(2, round(side * mm / every_mm) + 1) for side, mm in zip(shape, spacing_mm, strict=True)
    ]
    coarse = random.normal(size=(1, _DECOY_SHAPES, *points))
    # Half as fine is fine enough for shapes of nothing.
    fields = functional.interpolate(
        torch.as_tensor(coarse, dtype=torch.float32, device=device),
        size=[max(1, side // 2) for side in shape],
        mode="trilinear",
        align_corners=True,
    )
    drawn = random.integers(0, len(values), _DECOY_SHAPES)
    # Air among them, so that they have an outside.
    drawn[: random.integers(0, 3)] = 0
    mapped = torch.as_tensor(drawn, dtype=torch.float32, device=device)[fields.argmax(dim=1)]
    shapes = functional.interpolate(mapped[None], size=tuple(shape))[0, 0].to(torch.uint8)
    if random.random() < _WHOLE_DECOYS:
        return shapes
    brain = torch.tensor([0 < value < OUTSIDE for value in values], device=device)
    return torch.where(brain[tissues.int()], shapes, tissues)


def _phantom(
    shape: Sequence[int],
    tissues: int,
    *,
    spacing_mm: Sequence[float],
    random: np.random.Generator,
) -> Tensor:
    """A ball, a rounded box or one between them in air, with or without inserts, ``(D, H, W)`` uint8; or air alone."""
    size = np.multiply(shape, spacing_mm)
    drawn = torch.zeros(*shape, dtype=torch.uint8)
    for number in range(random.integers(0, 5)):
        radii = random.uniform(
            *(_INSERT_MM if number else _PHANTOM_MM), 1 if random.random() < 0.5 else 3
        )
        middle = size * random.uniform(0.1, 0.9, 3)
        power = random.choice([2.0, 4.0, 16.0])
        away = [
            ((torch.arange(side) + 0.5) * mm - centre).div(radius).abs().pow(power)
            for side, mm, centre, radius in zip(
                shape, spacing_mm, middle, np.resize(radii, 3), strict=True
            )
        ]
        inside = away[0][:, None, None] + away[1][:, None] + away[2] < 1
        drawn[inside] = int(random.integers(1, tissues))
    return drawn


def coarser_labels(labels: Tensor, factors: Sequence[int], classes: int) -> Tensor:
    """The most frequent label of each window of ``factors`` voxels; of equal ones the lowest.

    Args:
        labels: ``(D, H, W)`` uint8, sides that are multiples of the factors.
        factors: Along D, H and W.
        classes: Number of classes, background included.

    Returns:
        ``(D / f, H / f, W / f)`` uint8.
    """
    if tuple(factors) == (1, 1, 1):
        return labels
    return _window_counts(labels, factors, classes).argmax(dim=0).to(torch.uint8)


def _window_counts(labels: Tensor, factors: Sequence[int], classes: int) -> Tensor:
    """How many voxels of each window have each class, ``(classes, D / f, H / f, W / f)`` uint8."""
    shape = [side // factor for side, factor in zip(labels.shape, factors, strict=True)]
    d, h, w = factors
    windows = labels.reshape(shape[0], d, shape[1], h, shape[2], w).permute(0, 2, 4, 1, 3, 5)
    windows = windows.reshape(math.prod(shape), d * h * w).long()
    counts = torch.zeros(len(windows), classes, dtype=torch.uint8, device=labels.device)
    counts.scatter_add_(1, windows, torch.ones_like(windows, dtype=torch.uint8))
    return counts.T.reshape(classes, *shape)
