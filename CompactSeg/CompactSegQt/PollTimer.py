"""Lets the logic handle what came from the worker, as often as its state needs it."""

from collections.abc import Callable

import qt

__all__ = ["PollTimer"]

_BUSY_MS = 30
_IDLE_MS = 250


class PollTimer:
    """Calls `poll` on the main thread: often while something is under way, now and then while the worker waits.

    Args:
        poll: What is called; it is quick.
    """

    def __init__(self, poll: Callable[[], None]) -> None:
        self._timer = qt.QTimer()
        self._timer.connect("timeout()", poll)

    def follow(self, state: str) -> None:
        """Take the pace that a state of the logic needs."""
        if state == "stopped":
            self._timer.stop()
            return
        interval = _IDLE_MS if state == "ready" else _BUSY_MS
        if not self._timer.active or self._timer.interval != interval:
            self._timer.start(interval)

    def stop(self) -> None:
        self._timer.stop()
