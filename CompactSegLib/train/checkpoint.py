"""The state of a run between two steps, written whole, so that a run killed at any moment can go on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.files import written_whole
from CompactSegLib.paths import is_file
from CompactSegLib.train.training_plan import TrainingPlan, recipe_of
from CompactSegLib.words import shown, some_of

CHECKPOINT_FILE = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the state after some steps. Randomness needs no state: it follows from the seed and the step.

    Raises:
        OutputError: The disk is full; the checkpoint before is untouched.
    """
    with written_whole(folder / CHECKPOINT_FILE) as temporary:
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
    path = folder / CHECKPOINT_FILE
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
        ConfigurationError: Naming the first value that differs.
    """
    before, now = _with_defaults(before, now), recipe_of(now)
    if before != now:
        raise ConfigurationError(
            f"{folder}: holds a run with {_difference(before, now)}; rerun with the same settings to resume it, or "
            "choose another output folder."
        )


def _difference(before: Any, now: Any, name: str = "settings") -> str:
    """The first value that differs, of a net or an augmentation the one within it."""
    if name == "cases":
        only = [sorted({*these} - {*those}) for these, those in ((before, now), (now, before))]
        there, here = (some_of(names) or "none" for names in only)
        return f"other training cases (only there: {there}; only now: {here})"
    parts: Iterable[Any] = ()
    if isinstance(before, dict) and isinstance(now, dict):
        parts = sorted({*before, *now})
        before, now = ({name: each.get(name) for name in parts} for each in (before, now))
        name = "" if name == "settings" else f"{name}."
    elif isinstance(before, list | tuple) and isinstance(now, list | tuple):
        parts = range(len(now)) if len(before) == len(now) else ()
    for part in parts:
        if before[part] != now[part]:
            inner = f"{name}{part}" if isinstance(part, str) else f"{name}[{part}]"
            return _difference(before[part], now[part], inner)
    return f"another {name} ({shown(before)} there, {shown(now)} now)"


def _with_defaults(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    defaults = TrainingPlan().to_dict()
    known = {name: defaults[name] for name in now if name in defaults}
    parts = {
        name: {**defaults[name], **before.get(name, {})} for name in ("augmentation", "synthesis")
    }
    return recipe_of({**known, **before, **parts})
