"""What a scanner makes of a head: slices of some thickness, an uneven coil, noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from CompactSegLib.synthesis.contrast import Contrast
from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.volume.interpolation import Interpolation

_TEXTURE_GRID_MM = 8.0
_SHADING_MM = 8.0


@dataclass(frozen=True)
class Scan:
    """How a head is imaged.

    Attributes:
        voxel_mm: Along D, H and W; where it is not above the head's own voxels, these are taken.
        profile: Width of a slice's triangular profile, in slices.
        bias: Standard deviation of the logarithm of the coil's unevenness.
        bias_grid_mm: Distance of its control points.
        noise: Standard deviation of the noise.
        gamma: Exponent of the intensities.
    """

    voxel_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    profile: float = 1.0
    bias: float = 0.0
    bias_grid_mm: float = 60.0
    noise: float = 0.0
    gamma: float = 1.0


def random_scan(plan: SynthesisPlan, random: np.random.Generator) -> Scan:
    """Draw a scan."""
    in_plane = random.uniform(0.5, plan.in_plane_mm)
    voxel = np.full(3, in_plane)
    if random.random() < plan.thick_probability:
        voxel[random.integers(3)] = random.uniform(*plan.thickness_mm)
    return Scan(
        voxel_mm=tuple(voxel.tolist()),
        profile=random.uniform(*plan.profile),
        bias=random.uniform(0, plan.bias),
        bias_grid_mm=plan.bias_grid_mm,
        noise=random.uniform(0, plan.noise),
        gamma=float(np.exp(random.uniform(-plan.gamma, plan.gamma))),
    )


def scanned(
    tissues: Tensor,
    spacing_mm: Sequence[float],
    contrast: Contrast,
    scan: Scan,
    *,
    generator: torch.Generator,
) -> tuple[Tensor, tuple[float, float, float]]:
    """Image tissues.

    Args:
        tissues: ``(D, H, W)`` uint8, the tissue of each voxel.
        spacing_mm: Of these voxels, along D, H and W.
        contrast: The look of each tissue.
        scan: How they are imaged.
        generator: What decides, on the device of the tissues.

    Returns:
        The image ``(D', H', W')`` float32 without negative values, whose first voxels begin where those of the tissues
        do, and its voxels in mm along D, H and W.
    """
    image = painted(tissues, spacing_mm, contrast, generator=generator)
    voxel = []
    for axis, (fine, thick) in enumerate(zip(spacing_mm, scan.voxel_mm, strict=True)):
        voxel.append(max(fine, thick))
        if thick > fine:
            size = image.shape[axis]
            count = max(1, math.ceil(size * fine / thick))
            centres = (np.arange(count) + 0.5) * thick / fine - 0.5
            along = Interpolation.triangle(
                centres.clip(0, size - 1), scan.profile * thick / fine, size
            )
            image = along.apply(image, axis, slice(0, count), 0)
    if scan.bias:
        field = smooth_field(
            image.shape, voxel, grid_mm=scan.bias_grid_mm, sigma=scan.bias, generator=generator
        )
        image *= field.exp_()
    if scan.noise:
        image += scan.noise * _normal(image.shape, generator)
    # Magnitude images hold no negative values; noise in air is folded over.
    image.abs_()
    if scan.gamma != 1:
        highest = image.amax().clamp_min(1e-6)
        image = (image / highest).pow_(scan.gamma)
    return image, (voxel[0], voxel[1], voxel[2])


def painted(
    tissues: Tensor,
    spacing_mm: Sequence[float],
    contrast: Contrast,
    *,
    generator: torch.Generator,
) -> Tensor:
    """Draw every voxel's intensity from its tissue, ``(D, H, W)`` float32."""
    contrast = contrast.to(tissues.device)
    index = tissues.int()
    shape = tissues.shape
    clusters, kinds = contrast.means.shape
    place = index
    if clusters > 1:
        field = smooth_field(
            shape, spacing_mm, grid_mm=contrast.cluster_mm, sigma=1.0, generator=generator
        )
        # Between the clusters' quantiles of what an interpolated field has.
        ends = torch.linspace(-0.7, 0.7, clusters + 1, device=tissues.device)[1:-1]
        place = index + kinds * torch.bucketize(field, ends, out_int32=True)
    image = contrast.means.flatten()[place]
    for tissue in contrast.slopes.any(dim=1).nonzero().flatten().tolist():
        inside = (index == tissue).nonzero()
        away_mm = (inside - inside.float().mean(dim=0)) * image.new_tensor(spacing_mm)
        image[tuple(inside.T)] += away_mm[:, :2] @ contrast.slopes[tissue] / 10
    if contrast.shading.any():
        size = [max(1, round(_SHADING_MM / mm)) for mm in spacing_mm]
        image += contrast.shading[index] * (_blurred(image, size) - image)
    if contrast.outside_blur > 1:
        outside = contrast.outside[index]
        image = torch.where(outside, _blurred(image, contrast.outside_blur), image)
    image += contrast.spreads[index] * _normal(shape, generator)
    if contrast.textures.any():
        field = smooth_field(
            shape, spacing_mm, grid_mm=_TEXTURE_GRID_MM, sigma=1.0, generator=generator
        )
        image += contrast.textures[index] * field
    if math.isfinite(contrast.ceiling):
        image = torch.where(contrast.outside[index], image, image.clamp_max(contrast.ceiling))
    return image


def _blurred(image: Tensor, factor: int | list[int]) -> Tensor:
    coarse = functional.avg_pool3d(image[None, None], factor, ceil_mode=True)
    size = tuple(image.shape)
    return functional.interpolate(coarse, size=size, mode="trilinear", align_corners=False)[0, 0]


def smooth_field(
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    *,
    grid_mm: float,
    sigma: float,
    generator: torch.Generator,
) -> Tensor:
    """Smooth random values ``(D, H, W)`` between normally distributed control points."""
    points = [
        max(2, round(side * mm / grid_mm) + 1) for side, mm in zip(shape, spacing_mm, strict=True)
    ]
    coarse = sigma * _normal(points, generator)
    return functional.interpolate(
        coarse[None, None], size=tuple(shape), mode="trilinear", align_corners=True
    )[0, 0]


def regridded(
    image: Tensor,
    voxel_mm: Sequence[float],
    shape: Sequence[int],
    spacing_mm: Sequence[float],
) -> Tensor:
    """Bring an image to the model's grid as inference does (``GridMap.prepare``); both begin at the same edge.

    Args:
        image: ``(D', H', W')`` float32.
        voxel_mm: Its voxels, along D, H and W.
        shape: ``(D, H, W)`` of the model's grid.
        spacing_mm: The model's spacing along these axes.
    """
    for axis, (here, there, count) in enumerate(zip(voxel_mm, spacing_mm, shape, strict=True)):
        size = image.shape[axis]
        if here == there and size == count:
            continue
        scale = here / there
        centres = ((np.arange(count) + 0.5) / scale - 0.5).clip(0, size - 1)
        along = Interpolation.triangle(centres, max(1.0, 1.0 / scale), size)
        image = along.apply(image, axis, slice(0, count), 0)
    return image


def _normal(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return torch.randn(tuple(shape), generator=generator, device=generator.device)
