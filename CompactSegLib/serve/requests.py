"""Requests as they come, checked field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from CompactSegLib.errors import CompactSegError
from CompactSegLib.json_data import Invalid, Such, build, shown

__all__ = [
    "Ask",
    "Cancel",
    "LevelRequest",
    "Request",
    "RequestError",
    "SegmentRequest",
    "Shutdown",
    "parse_request",
]

_LONGEST_ID = 200
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


Request = SegmentRequest | LevelRequest | Ask | Cancel | Shutdown

_KINDS: dict[str, type[SegmentRequest | LevelRequest | Ask | Cancel | Shutdown]] = {
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
