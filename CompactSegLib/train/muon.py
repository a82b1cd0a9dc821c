"""Muon: an optimizer that takes every direction of a kernel equally far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

# Newton-Schulz steps and their polynomial, which brings singular values to about 1 without a decomposition.
_STEPS = 5
_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
# Root mean square of AdamW's updates, so that both have one learning rate.
_UPDATE_RMS = 0.2


class Muon(Optimizer):
    """Momentum orthogonalised by Newton-Schulz (Jordan et al., Muon, 2024), for convolution kernels.

    A kernel ``(out, in, k, k, k)`` is taken as the matrix ``(out, in * k * k * k)``. Updates have the root mean square
    of AdamW's (Liu et al., Muon is Scalable for LLM Training, 2025), so both can share a learning rate.
    ``torch.optim.Muon`` takes matrices only, and is not in every release that this package runs on.

    Args:
        params: Parameters of two dimensions or more, or groups of them; a group may have its own ``weight_decay``.
        lr: Learning rate.
        momentum: Of the gradients, in Nesterov's form.
        weight_decay: Decoupled, as AdamW's.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            momentum, rate = group["momentum"], group["lr"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                average = state["momentum"].lerp_(parameter.grad, 1 - momentum)
                ahead = parameter.grad.lerp(average, momentum)
                matrix = ahead.reshape(len(ahead), -1)
                update = orthogonalised(matrix) * (_UPDATE_RMS * max(matrix.shape) ** 0.5)
                parameter.mul_(1 - rate * group["weight_decay"])
                parameter.add_(update.reshape(parameter.shape), alpha=-rate)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix ``(m, n)`` with its singular vectors, and its singular values between about 0.7 and 1.2."""
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalised(matrix.T).T
    # The spectral norm is below this one.
    result = matrix / torch.linalg.vector_norm(matrix).clamp_min(1e-7)
    first, second, third = _POLYNOMIAL
    for _ in range(_STEPS):
        gram = result @ result.T
        result = first * result + (second * gram + third * gram @ gram) @ result
    return result
