"""Where requests wait for the thread that computes, and where they can be cancelled."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from CompactSegLib.serve.requests import Id, RequestError

__all__ = ["Mailbox", "Waiting"]

_MOST_WAITING = 16
_MOST_WAITING_BYTES = 4 * 2**30

Send = Callable[[dict[str, Any], np.ndarray | None], None]


class Waiting(Protocol):
    """A request that waits its turn."""

    @property
    def id(self) -> Id: ...


class Mailbox:
    """Requests in the order they came, of which one at a time is being carried out.

    A cancelled request says so at once, from the thread that took the request to cancel, and no event of it follows,
    although a convolution that has begun is still brought to its end.

    Args:
        send: Takes events with their arrays; must not block.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._waiting: deque[Waiting] = deque()
        self._current: Waiting | None = None
        self._cancelled = False
        self._closed = False

    def put(self, request: Waiting) -> None:
        """Let a request wait.

        Raises:
            RequestError: Its id is in use, or too many wait already.
        """
        with self._changed:
            others = [*self._waiting, *([self._current] if self._current else [])]
            if any(other.id == request.id for other in others):
                raise RequestError(
                    f"id: expected one that is not in use, got {request.id!r} again."
                )
            if len(self._waiting) >= _MOST_WAITING:
                raise RequestError(
                    f"expected at most {_MOST_WAITING} requests to wait, got one more; cancel some."
                )
            volume = _bytes(request)
            if volume and volume + sum(map(_bytes, self._waiting)) > _MOST_WAITING_BYTES:
                raise RequestError(
                    f"expected volumes of at most {_MOST_WAITING_BYTES / 2**30:g} GB to wait, got more; wait for "
                    "results, or cancel some."
                )
            self._waiting.append(request)
            self._changed.notify()

    def take(self, timeout: float) -> Waiting | None:
        """The next request, which is then the current one; None after `timeout` seconds or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            if self._closed or not self._waiting:
                return None
            self._current, self._cancelled = self._waiting.popleft(), False
            return self._current

    def cancel(self, wanted: Id) -> bool:
        """End a request; False where none with this id waits or runs, as when it has just ended."""
        with self._changed:
            waiting = next((other for other in self._waiting if other.id == wanted), None)
            if waiting is not None:
                self._waiting.remove(waiting)
            elif self._current is not None and self._current.id == wanted and not self._cancelled:
                self._cancelled = True
            else:
                return False
            self._send({"event": "cancelled", "id": wanted}, None)
            return True

    def tell(self, event: dict[str, Any], array: np.ndarray | None = None) -> None:
        """Send an event of the current request, unless that was cancelled."""
        with self._changed:
            if self._current is not None and not self._cancelled:
                named = {"event": event["event"], "id": self._current.id}
                self._send(named | event, array)

    def finish(self, event: dict[str, Any]) -> None:
        """Send the last event of the current request."""
        with self._changed:
            self.tell(event)
            self._current = None

    @property
    def is_cancelled(self) -> bool:
        """Whether the current request is to end."""
        return self._cancelled or self._closed

    @property
    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """End everything: nothing waits any more, and the current request is to end."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()


def _bytes(request: Waiting) -> int:
    """Of the volume that a request brought, and that lies in memory as long as it waits."""
    array = getattr(request, "array", None)
    return array.nbytes if isinstance(array, np.ndarray) else 0
