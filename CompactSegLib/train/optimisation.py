"""How weights move: the learning rate over the steps, the optimizer, the moving average."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import BatchNorm3d
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel

from CompactSegLib.errors import CompactSegError
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.muon import Muon
from CompactSegLib.train.stages import Stage, earlier_modules
from CompactSegLib.train.training_plan import TrainingPlan


def learning_rate(step: int, plan: TrainingPlan, *, steps: int | None = None) -> float:
    """Rate of step `step` (from 0) of `steps`: linear warm-up, the highest rate, then half a cosine to zero."""
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    falling = plan.decay * max(1, (steps or plan.steps) - plan.warmup)
    done = max(0.0, 1 - ((steps or plan.steps) - step) / falling) if falling else 0.0
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def optimizers_of(net: MultiLevelNet, plan: TrainingPlan, stage: Stage) -> dict[str, Optimizer]:
    """The optimizers by name, over what a stage trains: AdamW alone, or for all but the kernels, which are Muon's.

    Groups of earlier levels carry the ``share`` of the rate that they get.
    """
    earlier = {p for module in earlier_modules(net, stage) for p in module.parameters()}
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = _groups([p for p in trained if p not in earlier], plan)
    slower = [p for p in trained if p in earlier]
    if slower:
        groups += [{**group, "share": stage.earlier_rate} for group in _groups(slower, plan)]
    if plan.optimizer == "adamw":
        return {"adamw": AdamW(groups, lr=plan.learning_rate, fused=True)}
    kernels = [group for group in groups if group["kernels"]]
    others = [group for group in groups if not group["kernels"]]
    return {
        "adamw": AdamW(others, lr=plan.learning_rate, fused=True),
        "muon": Muon(kernels, lr=plan.learning_rate),
    }


def check_finite(loss: float, *, folder: Path, step: int) -> None:
    """Refuse to go on with a loss that is no number.

    Raises:
        CompactSegError: It is infinite or NaN.
    """
    if not math.isfinite(loss):
        raise CompactSegError(
            f"{folder}: expected a finite loss at step {step}, got {loss}; "
            "lower the plan's learning_rate or take precision fp32, and train in another folder."
        )


class Update:
    """The step from a loss to new weights: gradients, their norm, the optimizer.

    In fp16 losses are scaled, as small gradients would be lost; a step whose gradients overflow is left out and the
    scale halved (Micikevicius et al., Mixed Precision Training, ICLR 2018).

    Args:
        net: What is trained.
        plan: The settings.
        stage: Which of the net's levels are new.
        device: Where the net is.
        precision: ``fp32``, ``bf16`` or ``fp16``.
    """

    def __init__(
        self,
        net: MultiLevelNet,
        plan: TrainingPlan,
        stage: Stage,
        *,
        device: torch.device,
        precision: str,
    ) -> None:
        self.parameters = list(net.parameters())
        self.gradient_norm = plan.gradient_norm
        self.optimizers = optimizers_of(net, plan, stage)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")

    def __call__(self, loss: Tensor, rate: float) -> None:
        """Move the weights against the gradient of a scalar `loss` at a learning rate."""
        optimizers = self.optimizers.values()
        for optimizer in optimizers:
            set_rate(optimizer, rate)
            optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        for optimizer in optimizers:
            self.scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(self.parameters, self.gradient_norm)
        for optimizer in optimizers:
            self.scaler.step(optimizer)
        self.scaler.update()

    def state_dict(self) -> dict[str, Any]:
        states = {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}
        return {"optimizers": states, "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        # Checkpoints from before there was a choice hold AdamW's state alone.
        states = state.get("optimizers") or {"adamw": state["optimizer"]}
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(states[name])
        self.scaler.load_state_dict(state["scaler"])


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)


def _groups(parameters: list[torch.nn.Parameter], plan: TrainingPlan) -> list[dict[str, Any]]:
    kernels = [p for p in parameters if p.ndim > 1]
    # Decay on batch norm's scales and on biases would pull towards nothing meaningful.
    others = [p for p in parameters if p.ndim <= 1]
    return [
        {"params": kernels, "weight_decay": plan.weight_decay, "kernels": True},
        {"params": others, "weight_decay": 0.0, "kernels": False},
    ]


def averaged(net: MultiLevelNet, plan: TrainingPlan) -> AveragedModel:
    """An exponential moving average of a net's weights and statistics."""
    return AveragedModel(net, multi_avg_fn=_averaging(plan.average_decay), use_buffers=True)


@torch.no_grad()
def mix_in(net: torch.nn.Module, other: torch.nn.Module, share: float) -> None:
    """Give another net of the same kind a share in the weights of this one, in place; weights that it lacks stay."""
    weights = other.state_dict()
    for name, tensor in net.state_dict().items():
        if name in weights and tensor.is_floating_point():
            tensor.lerp_(weights[name].to(tensor.device), share)


def fix_statistics(net: MultiLevelNet) -> None:
    """Let batch norm take its gathered statistics, as at inference; its scale and shift still learn."""
    for layer in net.modules():
        if isinstance(layer, BatchNorm3d):
            layer.eval()


def _averaging(decay: float) -> Any:
    @torch.no_grad()
    def update(averages: Any, currents: Any, count: Any) -> None:
        if not averages[0].is_floating_point():
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)
            return
        # Early averages forget the random weights sooner.
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, currents, 1 - now)

    return update
