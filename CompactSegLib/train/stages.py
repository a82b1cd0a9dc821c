"""The stages of a run: all levels at once, or one after the other as in the seed of this project (US 10,783,640).

Level by level, level 1 is trained first; then a level is added to what that gave and trained, and so on. What goes on
from a finished model, with its own levels or with one more, is a run of one stage.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from torch import Tensor, nn

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.training_plan import TrainingPlan


@dataclass(frozen=True)
class Stage:
    """A part of a run with its own net, schedule and optimizer.

    Attributes:
        levels: Levels of the net in this stage.
        earlier: How many of them earlier stages have trained; with 0 all are new.
        first: The first step, from 0.
        last: The step after the last one.
        earlier_rate: Factor of the learning rate for blocks and heads of earlier levels; 0 freezes them.
    """

    levels: int
    earlier: int
    first: int
    last: int
    earlier_rate: float = 0.0

    @property
    def steps(self) -> int:
        return self.last - self.first

    @property
    def frozen(self) -> bool:
        """Whether there are earlier levels that must not change at all."""
        return self.earlier > 0 and self.earlier_rate == 0

    @property
    def kept(self) -> int:
        """How many of the first levels must not change at all."""
        return self.earlier if self.frozen else 0

    @property
    def trained(self) -> tuple[int, ...]:
        """The levels with a loss."""
        return tuple(range(self.kept + 1, self.levels + 1))


def stages_of(plan: TrainingPlan, *, levels: int, started_from: int = 0) -> tuple[Stage, ...]:
    """The stages of a run.

    Args:
        plan: The settings.
        levels: Levels of the finished net.
        started_from: Levels of the finished model that the run begins with; 0 where there is none.

    Raises:
        ConfigurationError: The plan's steps cannot be divided among these levels.
    """
    if 0 < started_from < levels:
        return (Stage(levels, started_from, 0, plan.steps, plan.earlier_rate),)
    if plan.method == "joint" or started_from:
        return (Stage(levels, 0, 0, plan.steps),)
    shares = plan.level_steps or (1.0,) * levels
    if len(shares) != levels:
        raise ConfigurationError(
            f"training plan, level_steps: expected {levels} shares, one per level, got {shares!r}."
        )
    ends = [round(plan.steps * done / sum(shares)) for done in accumulate(shares)]
    starts = [0, *ends[:-1]]
    if any(first >= last for first, last in zip(starts, ends, strict=True)):
        raise ConfigurationError(
            f"training plan, steps: expected enough for {levels} levels in the shares {shares!r}, got {plan.steps}."
        )
    return tuple(
        Stage(level, level - 1, first, last, plan.earlier_rate)
        for level, (first, last) in enumerate(zip(starts, ends, strict=True), start=1)
    )


def loss_weights(plan: TrainingPlan, stage: Stage, *, levels: int) -> list[float]:
    """The weights of the losses of a stage's trained levels; they sum to 1.

    Args:
        plan: The settings.
        stage: The stage.
        levels: Levels of the finished net, to which the plan's weights belong.
    """
    if len(stage.trained) == 1:
        return [1.0]
    known = levels if plan.level_weights else stage.levels
    weights = [plan.weight_of_level(level, known) for level in stage.trained]
    if stage.levels == known:
        return weights
    if sum(weights) <= 0:
        raise ConfigurationError(
            f"training plan, level_weights: expected a weight above 0 among levels 1 to {stage.levels}, which are "
            f"trained before the others, got {plan.level_weights!r}."
        )
    return [weight / sum(weights) for weight in weights]


def first_levels(config: NetConfig, levels: int) -> NetConfig:
    """The configuration of a net's first levels."""
    return dataclasses.replace(
        config, blocks=config.blocks[: levels + 1], heads=config.heads[:levels]
    )


def earlier_modules(net: MultiLevelNet, stage: Stage) -> Iterator[nn.Module]:
    """The blocks and heads that earlier stages have trained."""
    if stage.earlier:
        yield from net.blocks[: stage.earlier + 1]
        yield from net.heads[: stage.earlier]


class TrainedLevels(nn.Module):
    """The levels of a net that have a loss; what only the others need does not run."""

    def __init__(self, net: MultiLevelNet, levels: Sequence[int]) -> None:
        super().__init__()
        self.net = net
        self.levels = tuple(levels)

    def forward(self, image: Tensor) -> list[Tensor]:
        """``(N, C, D, H, W)`` to one ``(N, classes, D, H, W)`` per trained level."""
        evaluation = self.net.evaluate(image)
        return [evaluation.logits(level) for level in self.levels]
