"""Signals that end the command: raised where it is, and again at its next step where that was swallowed."""

from __future__ import annotations

import signal
from types import FrameType

__all__ = ["heed_signals", "leave_if_told"]

_told: list[int] = []


def heed_signals() -> None:
    """Leave through the clean-up on an interrupt, a termination or a hangup, so that no partial files stay."""
    signal.signal(signal.SIGTERM, _leave)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_DFL:  # nohup ignores it
        signal.signal(hangup, _leave)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def leave_if_told() -> None:
    """Raise what a signal raised before, which Python drops inside a finalizer or a weak reference's callback.

    Each import ends with such a callback, so that a signal during imports is lost now and then.

    Raises:
        KeyboardInterrupt: The command was interrupted.
        SystemExit: It was told to end in another way.
    """
    if _told:
        _raise(_told[0])


def _leave(number: int, _frame: FrameType | None) -> None:
    _told.append(number)
    _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
