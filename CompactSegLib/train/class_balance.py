"""Classes that are rare weigh more while a net learns, and no more than they are once it is finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from CompactSegLib.network.net import MultiLevelNet

_LARGEST_CLASS_WEIGHT = 100.0


@dataclass(frozen=True)
class ClassBalance:
    """What a run's class weights do to the odds of classes in what a net answers.

    A class that weighs w times as much in the cross-entropy is answered as if it were w times as frequent: its score is
    too high by log w (Menon et al., Long-tail learning via logit adjustment, ICLR 2021). A finished net has this taken
    out; a run that begins with one puts its own in, so that it begins where the other ended.

    Attributes:
        weights: ``(classes,)``, above 0; None where all classes weigh the same.
        kept_levels: The first levels, whose heads the run does not train: they stay what they are, to the bit.
    """

    weights: Tensor | None
    kept_levels: int = 0

    def put_into(self, net: MultiLevelNet) -> MultiLevelNet:
        """A finished net as the run trains it, in place."""
        return self._shifted(net, 1)

    def taken_out(self, net: MultiLevelNet) -> MultiLevelNet:
        """A net of the run as it is used, in place."""
        return self._shifted(net, -1)

    @torch.no_grad()
    def _shifted(self, net: MultiLevelNet, sign: int) -> MultiLevelNet:
        if self.weights is not None:
            heads: Any = list(net.heads)[self.kept_levels :]
            for head in heads:
                bias = head.classifier.bias
                bias += sign * self.weights.log().to(bias)
        return net


def class_weights(counts: Tensor, balance: float) -> Tensor | None:
    """Weights of classes by how rare they are.

    Args:
        counts: ``(classes,)``, voxels of each class in the training cases.
        balance: Exponent: 0 gives all the same, 1 every class the same share of the loss.

    Returns:
        ``(classes,)`` float32, 1 for the most frequent class, at most 100 times that; None where `balance` is 0.
    """
    if not balance:
        return None
    rarity = counts.max() / counts.clamp_min(1).double()
    return (rarity**balance).clamp_max(_LARGEST_CLASS_WEIGHT).float()
