"""The patches of a run: which case each comes from, and what is random about it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from CompactSegLib.train.training_plan import TrainingPlan

Case = TypeVar("Case")


class SeededPatches(Dataset, Generic[Case]):
    """The batches of a run: item number `step` is the batch of that step, or a process's share of it.

    Everything random about a patch comes from the seed and the patch's number alone.

    Args:
        cases: What patches are made from.
        plan: The settings.
        rank: Which of several processes this is.
        processes: How many there are; each takes every `processes`-th patch of the batch.
    """

    def __init__(
        self, cases: Sequence[Case], plan: TrainingPlan, *, rank: int = 0, processes: int = 1
    ) -> None:
        self.cases = list(cases)
        self.plan = plan
        self.items = range(rank, plan.batch, processes)

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """Images ``(N, C, D, H, W)`` float32 and labels ``(N, 1, D, H, W)`` of a step."""
        numbers = [step * self.plan.batch + item for item in self.items]
        patches = [self.patch(self._case(n), self._random(n)) for n in numbers]
        images, labels = zip(*patches, strict=True)
        return torch.stack(images), torch.stack(labels)

    @abstractmethod
    def patch(self, case: Case, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Make one patch.

        Returns:
            Its image ``(C, D, H, W)`` float32, and its labels ``(1, D, H, W)`` uint8.
        """

    def _random(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.plan.seed, 0, number])

    def _case(self, drawn: int) -> Case:
        """Each case once per epoch, in an order of the epoch's own."""
        epoch, place = divmod(drawn, len(self.cases))
        order = np.random.default_rng([self.plan.seed, 1, epoch]).permutation(len(self.cases))
        return self.cases[order[place]]
