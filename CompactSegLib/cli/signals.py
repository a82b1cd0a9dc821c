"""Signals that end the command: raised where it is, but not within an import, and again where Python dropped that."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_IMPORTS = "<frozen importlib."
_A_MOMENT = 0.05

_told: list[int] = []


def heed_signals() -> None:
    """Leave through the clean-up on an interrupt, a termination or a hangup, so that no partial files stay."""
    signal.signal(signal.SIGTERM, _leave)
    # Windows has none for a hangup, but one for Ctrl+Break.
    for name in ("SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, _leave)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def leave_if_told() -> None:
    """Raise what a signal raised before, which Python drops inside a finalizer or a weak reference's callback.

    Raises:
        KeyboardInterrupt: The command was interrupted.
        SystemExit: It was told to end in another way.
    """
    if _told:
        _raise(_told[0])


def _leave(number: int, frame: FrameType | None) -> None:
    if frame is not None and frame.f_code.co_filename.startswith(_IMPORTS):
        # Raised between taking an import's lock and being ready to let go of it, the lock would never be free again,
        # and a thread that imports would wait for ever. The signal comes again when the import is further.
        again = threading.Timer(_A_MOMENT, signal.raise_signal, (number,))
        again.daemon = True
        again.start()
        return
    _told.append(number)
    _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
