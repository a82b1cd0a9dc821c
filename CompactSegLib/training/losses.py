"""The loss of all levels: Dice and cross-entropy on each, summed with weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses import DiceCELoss
from torch import Tensor, nn


class LevelsLoss(nn.Module):
    """Weighted sum over levels of MONAI's Dice plus cross-entropy.

    Dice is taken over the batch as a whole (a patch without a label would otherwise count as a failure) and without
    background; cross-entropy over all classes. Both in single precision, whatever the net computed in.

    Args:
        weights: One weight per level.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.loss = DiceCELoss(include_background=False, softmax=True, to_onehot_y=True, batch=True)

    def forward(self, logits: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss.

        Args:
            logits: Per level ``(N, classes, D, H, W)``.
            labels: Class numbers ``(N, 1, D, H, W)``.

        Returns:
            The scalar to minimise, and each level's own loss ``(levels,)`` without gradient.
        """
        losses = [self.loss(level.float(), labels) for level in logits]
        total = sum(
            (weight * loss for weight, loss in zip(self.weights, losses, strict=True)),
            start=losses[0].new_zeros(()),
        )
        return total, torch.stack([loss.detach() for loss in losses])
