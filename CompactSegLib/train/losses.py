"""The loss of all levels: Dice and cross-entropy on each, summed with weights; and what the last one teaches them."""

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

    Where labels are shares, Dice is the semimetric that is least at these very shares (Wang et al., Dice Semimetric
    Losses, MICCAI 2023); the usual one is least where every voxel has its most frequent class alone. Of whole labels
    both are the same.

    With self-distillation (Zhang et al., Be Your Own Teacher, ICCV 2019) each level but the last also has the distance
    of its softened classes to the last level's, as a part of its own loss; the last level does not feel it.

    Args:
        weights: One weight per level.
        distillation: Weight of that distance beside a level's Dice and cross-entropy.
        temperature: What logits are divided by before the softmax.
        class_weights: ``(classes,)``, weights of the voxels of each class in the cross-entropy; None for 1.
    """

    def __init__(
        self,
        weights: Sequence[float],
        *,
        distillation: float = 0.0,
        temperature: float = 2.0,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.distillation, self.temperature = distillation, temperature
        self.dice = DiceLoss(include_background=False, to_onehot_y=True, batch=True)
        self.dice_of_shares = DiceLoss(include_background=False, soft_label=True, batch=True)
        # Of the logarithm of the softmax, which serves both: the cross-entropy.
        self.cross_entropy = nn.NLLLoss(weight=class_weights)

    def forward(self, logits: Sequence[Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss.

        Args:
            logits: Per level ``(N, classes, D, H, W)``.
            labels: Class numbers ``(N, 1, D, H, W)``, or the share of each class in each voxel
                ``(N, classes, D, H, W)`` float.

        Returns:
            The scalar to minimise, and each level's Dice and cross-entropy ``(levels,)`` without gradient.
        """
        losses = [self._of_level(level, labels) for level in logits]
        total = sum(
            (weight * loss for weight, loss in zip(self.weights, losses, strict=True)),
            start=losses[0].new_zeros(()),
        )
        if self.distillation:
            for weight, level in zip(self.weights, logits[:-1], strict=False):
                distance = distillation_loss(level, logits[-1], temperature=self.temperature)
                total = total + weight * self.distillation * distance
        return total, torch.stack([loss.detach() for loss in losses])

    def _of_level(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Class after class in memory: where channels lie side by side a softmax takes half as long again.
        log_shares = functional.log_softmax(logits.contiguous().float(), dim=1)
        if labels.is_floating_point():
            dice: Tensor = self.dice_of_shares(log_shares.exp(), labels)
            return dice + self._cross_entropy_of_shares(log_shares, labels)
        dice = self.dice(log_shares.exp(), labels)
        return dice + self.cross_entropy(log_shares, labels[:, 0].long())

    def _cross_entropy_of_shares(self, log_shares: Tensor, shares: Tensor) -> Tensor:
        # PyTorch's own divides by the number of voxels, not by what they weigh.
        lost = -(shares * log_shares).sum(dim=(0, 2, 3, 4))
        weighed = shares.sum(dim=(0, 2, 3, 4))
        weights = self.cross_entropy.weight
        if weights is not None:
            lost, weighed = lost * weights, weighed * weights
        return lost.sum() / weighed.sum()


def distillation_loss(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Mean over voxels of the Kullback-Leibler divergence of softened classes, times the squared temperature.

    The factor keeps gradients of the same size whatever the temperature (Hinton et al., Distilling the Knowledge in a
    Neural Network, 2015).

    Args:
        student: Logits ``(N, classes, D, H, W)``.
        teacher: Logits of the same shape; no gradient flows into them.
        temperature: Above 0.
    """
    mine = functional.log_softmax(student.float() / temperature, dim=1)
    theirs = functional.log_softmax(teacher.detach().float() / temperature, dim=1)
    divergence = functional.kl_div(mine, theirs, reduction="none", log_target=True).sum(dim=1)
    return divergence.mean() * temperature**2
