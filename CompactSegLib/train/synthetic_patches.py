"""Synthetic training patches, and the heads that levels are validated on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.synthesis.acquisition import random_scan, regridded, scanned
from CompactSegLib.synthesis.contrast import STRIP_EDGES, random_contrast, without_skull
from CompactSegLib.synthesis.label_maps import LabelMap
from CompactSegLib.synthesis.shapes import (
    bent,
    coarser_labels,
    decoy,
    random_centre,
)
from CompactSegLib.train.patches import SeededPatches
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.volume.intensities import IntensityRule

# Apart from the seeds of patches.
_VALIDATION = 2


class SyntheticPatches(SeededPatches[LabelMap]):
    """Patches made from label maps, on the device they are on."""

    def patch(self, case: LabelMap, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        image, labels = synthetic_patch(case, self.plan, random=random)
        return image[None], labels[None]


def synthetic_patch(
    head: LabelMap, plan: TrainingPlan, *, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Make a patch from a head, or now and then from none.

    Returns:
        The image ``(D, H, W)`` float32, normalised, and its labels ``(D, H, W)`` uint8, both on the head's device.
    """
    synthesis = plan.synthesis
    spacing = model_spacing(plan)
    fine, factors = fine_grid(spacing, head)
    shape = [side * factor for side, factor in zip(plan.patch, factors, strict=True)]
    device = head.tissues.device
    generator = torch.Generator(device).manual_seed(int(random.integers(2**31)))
    values, classes = head.values, head.classes
    centre = random_centre(head, random)
    tissues = bent(head, centre, shape, spacing_mm=fine, plan=synthesis, random=random)
    if random.random() < synthesis.decoy_probability:
        tissues = decoy(tissues, values, spacing_mm=fine, random=random)
        classes = torch.zeros_like(classes)
    else:
        tissues = now_and_then_stripped(tissues, values, plan, random=random, generator=generator)
    image, _ = imaged(tissues, values, plan, plan.patch, fine, random=random, generator=generator)
    labels = classes.to(device)[tissues.int()]
    image = normalised(image, plan, random=random)
    if random.random() < synthesis.crop_probability:
        inside = _random_field(plan.patch, random)
        image = _kept(image, inside)
        fine_inside = [
            slice(one.start * factor, one.stop * factor)
            for one, factor in zip(inside, factors, strict=True)
        ]
        labels = _kept(labels, tuple(fine_inside))
    return image, coarser_labels(labels, factors, classes=len(synthesis.classes) + 1)


def now_and_then_stripped(
    tissues: Tensor,
    values: Sequence[int],
    plan: TrainingPlan,
    *,
    random: np.random.Generator,
    generator: torch.Generator,
) -> Tensor:
    """A head ``(D, H, W)``, as often as the plan says without its skull, cut well or badly."""
    if random.random() >= plan.synthesis.strip_probability:
        return tissues
    keep_fluid = random.random() < 0.5
    rough = random.random() < plan.synthesis.rough_strip_probability
    edge = float(random.uniform(*STRIP_EDGES)) if rough else None
    return without_skull(tissues, values, keep_fluid=keep_fluid, edge=edge, generator=generator)


def imaged(
    tissues: Tensor,
    values: Sequence[int],
    plan: TrainingPlan,
    shape: Sequence[int],
    fine_mm: Sequence[float],
    *,
    random: np.random.Generator,
    generator: torch.Generator,
    wanted: Callable[[dict[int, float]], bool] = lambda _: True,
) -> tuple[Tensor, tuple[float, ...]]:
    """Scan tissues with a random contrast.

    Args:
        tissues: ``(D, H, W)``, indices into `values`, on the fine grid.
        values: Of the tissues, as FreeSurfer numbers them.
        plan: How images are made.
        shape: Of the image, on the model's grid.
        fine_mm: Spacing of the fine grid.
        random: What decides.
        generator: Of the noise.
        wanted: Says of the means of tissues, by value, whether the contrast will do.

    Returns:
        The image on the model's grid, and the voxels in mm that it was scanned with.
    """
    contrast = random_contrast(values, plan.synthesis, random)
    while not wanted(dict(zip(values, contrast.means[0].tolist(), strict=True))):
        contrast = random_contrast(values, plan.synthesis, random)
    scan = random_scan(plan.synthesis, random)
    image, voxel = scanned(tissues, fine_mm, contrast, scan, generator=generator)
    return regridded(image, voxel, shape, model_spacing(plan)), voxel


def normalised(image: Tensor, plan: TrainingPlan, *, random: np.random.Generator | None) -> Tensor:
    """Apply the model's intensity rule to ``(D, H, W)``; with `random` as if air and other parts lay around it.

    At inference the rule sees a whole volume, of which a patch is a part: the air around a head moves its percentiles.
    """
    rule = IntensityRule.from_dict(plan.intensity)
    if random is None:
        return rule.apply(image[None].clone())[0]
    depth = image.shape[0]
    air = int(depth * random.uniform(0, 1.5)) if random.random() < 0.8 else 0
    around = image.amin().expand(air, *image.shape[1:])
    image = rule.apply(torch.cat([image, around])[None])[0, :depth]
    low, high = random.uniform(-plan.synthesis.shift, plan.synthesis.shift, 2)
    return image.mul(1 + high - low).add_(low)


def validation_cases(heads: Sequence[LabelMap], plan: TrainingPlan) -> list[PreparedCase]:
    """Whole heads, not bent, each with some random contrasts and scans that are the same in every run."""
    return [
        _validation_case(head, plan, number)
        for head in heads
        for number in range(plan.synthesis.held_out_images)
    ]


def _validation_case(head: LabelMap, plan: TrainingPlan, number: int) -> PreparedCase:
    random = np.random.default_rng([_VALIDATION, number, *head.name.encode()])
    generator = torch.Generator(head.tissues.device).manual_seed(int(random.integers(2**31)))
    spacing = model_spacing(plan)
    fine, factors = fine_grid(spacing, head)
    sides = zip(head.tissues.shape, head.spacing_mm, spacing, strict=True)
    shape = [int(side * own / mm + 1e-6) for side, own, mm in sides]
    tissues = _drawn(head, [n * factor for n, factor in zip(shape, factors, strict=True)], fine)
    image, _ = imaged(tissues, head.values, plan, shape, fine, random=random, generator=generator)
    labels = coarser_labels(
        head.classes.to(tissues.device)[tissues.int()],
        factors,
        classes=len(plan.synthesis.classes) + 1,
    )
    return PreparedCase(
        name=f"{head.name}-{number + 1}",
        image=normalised(image, plan, random=None)[None].cpu(),
        labels=labels.cpu(),
    )


def _drawn(head: LabelMap, shape: Sequence[int], spacing_mm: Sequence[float]) -> Tensor:
    """The head's tissues on a grid of another spacing with the same first corner, the nearest for each voxel."""
    tissues = head.tissues
    for axis, (side, mm, own) in enumerate(zip(shape, spacing_mm, head.spacing_mm, strict=True)):
        nearest = ((torch.arange(side, dtype=torch.float64) + 0.5) * (mm / own)).long()
        tissues = tissues.index_select(axis, nearest.to(tissues.device))
    return tissues


def model_spacing(plan: TrainingPlan) -> tuple[float, float, float]:
    """The model's spacing along D, H and W."""
    along_w, along_h, along_d = plan.spacing_mm
    return along_d, along_h, along_w


def fine_grid(
    spacing: Sequence[float], head: LabelMap
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The grid that tissues are drawn on: whole parts of the model's voxels, about as fine as the label map."""
    factors = tuple(
        max(1, round(coarse / fine)) for coarse, fine in zip(spacing, head.spacing_mm, strict=True)
    )
    return tuple(mm / factor for mm, factor in zip(spacing, factors, strict=True)), factors


def _random_field(shape: Sequence[int], random: np.random.Generator) -> tuple[slice, ...]:
    """A field of view that ends inside of the patch, on one side of one axis or more."""
    inside = []
    for side in shape:
        cut = int(side * random.uniform(0, 0.4)) if random.random() < 0.5 else 0
        first = cut if random.random() < 0.5 else 0
        inside.append(slice(first, side - cut + first))
    return tuple(inside)


def _kept(array: Tensor, inside: tuple[slice, ...]) -> Tensor:
    kept = torch.zeros_like(array)
    kept[inside] = array[inside]
    return kept
