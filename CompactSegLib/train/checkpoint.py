"""The state of a run between two steps, written whole, so that a run killed at any moment can go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.files import written_whole
from CompactSegLib.paths import is_file
from CompactSegLib.train.training_plan import TrainingPlan, recipe_of

_NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the state after some steps. Randomness needs no state: it follows from the seed and the step.

    Raises:
        OutputError: The disk is full; the checkpoint before is untouched.
    """
    with written_whole(folder / _NAME) as temporary:
        _write(state, temporary)


def _write(state: dict[str, Any], path: Path) -> None:
    try:
        with open(path, "wb") as file:
            torch.save(state, file)
    except RuntimeError as error:
        # Where the disk is full torch raises an error of its own on top of the system's.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def read_checkpoint(folder: Path, *, device: torch.device) -> dict[str, Any] | None:
    """The state in a folder, or None where no run has been.

    Raises:
        InputError: The file is damaged.
    """
    path = folder / _NAME
    if not is_file(path):
        return None
    try:
        # weights_only: tensors and plain values, no pickled code.
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path}: expected a checkpoint of a training run, but it is damaged ({error}); "
            "remove it to begin anew."
        ) from error


def check_same_run(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with a run under other settings, which would be neither the old run nor the new one.

    A setting that the plan did not have yet when the run began counts as its default: defaults are chosen so that they
    change nothing.

    Raises:
        ConfigurationError: Naming the first setting that differs.
    """
    before, now = _with_defaults(before, now), recipe_of(now)
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise ConfigurationError(
                f"{folder}: holds a run with another {name} ({before.get(name)!r} there, {now.get(name)!r} now); "
                "rerun with the same settings to resume it, or choose another output folder."
            )


def _with_defaults(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    defaults = TrainingPlan().to_dict()
    known = {name: defaults[name] for name in now if name in defaults}
    parts = {
        name: {**defaults[name], **before.get(name, {})} for name in ("augmentation", "synthesis")
    }
    return recipe_of({**known, **before, **parts})
