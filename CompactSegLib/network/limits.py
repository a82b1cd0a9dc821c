"""What a net may be at most, and the checks of single values: before anything is built or computed."""

from __future__ import annotations

from typing import Any

from CompactSegLib.errors import ConfigurationError

# A configuration may come from anybody. What is beyond these would be computed for ever, or not fit any memory, when
# it is only read; all are far above what a compact net has.
MOST_CHANNELS = 4096
MOST_LEVELS = 32
MOST_BRANCHES = 64
MOST_LAYERS = 64
LARGEST_KERNEL = 31
LARGEST_DILATION = 128
LARGEST_STRIDE = 256
MOST_WEIGHTS = 2**30


def check_whole(where: str, value: object, *, minimum: int = 1, maximum: int | None = None) -> None:
    """Raise `ConfigurationError` for what is no whole number within the limits."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < minimum or (maximum is not None and value > maximum):  # type: ignore[operator]
        most = "" if maximum is None else f" and at most {maximum}"
        raise ConfigurationError(
            f"{where}: expected a whole number of at least {minimum}{most}, got {_short(value)}; correct the "
            "configuration."
        )


def check_length(where: str, values: tuple[Any, ...], most: int) -> None:
    """Raise `ConfigurationError` for more entries than allowed."""
    if len(values) > most:
        raise ConfigurationError(f"{where}: expected at most {most}, got {len(values)}.")


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**20:
        return "one of more than 20 digits"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def check_choice(where: str, value: object, choices: tuple[Any, ...]) -> None:
    """Raise `ConfigurationError` for what is none of the choices."""
    # By type too: 2.0 and True are equal to whole numbers but do not serve as such.
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        listed = ", ".join(map(str, choices))
        raise ConfigurationError(
            f"{where}: expected one of {listed}, got {_short(value)}; correct the configuration."
        )
