"""Requests as they come, checked field by field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from CompactSegLib.errors import CompactSegError

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

Id = str | int
_LONGEST_ID = 200


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
    ijk_to_ras: np.ndarray
    model: str
    name: str = "volume"
    levels: int | None = None
    threshold: float | None = None
    all_levels: bool = False
    device: str = "auto"
    precision: str = "auto"
    tile: int | None = None
    kept_bytes: int | None = None


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


Request = SegmentRequest | LevelRequest | Ask | Cancel | Shutdown

_TEXT = (str, "a text")
_WHOLE = (int, "a whole number")
_NUMBER = (int | float, "a number")
_TRUTH = (bool, "true or false")
_ID = (str | int, f"a text of at most {_LONGEST_ID} characters or a whole number")
_FIELDS: dict[str, tuple[dict[str, tuple[Any, str]], dict[str, tuple[Any, str]]]] = {
    # Request: what it must have, and what it may have.
    "segment": (
        {"id": _ID, "ijk_to_ras": (list, "four rows of four numbers"), "model": _TEXT},
        {
            "name": _TEXT,
            "levels": _WHOLE,
            "threshold": _NUMBER,
            "unit": _TEXT,
            "all_levels": _TRUTH,
            "device": _TEXT,
            "precision": _TEXT,
            "tile": _WHOLE,
            "kept_bytes": _WHOLE,
        },
    ),
    "level": ({"id": _ID, "of": _ID, "level": _WHOLE}, {}),
    "cancel": ({"id": _ID}, {}),
    "hello": ({"id": _ID}, {}),
    "models": ({"id": _ID}, {}),
    "devices": ({"id": _ID}, {}),
    "forget": ({"id": _ID}, {}),
    "shutdown": ({}, {"id": _ID}),
}


def parse_request(message: dict[str, Any], array: np.ndarray | None = None) -> Request:
    """A message as the request it is; a field that is null counts as left out.

    Raises:
        RequestError: It is none.
    """
    kind = message.get("request")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise RequestError(f"request: expected one of {', '.join(_FIELDS)}, got {_short(kind)}.")
    required, optional = _FIELDS[kind]
    fields = {
        key: value for key, value in message.items() if key != "request" and value is not None
    }
    for key, value in fields.items():
        if key not in required and key not in optional:
            known = ", ".join([*required, *optional]) or "no field"
            raise RequestError(f"{kind}: expected {known}, got a field {_short(key)}.")
        _check(f"{kind}: {key}", value, *(required | optional)[key])
    for key in required:
        if key not in fields:
            raise RequestError(f"{kind}: expected {key}, {required[key][1]}, but it is missing.")
    if array is not None and kind != "segment":
        raise RequestError(f"{kind}: expected no array, got one of shape {array.shape}.")
    if kind == "segment":
        return _segment(fields, array)
    if kind == "level":
        return LevelRequest(**fields)
    if kind == "cancel":
        return Cancel(**fields)
    return Shutdown() if kind == "shutdown" else Ask(fields["id"], kind)


def _segment(fields: dict[str, Any], array: np.ndarray | None) -> SegmentRequest:
    if array is None or array.ndim not in (3, 4) or not array.size:
        got = "none" if array is None else f"one of shape {array.shape}"
        raise RequestError(
            f"segment: expected an array (k, j, i) or (channels, k, j, i), got {got}."
        )
    rows = fields["ijk_to_ras"]
    flat = [value for row in rows if isinstance(row, list) for value in row]
    shaped = len(rows) == 4 and all(isinstance(row, list) and len(row) == 4 for row in rows)
    if not shaped or not all(map(_is_number, flat)):
        raise RequestError(
            f"segment: ijk_to_ras: expected four rows of four numbers, got {_short(rows)}."
        )
    matrix = np.array(rows, dtype=float)
    if not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise RequestError(
            f"segment: ijk_to_ras: expected 0, 0, 0, 1 as its last row, got {rows[3]}."
        )
    # There was another unit once, and programs name this one.
    if (unit := fields.pop("unit", "jaccard")) != "jaccard":
        raise RequestError(f"segment: unit: expected jaccard, got {_short(unit)}.")
    return SegmentRequest(**(fields | {"ijk_to_ras": matrix}), array=array)


def _check(what: str, value: object, kind: Any, expected: str) -> None:
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if isinstance(value, float):
        fits = fits and math.isfinite(value)  # 1e999 is JSON
    if fits and expected is _ID[1] and isinstance(value, str):
        fits = len(value) <= _LONGEST_ID
    if not fits:
        raise RequestError(f"{what}: expected {expected}, got {_short(value)}.")


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
