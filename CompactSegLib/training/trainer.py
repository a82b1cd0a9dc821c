"""Training of all levels jointly: the loop, its schedule, its checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from CompactSegLib.errors import CompactSegError, ConfigurationError
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.training.augmentation import RandomPatches
from CompactSegLib.training.checkpoint import check_same_run, read_checkpoint, save_checkpoint
from CompactSegLib.training.dataset import PreparedCase
from CompactSegLib.training.distributed import Processes
from CompactSegLib.training.losses import LevelsLoss
from CompactSegLib.training.plan import TrainingPlan
from CompactSegLib.training.runlog import RunLog
from CompactSegLib.training.validation import CaseScore, mean_dice, score_cases

# Steps that are timed to turn minutes into steps; the ones before them warm up.
_WARM_STEPS, _TIMED_STEPS = 3, 8
# Share of the minutes for steps; the rest is reading, validating and writing.
_STEPS_SHARE = 0.94


def learning_rate(step: int, plan: TrainingPlan) -> float:
    """Rate of step `step` (from 0): linear warm-up, then half a cosine to zero."""
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


class Trainer:
    """A run from its first step, or its last checkpoint, to its last step.

    Args:
        plan: The settings.
        config: The net to train.
        cases: Training cases.
        held_out: Validation cases; may be empty.
        folder: Where checkpoint and log are.
        device: Where to train.
        precision: ``fp32`` or ``bf16``.
        processes: This process among those of the run.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        config: NetConfig,
        *,
        cases: Sequence[PreparedCase],
        held_out: Sequence[PreparedCase],
        folder: Path,
        device: torch.device,
        precision: str = "fp32",
        processes: Processes | None = None,
    ) -> None:
        self.plan, self.config, self.folder = plan, config, folder
        self.cases, self.held_out = cases, held_out
        self.device, self.precision = device, precision
        self.processes = processes or Processes()
        if plan.batch % self.processes.count:
            raise ConfigurationError(
                f"training plan, batch: expected a multiple of the {self.processes.count} processes, got {plan.batch}."
            )
        weights = [plan.weight_of_level(n, config.levels) for n in range(1, config.levels + 1)]
        self.loss = LevelsLoss(weights)
        self.step, self.seconds = 0, 0.0
        self._build()

    def _build(self) -> None:
        torch.manual_seed(self.plan.seed)
        net = MultiLevelNet(self.config)
        self.net = net.to(self.device, memory_format=torch.channels_last_3d).train()  # type: ignore[call-overload]
        self.parallel: nn.Module = self.net
        if self.processes.count > 1:
            self.parallel = DistributedDataParallel(self.net)
        self.optimizer = _optimizer(self.net, self.plan)
        self.average = AveragedModel(
            self.net, multi_avg_fn=_averaging(self.plan.average_decay), use_buffers=True
        )

    def steps_in(self, minutes: float) -> int:
        """How many steps fit into this time on this machine, by timing a few of them and forgetting them."""
        times = []
        batches = iter(self._batches(0))
        for _ in range(_WARM_STEPS + _TIMED_STEPS):
            began = time.perf_counter()
            self._train_step(next(batches))
            times.append(time.perf_counter() - began)
        seconds = sum(times[_WARM_STEPS:]) / _TIMED_STEPS
        steps = max(1, int(minutes * 60 * _STEPS_SHARE / seconds))
        self.step = 0
        self._build()
        return self.processes.share(steps)

    def resume(self) -> None:
        """Go on from the folder's checkpoint, if there is one."""
        state = read_checkpoint(self.folder, device=self.device)
        if state is None:
            return
        check_same_run(self.folder, state["settings"], self.settings())
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on."""
        cases = [case.name for case in self.cases]
        plan = self.plan.to_dict()
        # How often something is written, and who prepares batches, changes nothing that is learnt.
        for name in ("workers", "validate_every", "checkpoint_every", "log_every"):
            del plan[name]
        return {**plan, "net": self.config.to_dict(), "cases": cases}

    def run(self) -> list[CaseScore]:
        """Train to the last step; returns the scores of the last validation, of the averaged weights."""
        levels = range(1, self.config.levels + 1)
        columns = ["seconds", "learning_rate", "loss", *(f"loss_level_{n}" for n in levels)]
        columns += [f"dice_level_{n}" for n in levels]
        columns += [
            f"dice_level_{n}_label_{v}" for n in levels for v in range(1, self.config.classes)
        ]
        scores: list[CaseScore] = []
        plan = self.plan
        with RunLog(
            self.folder,
            columns,
            start=self.step,
            steps=plan.steps,
            quiet=not self.processes.first,
        ) as log:
            began = time.monotonic() - self.seconds
            for batch in self._batches(self.step):
                rate = learning_rate(self.step, plan)
                total, losses = self._train_step(batch)
                self.step += 1
                self.seconds = time.monotonic() - began
                if self.step % plan.log_every == 0 or self.step == plan.steps:
                    row = {"seconds": self.seconds, "learning_rate": rate, "loss": float(total)}
                    row |= {f"loss_level_{n}": float(losses[n - 1]) for n in levels}
                    self._check_finite(row["loss"])
                    log.write(self.step, row)
                    log.show(self.step, f"loss {row['loss']:.4f}")
                if self.held_out and self._due(plan.validate_every):
                    scores = self.validate()
                    log.write(self.step, {"seconds": self.seconds, **_dice_columns(scores)})
                    log.show(self.step, _dice_text(scores), force=True)
                if self._due(plan.checkpoint_every):
                    self._save()
        if self.held_out and not scores:
            scores = self.validate()
        return scores

    def validate(self) -> list[CaseScore]:
        """Scores of the held-out cases with the averaged weights, sorted by case."""
        self.processes.copy_state(self.average)
        net: Any = self.average.module.eval()
        mine = self.held_out[self.processes.rank :: self.processes.count]
        scores = score_cases(net, mine, device=self.device, precision=self._autocast())
        return sorted(self.processes.gather(scores), key=lambda score: score.name)

    def trained_net(self) -> MultiLevelNet:
        """The averaged net, in evaluation mode on the CPU."""
        net = MultiLevelNet(self.config)
        net.load_state_dict(self.average.module.state_dict())
        return net.eval()

    def _train_step(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        images = batch[0].to(self.device, memory_format=torch.channels_last_3d, non_blocking=True)
        labels = batch[1].to(self.device, non_blocking=True)
        rate = learning_rate(self.step, self.plan)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with self._autocast():
            logits = self.parallel(images)
        total, losses = self.loss(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.plan.gradient_norm)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        return total.detach(), losses

    def _batches(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        patches = RandomPatches(
            self.cases,
            self.plan,
            classes=self.config.classes,
            rank=self.processes.rank,
            processes=self.processes.count,
        )
        return iter(
            DataLoader(
                patches,
                batch_size=None,
                sampler=range(start, self.plan.steps),
                num_workers=self.plan.workers,
                pin_memory=self.device.type == "cuda",
            )
        )

    def _autocast(self) -> AbstractContextManager:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.plan.steps

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise CompactSegError(
                f"{self.folder}: expected a finite loss at step {self.step}, got {loss}; "
                "lower the plan's learning_rate or take precision fp32, and train in another folder."
            )

    def _save(self) -> None:
        if self.processes.first:
            save_checkpoint(
                self.folder,
                step=self.step,
                seconds=self.seconds,
                net=self.net,
                average=self.average,
                optimizer=self.optimizer,
                settings=self.settings(),
            )


def _optimizer(net: nn.Module, plan: TrainingPlan) -> Optimizer:
    kernels = [p for p in net.parameters() if p.ndim > 1]
    # Decay on batch norm's scales and on biases would pull towards nothing meaningful.
    others = [p for p in net.parameters() if p.ndim <= 1]
    groups = [
        {"params": kernels, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=plan.learning_rate, fused=True)


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


def _dice_columns(scores: Sequence[CaseScore]) -> dict[str, float]:
    row: dict[str, float] = {}
    for level, labels in enumerate(mean_dice(scores), start=1):
        row[f"dice_level_{level}"] = sum(labels) / len(labels)
        row |= {f"dice_level_{level}_label_{v}": dice for v, dice in enumerate(labels, start=1)}
    return row


def _dice_text(scores: Sequence[CaseScore]) -> str:
    levels = (" ".join(f"{100 * dice:.2f}" for dice in labels) for labels in mean_dice(scores))
    return "Dice per level and label: " + " | ".join(levels)
