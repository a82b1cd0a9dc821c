"""Runs in tests: a trainer on the first cases of a folder, one that is killed, and what a run has logged."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest
import torch

from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.train.trainer import Trainer


def a_trainer(
    folder, net, plan, output, *, cases=2, held_out=0, started_from=None, device="cpu"
) -> Trainer:
    prepared = load_cases(read_dataset(folder), plan)
    return Trainer(
        plan,
        net,
        cases=prepared[:cases],
        held_out=prepared[cases : cases + held_out],
        folder=output,
        device=torch.device(device),
        started_from=started_from,
    )


def run_until_killed(trainer: Trainer, *, after: int) -> None:
    """Run, and die when step `after` is done."""
    step_of = trainer._train_step

    def step_or_die(batch):
        if trainer.step >= after:
            raise KeyboardInterrupt
        return step_of(batch)

    trainer._train_step = step_or_die
    with pytest.raises(KeyboardInterrupt):
        trainer.run()


def goes_on(make: Callable[[str], Trainer], *, killed_after: int, from_step: int) -> None:
    """A run that is killed and resumed has the curve and the weights of one that was not.

    Args:
        make: Gives a trainer by the name of its folder.
        killed_after: The step after which it dies.
        from_step: That of its last checkpoint.
    """
    whole, killed, resumed = make("whole"), make("killed"), make("killed")
    whole.run()
    run_until_killed(killed, after=killed_after)
    resumed.resume()
    assert resumed.step == from_step
    resumed.run()
    assert rows_of(resumed.folder) == rows_of(whole.folder)
    assert same_weights(whole.trained_net(), resumed.trained_net())


def rows_of(output) -> list[dict[str, str]]:
    with (output / "log.csv").open(newline="") as file:
        # Time is the one thing that may differ between two runs.
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    mine = one.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[k], theirs[k]) for k in mine)
