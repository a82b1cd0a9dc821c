"""How long the event loop stood still: the longest time between two ticks of a 5 ms timer.

On a machine with more to do than processors, a pause may be another process's doing. What this thread computed between
two ticks is told as well: that is the code's own.
"""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer

TICK_MS = 5


class Pauses:
    """Used as a context: ``with Pauses() as pauses``.

    Attributes:
        longest_ms: The longest pause so far.
        busiest_ms: The most that the main thread computed between two ticks.
        at_s: When it ended, in seconds since the watch began.
        ticks: How many ticks there were so far: turns of the loop, as no two of them are in one.
    """

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.busiest_ms = 0.0
        self.at_s = 0.0
        self.ticks = 0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.interval = TICK_MS
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Pauses:
        self._begin = self._last = time.perf_counter()
        self._computed = time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tick()
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.ticks += 1
        if (now - self._last) * 1000 > self.longest_ms:
            self.longest_ms, self.at_s = (now - self._last) * 1000, now - self._begin
        computed = time.thread_time()
        self.busiest_ms = max(self.busiest_ms, (computed - self._computed) * 1000)
        self._last, self._computed = now, computed
