"""The batches of a run: random patches of prepared cases, or synthetic images of label maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.synthesis.label_maps import LabelMap
from CompactSegLib.train.augmentation import RandomPatches
from CompactSegLib.train.distributed import Processes
from CompactSegLib.train.synthetic_patches import SyntheticPatches
from CompactSegLib.train.training_plan import TrainingPlan

TrainingCases: TypeAlias = Sequence[PreparedCase] | Sequence[LabelMap]
"""What a run trains on: label maps where the plan has a synthesis, else cases with images."""


def batches(
    cases: TrainingCases,
    plan: TrainingPlan,
    *,
    classes: int,
    start: int,
    device: torch.device,
    processes: Processes,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels of each step from `start` on, as `SeededPatches` has them.

    Each of several processes gets its share of every batch.
    """
    mine = {"rank": processes.rank, "processes": processes.count}
    workers, pinned = plan.workers, device.type == "cuda"
    heads: Sequence[LabelMap] = ()
    if plan.synthetic:
        heads = cast(Sequence[LabelMap], cases)
        if device.type != "cpu":
            # Images are made where the net is: no other process could hand them over as fast.
            heads = [head.to(device) for head in heads]
            workers, pinned = 0, False
    for steps, part in plan.parts():
        patches: Dataset
        if plan.synthetic:
            patches = SyntheticPatches(heads, part, **mine)
        else:
            images = cast(Sequence[PreparedCase], cases)
            patches = RandomPatches(images, part, classes=classes, **mine)
        yield from DataLoader(
            patches,
            batch_size=None,
            sampler=range(max(start, steps.start), steps.stop),
            num_workers=workers,
            pin_memory=pinned,
        )


def class_counts(cases: TrainingCases, *, classes: int) -> Tensor:
    """Voxels of each class in all cases, ``(classes,)`` int64."""
    total = torch.zeros(classes, dtype=torch.int64)
    for case in cases:
        total += torch.bincount(case.labels.flatten().int(), minlength=classes)
    return total
