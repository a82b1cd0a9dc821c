"""Packages that only some commands need, asked for before anything is done."""

from __future__ import annotations

import importlib.util

from CompactSegLib.errors import ConfigurationError

__all__ = ["need_training_packages"]

_TRAINING = ("monai", "scipy")


def need_training_packages(command: str) -> None:
    """Check that what training and evaluation import is installed, without importing it.

    Raises:
        ConfigurationError: Something is not.
    """
    missing = [name for name in _TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"compactseg {command}: expected the packages for training, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed; install with pip install 'compactseg[training]'."
        )
