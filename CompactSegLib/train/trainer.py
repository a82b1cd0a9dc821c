"""The training loop: its stages, its log, its checkpoints."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.errors import ConfigurationError
from CompactSegLib.model.model import Model
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.batches import TrainingCases, batches, class_counts
from CompactSegLib.train.checkpoint import check_same_run, read_checkpoint, save_checkpoint
from CompactSegLib.train.class_balance import ClassBalance, class_weights
from CompactSegLib.train.distributed import Processes
from CompactSegLib.train.losses import LevelsLoss
from CompactSegLib.train.optimisation import (
    Update,
    averaged,
    check_finite,
    fix_statistics,
    learning_rate,
    mix_in,
)
from CompactSegLib.train.runlog import RunLog
from CompactSegLib.train.stages import (
    Stage,
    TrainedLevels,
    earlier_modules,
    first_levels,
    loss_weights,
    stages_of,
)
from CompactSegLib.train.training_plan import TrainingPlan, recipe_of
from CompactSegLib.train.validation import (
    CaseScore,
    dice_columns,
    dice_text,
    log_columns,
    score_cases,
)

# Steps that are timed to turn minutes into steps; the ones before them warm up.
_WARM_STEPS, _TIMED_STEPS = 3, 8
# Share of the minutes for steps; the rest is reading, validating and writing.
_STEPS_SHARE = 0.94


class Trainer:
    """A run from its first step, or its last checkpoint, to its last step.

    Args:
        plan: The settings.
        config: The net to train.
        cases: Training cases, or the label maps that they are made from.
        held_out: Validation cases; may be empty.
        folder: Where checkpoint and log are.
        device: Where to train.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        processes: This process among those of the run.
        started_from: A finished model, whose weights its levels begin with: all of `config`'s, or all but the last.
        check: Called before each step and each validation; what it raises ends the run.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        config: NetConfig,
        *,
        cases: TrainingCases,
        held_out: Sequence[PreparedCase],
        folder: Path,
        device: torch.device,
        precision: str = "fp32",
        processes: Processes | None = None,
        started_from: Model | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan, self.config, self.folder = plan, config, folder
        self.cases, self.held_out = cases, held_out
        self.device, self.precision = device, precision
        self.processes = processes or Processes()
        self._check = check
        for _, part in plan.parts():
            if part.batch % self.processes.count:
                raise ConfigurationError(
                    f"training plan, batch: expected a multiple of the {self.processes.count} processes, "
                    f"got {part.batch}."
                )
        self.started_from = started_from
        self.stages = stages_of(
            plan,
            levels=config.levels,
            started_from=len(started_from.levels) if started_from else 0,
        )
        for stage in self.stages:
            loss_weights(plan, stage, levels=config.levels)
        self.step, self.seconds = 0, 0.0
        weights = class_weights(class_counts(cases, classes=config.classes), plan.class_balance)
        self._balance = ClassBalance(weights, kept_levels=self.stages[0].kept)
        self._begin()

    def _begin(self) -> None:
        self.step = 0
        stage = self.stages[0]
        torch.manual_seed(self.plan.seed)
        if self.started_from:
            net = self._balance.put_into(self.started_from.trainable_net())
            self._enter(stage, net if net.levels == stage.levels else self._grown(net))
        else:
            self._enter(stage, MultiLevelNet(first_levels(self.config, stage.levels)))

    def _go_on(self) -> None:
        """From a finished stage to the next one, which begins with the averaged weights of what is finished."""
        self.processes.copy_state(self.average)
        finished: Any = self.average.module
        self._enter(self.stages[self.stages.index(self.stage) + 1], self._grown(finished))

    def _grown(self, net: MultiLevelNet) -> MultiLevelNet:
        """The net with the configuration's next level, new."""
        torch.manual_seed(self.plan.seed + net.levels)
        return net.add_level(self.config.blocks[net.levels + 1], self.config.heads[net.levels])

    def _enter(self, stage: Stage, net: MultiLevelNet) -> None:
        self.stage = stage
        self.net = net.to(self.device, memory_format=torch.channels_last_3d).train()  # type: ignore[call-overload]
        if stage.frozen:
            for module in earlier_modules(net, stage):
                # Statistics of batch norm too: earlier outputs stay bit-identical.
                module.eval().requires_grad_(False)
        self.loss = LevelsLoss(
            loss_weights(self.plan, stage, levels=self.config.levels),
            class_weights=self._balance.weights,
        ).to(self.device)
        self.parallel: nn.Module = TrainedLevels(self.net, stage.trained)
        if self.processes.count > 1:
            self.parallel = DistributedDataParallel(self.parallel)
        self.update = Update(
            self.net, self.plan, stage, device=self.device, precision=self.precision
        )
        self.average = averaged(self.net, self.plan)

    def steps_in(self, minutes: float) -> int:
        """How many steps fit into this time on this machine, by timing a few of them and forgetting them."""
        seconds = 0.0
        for stage in self.stages:
            if stage.first > 0:
                self._go_on()
            self.step = stage.first
            ends = [time.perf_counter()]
            for batch in islice(self._batches(0), _WARM_STEPS + _TIMED_STEPS):
                self._train_step(batch)
                ends.append(time.perf_counter())
            warm = min(_WARM_STEPS, len(ends) - 2)
            share = stage.steps / self.plan.steps
            seconds += share * (ends[-1] - ends[warm]) / (len(ends) - 1 - warm)
        self._begin()
        return self.processes.share(max(1, int(minutes * 60 * _STEPS_SHARE / seconds)))

    def resume(self) -> None:
        """Go on from the folder's checkpoint, if there is one."""
        state = read_checkpoint(self.folder, device=self.device)
        if state is None:
            return
        check_same_run(self.folder, state["settings"], self.settings())
        for stage in self.stages:
            # At the end of a stage the checkpoint is still of that stage.
            if 0 < stage.first < state["step"]:
                self._enter(stage, MultiLevelNet(first_levels(self.config, stage.levels)))
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.update.load_state_dict(state["update"])
        self.step, self.seconds = state["step"], state["seconds"]

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on."""
        cases = [case.name for case in self.cases]
        settings = {**recipe_of(self.plan.to_dict()), "net": self.config.to_dict(), "cases": cases}
        if self.started_from:
            settings["started_from"] = self.started_from.weights_sha256
        return settings

    def run(self) -> list[CaseScore]:
        """Train to the last step; returns the scores of the last validation, of the averaged weights."""
        scores: list[CaseScore] = []
        plan = self.plan
        with RunLog(
            self.folder,
            log_columns(self.config.levels, self.config.classes),
            start=self.step,
            steps=plan.steps,
            quiet=not self.processes.first,
        ) as log:
            began = time.monotonic() - self.seconds
            for batch in self._batches(self.step):
                if self.step == self.stage.last:
                    self._go_on()
                rate = self._rate()
                total, losses = self._train_step(batch)
                self.step += 1
                if self.step == plan.steps:
                    self._average_with_start()
                self.seconds = time.monotonic() - began
                if self._due(plan.log_every):
                    row = {"seconds": self.seconds, "learning_rate": rate, "loss": float(total)}
                    trained = zip(self.stage.trained, losses.tolist(), strict=True)
                    row |= {f"loss_level_{n}": loss for n, loss in trained}
                    check_finite(row["loss"], folder=self.folder, step=self.step)
                    log.write(self.step, row)
                    log.show(self.step, f"loss {row['loss']:.4f}")
                if self.held_out and self._due(plan.validate_every):
                    scores = self.validate()
                    log.write(self.step, {"seconds": self.seconds, **dice_columns(scores)})
                    log.show(self.step, dice_text(scores), force=True)
                if self._due(plan.checkpoint_every):
                    self._save()
        if self.held_out and not scores:
            scores = self.validate()
        return scores

    def _average_with_start(self) -> None:
        """Mix the weights that the run began with into those that it ends with."""
        if self.plan.start_share and self.started_from:
            start = self._balance.put_into(self.started_from.trainable_net())
            mix_in(self.average.module, start, self.plan.start_share)

    def validate(self) -> list[CaseScore]:
        """Scores of the held-out cases with the averaged weights, sorted by case."""
        self._check()
        self.processes.copy_state(self.average)
        net = self._finished_net().to(self.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        mine = self.held_out[self.processes.rank :: self.processes.count]
        scores = score_cases(net, mine, device=self.device, precision=self._autocast())
        return sorted(self.processes.gather(scores), key=lambda score: score.name)

    def trained_net(self) -> MultiLevelNet:
        """The averaged net, in evaluation mode on the CPU."""
        return self._finished_net().cpu()

    def _finished_net(self) -> MultiLevelNet:
        net: Any = copy.deepcopy(self.average.module)
        return self._balance.taken_out(net).eval()

    def _train_step(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        self._check()
        images = batch[0].to(self.device, memory_format=torch.channels_last_3d, non_blocking=True)
        labels = batch[1].to(self.device, non_blocking=True)
        if self.step >= self.stage.last - self.plan.fixed_statistics * self.stage.steps:
            fix_statistics(self.net)
        with self._autocast():
            logits = self.parallel(images)
        total, losses = self.loss(logits, labels)
        self.update(total, self._rate())
        self.average.update_parameters(self.net)
        return total.detach(), losses

    def _batches(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        return batches(
            self.cases,
            self.plan,
            classes=self.config.classes,
            start=start,
            device=self.device,
            processes=self.processes,
        )

    def _rate(self) -> float:
        stage = self.stage
        return learning_rate(self.step - stage.first, self.plan, steps=stage.steps)

    def _autocast(self) -> AbstractContextManager:
        reduced = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device.type, reduced, enabled=self.precision != "fp32")

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.stage.last

    def _save(self) -> None:
        if self.processes.first:
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "net": self.net.state_dict(),
                "average": self.average.state_dict(),
                "update": self.update.state_dict(),
                "settings": self.settings(),
            }
            save_checkpoint(self.folder, state)
