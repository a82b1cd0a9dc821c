"""Random training patches: where they are cut, how they are bent and how their intensities vary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.data.meta_obj import set_track_meta
from monai.transforms import (
    Compose,
    RandAdjustContrast,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandScaleIntensity,
    RandScaleIntensityFixedMean,
    RandSimulateLowResolution,
)
from torch import Tensor
from torch.nn import functional

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.synthesis.affine import random_matrix
from CompactSegLib.train.patches import SeededPatches
from CompactSegLib.train.training_plan import AugmentationPlan, TrainingPlan

# Distance in voxels between the control points of the elastic bending.
_ELASTIC_GRID_VOXELS = 12


class RandomPatches(SeededPatches[PreparedCase]):
    """Patches cut from prepared cases.

    Args:
        cases: Prepared training cases.
        plan: The settings.
        classes: Number of classes, background included.
        rank: As for `SeededPatches`.
        processes: As for `SeededPatches`.
    """

    def __init__(
        self,
        cases: Sequence[PreparedCase],
        plan: TrainingPlan,
        *,
        classes: int,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        super().__init__(cases, plan, rank=rank, processes=processes)
        self.classes = classes
        self.intensities = intensity_transforms(plan.augmentation)

    def patch(self, case: PreparedCase, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        # MONAI's metadata tracking costs more than the transforms on patches this small.
        set_track_meta(False)
        image, labels = random_patch(
            case,
            self.plan.patch,
            plan=self.plan.augmentation,
            classes=self.classes,
            random=random,
        )
        self.intensities.set_random_state(seed=int(random.integers(2**31)))
        return torch.as_tensor(self.intensities(image)), labels[None]


def intensity_transforms(plan: AugmentationPlan) -> Compose:
    """MONAI's transforms of one image ``(C, D, H, W)``, in nnU-Net's order."""
    sigma = plan.blur_voxels
    return Compose(
        [
            RandGaussianNoise(prob=plan.noise_probability, std=plan.noise, sample_std=True),
            RandGaussianSmooth(
                prob=plan.blur_probability, sigma_x=sigma, sigma_y=sigma, sigma_z=sigma
            ),
            RandScaleIntensity(factors=plan.brightness, prob=plan.brightness_probability),
            RandScaleIntensityFixedMean(
                factors=(plan.contrast[0] - 1, plan.contrast[1] - 1),
                fixed_mean=True,
                preserve_range=True,
                prob=plan.contrast_probability,
            ),
            RandSimulateLowResolution(
                prob=plan.low_resolution_probability, zoom_range=(plan.low_resolution, 1.0)
            ),
            RandAdjustContrast(
                prob=plan.gamma_probability / 2,
                gamma=plan.gamma,
                invert_image=True,
                retain_stats=True,
            ),
            RandAdjustContrast(prob=plan.gamma_probability, gamma=plan.gamma, retain_stats=True),
        ]
    )


def random_patch(
    case: PreparedCase,
    patch: tuple[int, int, int],
    *,
    plan: AugmentationPlan,
    classes: int,
    random: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Cut a patch at a random place, perhaps rotated, scaled, sheared, bent and mirrored.

    Returns:
        The image ``(C, *patch)`` and the labels ``patch`` uint8; zeros where the case has ended.
    """
    shape = case.image.shape[1:]
    starts = [_random_start(size, side, random) for size, side in zip(shape, patch, strict=True)]
    if random.random() < plan.affine_probability:
        image, labels = _bent_patch(case, starts, patch, plan=plan, classes=classes, random=random)
    else:
        image = _cut(case.image, starts, patch)
        labels = _cut(case.labels[None], starts, patch)[0]
    mirrored = [axis for axis in plan.mirror_axes if random.random() < 0.5]
    if mirrored:
        image = image.flip([axis + 1 for axis in mirrored])
        labels = labels.flip(mirrored)
    return image.contiguous(), labels.contiguous()


def _random_start(size: int, side: int, random: np.random.Generator) -> int:
    """First voxel of the patch; negative where the case is smaller and lies somewhere inside the patch."""
    low, high = sorted((0, size - side))
    return int(random.integers(low, high + 1))


def _cut(array: Tensor, starts: Sequence[int], patch: Sequence[int]) -> Tensor:
    padding: list[int] = []
    slices = [slice(None)]
    for size, start, side in zip(array.shape[1:], starts, patch, strict=True):
        slices.append(slice(max(start, 0), min(start + side, size)))
        padding = [max(-start, 0), max(start + side - size, 0), *padding]
    return functional.pad(array[tuple(slices)], padding)


def _bent_patch(
    case: PreparedCase,
    starts: Sequence[int],
    patch: tuple[int, int, int],
    *,
    plan: AugmentationPlan,
    classes: int,
    random: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Sample image and labels in one pass; labels as one channel per class, so that their borders stay smooth."""
    sizes = np.array(case.image.shape[1:], dtype=float)
    sides = np.array(patch, dtype=float)
    centre = np.array(starts) + sides / 2 - sizes / 2
    # grid_sample counts axes from the last (W, H, D) and places -1 and 1 at the outer edges of the volume.
    theta = np.zeros((3, 4))
    theta[:, :3] = _random_matrix(plan, random) * sides[None] / sizes[:, None]
    theta[:, 3] = centre / (sizes / 2)
    theta[:, :3] = theta[::-1, 2::-1]
    theta[:, 3] = theta[::-1, 3]
    grid = functional.affine_grid(
        torch.as_tensor(theta.copy(), dtype=torch.float32)[None],
        [1, 1, *patch],
        align_corners=False,
    )
    if random.random() < plan.elastic_probability:
        grid = grid + _bending(patch, sizes, plan, random)
    foreground = [(case.labels == value).float() for value in range(1, classes)]
    channels = torch.cat([case.image, torch.stack(foreground)])
    sampled = functional.grid_sample(channels[None], grid, align_corners=False)[0]
    image, shares = sampled.split([case.image.shape[0], classes - 1])
    background = 1 - shares.sum(dim=0, keepdim=True)
    return image, torch.cat([background, shares]).argmax(dim=0).to(torch.uint8)


def _random_matrix(plan: AugmentationPlan, random: np.random.Generator) -> np.ndarray:
    """A 3x3 matrix from patch offsets to case offsets, axes D, H, W."""
    matrix = random_matrix(
        rotation_degrees=plan.rotation_degrees, scale=plan.scale, shear=plan.shear, random=random
    )
    for axis in plan.plane_axes:
        # The slice that a voxel comes from hangs on its own slice alone.
        matrix[axis, np.arange(3) != axis] = 0
    return matrix


def _bending(
    patch: tuple[int, int, int],
    sizes: np.ndarray,
    plan: AugmentationPlan,
    random: np.random.Generator,
) -> Tensor:
    """A smooth random displacement of the sampling grid, ``(1, D, H, W, 3)``, its last axis in the order W, H, D."""
    points = [max(3, round(side / _ELASTIC_GRID_VOXELS) + 1) for side in patch]
    coarse = random.normal(scale=plan.elastic_voxels, size=(3, *points))
    coarse *= (2 / sizes[::-1])[:, None, None, None]
    for axis in plan.plane_axes:
        coarse[2 - axis] = 0
    fine = functional.interpolate(
        torch.as_tensor(coarse, dtype=torch.float32)[None],
        size=patch,
        mode="trilinear",
        align_corners=True,
    )
    return fine.permute(0, 2, 3, 4, 1)
