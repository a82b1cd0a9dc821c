"""``compactseg train``: a dataset folder in, a finished model folder out; also one of ``torchrun``'s processes."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import PureWindowsPath
from typing import Any

import typer

from CompactSegLib.cli import need_packages
from CompactSegLib.cli.guard import INTERRUPTED, say
from CompactSegLib.cli.options import TrainOptions
from CompactSegLib.cli.signals import leave_if_told
from CompactSegLib.errors import CompactSegError, ConfigurationError
from CompactSegLib.train.runlog import is_first_process
from CompactSegLib.words import shortened, shown

# torchrun ends all processes as soon as one has ended; the first one should have spoken by then.
_PATIENCE_SECONDS = 15.0
_MOST_THREADS, _MOST_MINUTES = 4096, 10**6


def run_train(options: TrainOptions) -> None:
    """Train as asked, or go on with the run that the output folder holds.

    Raises:
        CompactSegError: Dataset, configuration, device or disk are not as needed.
    """
    try:
        _train(options)
    except KeyboardInterrupt:
        if is_first_process():
            say("Interrupted. Rerun the command to resume from the last checkpoint.")
        raise typer.Exit(INTERRUPTED) from None
    except CompactSegError:
        # What one process of several meets, mostly all meet: the first says it, which ends the others as they wait.
        if not is_first_process():
            time.sleep(_PATIENCE_SECONDS)
        raise


def _train(options: TrainOptions) -> None:
    fold = _fold(options.fold)
    if options.minutes is not None and not 0 < options.minutes <= _MOST_MINUTES:
        raise ConfigurationError(
            f"--minutes: expected a time above 0, at most {_MOST_MINUTES}, got {options.minutes:g}; correct it."
        )
    if options.threads is not None and not 1 <= options.threads <= _MOST_THREADS:
        raise ConfigurationError(
            f"--threads: expected 1 to {_MOST_THREADS}, got {shown(options.threads)}; correct it."
        )
    _check_start(options)
    need_packages("training")
    from CompactSegLib.inference.devices import keep_freed_memory
    from CompactSegLib.model.registry import load_model
    from CompactSegLib.network.config import NetConfig
    from CompactSegLib.train.training_plan import TrainingPlan

    keep_freed_memory(also_largest=True)
    plan = TrainingPlan.read(options.plan) if options.plan else None
    config = NetConfig.read(options.config) if options.config else None
    run: dict[str, Any] = {
        "data": options.data,
        "labels": options.labels,
        "output": options.output,
        "fold": fold,
        "minutes": options.minutes,
        "device": options.device,
        "threads": options.threads,
        "command": shareable_command(options.words()),
        "finish": options.finish,
        "check": leave_if_told,
    }
    from CompactSegLib.train.growing import grown_config, train_from
    from CompactSegLib.train.training import train

    if options.grow is not None:
        model = load_model(options.grow)
        train_from(model, grown_config(model, config), plan=plan, **run)
    elif options.start_from is not None:
        model = load_model(options.start_from)
        train_from(model, model.net_config, plan=plan, **run)
    else:
        assert config is not None
        train(plan or TrainingPlan(), config, **run)


def _check_start(options: TrainOptions) -> None:
    if options.config is None and options.grow is None and options.start_from is None:
        raise ConfigurationError(
            "--config: expected a net configuration to train, got none; pass one, or a model with --start-from or "
            "--grow."
        )
    if options.start_from is not None and options.grow is not None:
        raise ConfigurationError("--start-from: cannot be combined with --grow; leave one out.")
    if options.start_from is not None and options.config is not None:
        raise ConfigurationError(
            "--config: cannot be combined with --start-from, which keeps the model's own net; leave one out."
        )


def shareable_command(words: Sequence[str]) -> str:
    r"""A command for a model's provenance, of paths only the last part: models travel, folders do not.

    >>> shareable_command(["compactseg train", "--data", "/data/Task04", "--plan", "D:\\\\plans\\\\a.json"])
    'compactseg train --data Task04 --plan a.json'
    """
    return " ".join(
        [
            words[0],
            *(shlex.quote(PureWindowsPath(word).name or word) for word in words[1:]),
        ]
    )


def _fold(text: str) -> int | None:
    if text == "all":
        return None
    if text not in ("0", "1", "2", "3", "4"):
        raise ConfigurationError(
            f"--fold: expected 0 to 4 or 'all', got {shortened(text, 60)!r}; correct it."
        )
    return int(text)
