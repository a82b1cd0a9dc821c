"""Requests: checked field by field as they come, and the mailbox in which they wait and can be cancelled."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from CompactSegLib.errors import CompactSegError
from CompactSegLib.json_data import Invalid, Such, build
from CompactSegLib.words import shown

_LONGEST_ID = 200
_MOST_WAITING = 16
_MOST_WAITING_BYTES = 4 * 2**30

Id = Annotated[
    Any,
    Such(
        f"a text of at most {_LONGEST_ID} characters or a whole number",
        lambda value: (isinstance(value, str) and len(value) <= _LONGEST_ID) or type(value) is int,
    ),
]
_Row = tuple[float, float, float, float]


class RequestError(CompactSegError):
    """A request that is unknown, or a field of it that is missing, unknown or of another type."""


@dataclass(frozen=True, eq=False)
class SegmentRequest:
    """Segment a volume, level by level.

    Attributes:
        id: Repeated in every event of it.
        array: ``(K, J, I)`` or ``(C, K, J, I)``.
        ijk_to_ras: ``(4, 4)``, voxel indices to millimetres, as Slicer gives it.
        model: Name or folder, where the worker runs.
        name: Of the volume, in messages.
        levels: The most levels; None for all.
        threshold: None for the model's own.
        all_levels: Do not stop at a threshold.
        device: ``auto``, ``cpu``, ``cuda``, ``mps``.
        precision: ``auto``, ``fp32``, ``bf16``, ``fp16``.
        tile: Edge in voxels; None for what memory allows.
        kept_bytes: Memory for kept feature maps; None for a third of what is free.
    """

    id: Id
    array: np.ndarray
    ijk_to_ras: tuple[_Row, _Row, _Row, _Row]
    model: str
    name: str = "volume"
    levels: int | None = None
    threshold: float | None = None
    all_levels: bool = False
    device: str = "auto"
    precision: str = "auto"
    tile: int | None = None
    kept_bytes: int | None = None

    def __post_init__(self) -> None:
        if tuple(self.ijk_to_ras[3]) != (0, 0, 0, 1):
            raise Invalid("ijk_to_ras[3]", "0, 0, 0, 1 as its last row", self.ijk_to_ras[3])


@dataclass(frozen=True)
class LevelRequest:
    """A level of the volume that the request `of` brought, from what is known of it."""

    id: Id
    of: Id
    level: int


@dataclass(frozen=True)
class Ask:
    """For something that needs no volume: ``hello``, ``models``, ``devices`` or ``forget``."""

    id: Id
    what: str


@dataclass(frozen=True)
class Cancel:
    """End the request with this id."""

    id: Id


@dataclass(frozen=True)
class Shutdown:
    """End the worker."""

    id: Id | None = None


Work = SegmentRequest | LevelRequest | Ask
Request = Work | Cancel | Shutdown
Send = Callable[[dict[str, Any], np.ndarray | None], None]

_KINDS: dict[str, type[Request]] = {
    "segment": SegmentRequest,
    "level": LevelRequest,
    "cancel": Cancel,
    "shutdown": Shutdown,
    **dict.fromkeys(("hello", "models", "devices", "forget"), Ask),
}


def parse_request(message: dict[str, Any], array: np.ndarray | None = None) -> Request:
    """A message as the request it is; a field that is null counts as left out.

    Raises:
        RequestError: It is none.
    """
    kind = message.get("request")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise RequestError(f"request: expected one of {', '.join(_KINDS)}, got {shown(kind)}.")
    fields = {
        key: value for key, value in message.items() if key != "request" and value is not None
    }
    beside: dict[str, Any] = {}
    if kind == "segment":
        if array is None or array.ndim not in (3, 4) or not array.size:
            got = "none" if array is None else f"one of shape {array.shape}"
            raise RequestError(
                f"segment: expected an array (k, j, i) or (channels, k, j, i), got {got}."
            )
        beside = {"array": array}
    elif array is not None:
        raise RequestError(f"{kind}: expected no array, got one of shape {array.shape}.")
    elif _KINDS[kind] is Ask:
        beside = {"what": kind}
    return build(_KINDS[kind], fields, where=kind, error=RequestError, **beside)


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
        self._waiting: deque[Work] = deque()
        self._current: Work | None = None
        self._cancelled = False
        self._closed = False

    def put(self, request: Work) -> None:
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

    def take(self, timeout: float) -> Work | None:
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


def _bytes(request: Work) -> int:
    """Of the volume that a request brought, and that lies in memory as long as it waits."""
    return request.array.nbytes if isinstance(request, SegmentRequest) else 0
