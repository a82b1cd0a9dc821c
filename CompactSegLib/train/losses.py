"""The loss of all levels: Dice and cross-entropy on each, summed with weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional


class LevelsLoss(nn.Module):
    """Weighted sum over levels of MONAI's Dice plus cross-entropy.

    Dice is taken over the batch as a whole (a patch without a label would otherwise count as a failure) and without
    background; cross-entropy over all classes. Both in single precision, whatever the net computed in.

    Args:
        weights: One weight per level.
        class_weights: ``(classes,)``, weights of the voxels of each class in the cross-entropy; None for 1.
    """

    def __init__(self, weights: Sequence[float], *, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.dice = DiceLoss(include_background=False, to_onehot_y=True, batch=True)
        # Of the logarithm of the softmax, which serves both: the cross-entropy.
        self.cross_entropy = nn.NLLLoss(weight=class_weights)

    def forward(self, logits: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss.

        Args:
            logits: Per level ``(N, classes, D, H, W)``.
            labels: Class numbers ``(N, 1, D, H, W)``.

        Returns:
            The scalar to minimise, and each level's loss ``(levels,)`` without gradient.
        """
        losses = [self._of_level(level, labels) for level in logits]
        total = sum(
            (weight * loss for weight, loss in zip(self.weights, losses, strict=True)),
            start=losses[0].new_zeros(()),
        )
        return total, torch.stack([loss.detach() for loss in losses])

    def _of_level(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Class after class in memory: where channels lie side by side a softmax takes half as long again.
        log_shares = functional.log_softmax(logits.contiguous().float(), dim=1)
        dice: Tensor = self.dice(log_shares.exp(), labels)
        return dice + self.cross_entropy(log_shares, labels[:, 0].long())
