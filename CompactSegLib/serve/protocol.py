"""Frames between the worker and whoever started it: JSON lines, some with a raw array behind them.

A frame is one line of UTF-8 JSON, an object, ended by a line feed. Where it carries an array, the line states
``"array": {"shape": [...], "dtype": "int16", "bytes": N}`` and exactly N bytes follow, little-endian in C order.
docs/worker.md lists requests and events. Only the standard library and numpy are used here, since both ends read and
write frames with this file, and one of them is Slicer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TypeGuard

import numpy as np

PROTOCOL = 1
"""Version of requests and events; it grows when an older partner would misread them."""

LARGEST_LINE = 4 * 2**20
LARGEST_ARRAY = 4 * 2**30
_DTYPES = (
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
)
_CHUNK = 2**20
_LARGEST_SIZE = 2**62
_MOST_SKIPPED = 2**48


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes | None: ...


@dataclass(frozen=True, eq=False)
class Frame:
    """A message, and the array that came with it.

    Attributes:
        message: The JSON object, without ``array``.
        array: Writable and in the machine's byte order; None where there was none.
    """

    message: dict[str, Any]
    array: np.ndarray | None = None


@dataclass(frozen=True)
class BadFrame:
    """Bytes that were no frame; reading goes on behind them.

    Attributes:
        sentence: What was expected and what came.
        id: Of the message, where it could be read.
    """

    sentence: str
    id: str | int | None = None


_ENDED = BadFrame("frame: the stream ended in the middle of one.")


def encode_frame(
    message: Mapping[str, Any], array: np.ndarray | None = None
) -> list[bytes | memoryview]:
    """The bytes of a frame: its line, and the array's own memory where that is fit to be sent.

    Args:
        message: What JSON can hold, without ``array``.
        array: Of any shape; its type is one of docs/worker.md.

    Raises:
        ValueError: NaN or infinity in the message, or an array that is not of whole or real numbers.
    """
    if array is None:
        return [_line(message)]
    if array.dtype.name not in _DTYPES:
        raise ValueError(f"array: expected one of {', '.join(_DTYPES)}, got {array.dtype}.")
    sent = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    stated = {"shape": list(array.shape), "dtype": array.dtype.name, "bytes": sent.nbytes}
    return [_line({**message, "array": stated}), sent.reshape(-1).view(np.uint8).data]


def write_frame(
    stream: BinaryIO, message: Mapping[str, Any], array: np.ndarray | None = None
) -> None:
    """Write a frame to a stream.

    Args:
        stream: Binary, buffered or not.
        message: As of `encode_frame`.
        array: Of any shape, as of `encode_frame`.

    Raises:
        OSError: The other end is gone.
        ValueError: As `encode_frame`.
    """
    write_parts(stream, encode_frame(message, array))


def write_parts(stream: BinaryIO, parts: Iterable[bytes | memoryview]) -> None:
    """Write what `encode_frame` returned; an unbuffered stream may take only some of it at a time."""
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[stream.write(rest) :]
    stream.flush()


def read_frames(
    stream: Readable, *, largest_line: int = LARGEST_LINE, largest_array: int = LARGEST_ARRAY
) -> Iterator[Frame | BadFrame]:
    """Frames of a stream until it ends, each as soon as it is there.

    What is no frame costs one `BadFrame`, and reading goes on behind the next line break: at once, or behind the array
    where the line stated its bytes. Lines that are no messages and follow each other count as one.

    Args:
        stream: Binary, buffered or not.
        largest_line: Bytes; a longer line is not kept.
        largest_array: Bytes; a larger array is not kept.
    """
    source, is_lost = _Source(stream), False
    while line := source.line(largest_line + 1):
        message = None
        if not line.endswith(b"\n"):
            if len(line) <= largest_line or not source.skip_line():
                yield _ENDED
                return
            sentence = f"frame: expected a line of at most {largest_line} bytes."
        elif line.strip():
            message = _message(line)
            sentence = f"frame: expected a line with a JSON object, got {_shortened(line)}."
        else:
            continue
        if message is None:
            if not is_lost:
                yield BadFrame(sentence)
            is_lost = True
            continue
        is_lost = False
        stated = message.pop("array", None)
        if stated is None:
            yield Frame(message)
            continue
        try:
            array = _room_for(stated, largest_array)
        except (ValueError, RecursionError) as error:
            yield BadFrame(f"array: {error}", id_of(message))
            size = stated.get("bytes") if isinstance(stated, dict) else None
            # What nobody can have sent is not waited for.
            skipped = size if _is_size(size) and size <= _MOST_SKIPPED else 0
            if sum(map(len, source.pieces(skipped))) < skipped:
                yield _ENDED
                return
            continue
        body, filled = array.reshape(-1).view(np.uint8), 0
        for piece in source.pieces(body.size):
            body[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            filled += len(piece)
        if filled < body.size:
            sentence = f"array: expected {body.size} bytes, but the stream ended after {filled}."
            yield BadFrame(sentence, id_of(message))
            return
        yield Frame(message, array.astype(array.dtype.newbyteorder("="), copy=False))


class _Source:
    """The bytes of a stream, as many as are asked for; none of them waits for others."""

    def __init__(self, stream: Readable) -> None:
        # A buffered stream's read waits for all it was asked.
        self._read = getattr(stream, "read1", stream.read)
        self._data, self._at = b"", 0

    def line(self, most: int) -> bytes:
        """What comes up to the next line break, with it; `most` bytes where it is further, less at the stream's end."""
        while (end := self._data.find(b"\n", self._at, self._at + most)) < 0:
            if len(self._data) - self._at >= most or not (data := self._read(_CHUNK)):
                break
            self._data, self._at = self._data[self._at :] + data, 0
        at, self._at = self._at, min(len(self._data), end + 1 if end >= 0 else self._at + most)
        return self._data[at : self._at]

    def skip_line(self) -> bool:
        """Go on behind the next line break; False where the stream ends before."""
        while piece := self.line(_CHUNK):
            if piece.endswith(b"\n"):
                return True
        return False

    def pieces(self, count: int) -> Iterator[bytes]:
        """The next `count` bytes, less where the stream ends."""
        while count:
            if self._at == len(self._data):
                self._data, self._at = self._read(_CHUNK) or b"", 0
            piece = self._data[self._at : self._at + count]
            if not piece:
                return
            self._at += len(piece)
            count -= len(piece)
            yield piece


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _room_for(stated: object, most_bytes: int) -> np.ndarray:
    """An array as a line states it, with nothing in it yet.

    Raises:
        ValueError: It is not one that can be taken.
    """
    if not isinstance(stated, dict) or not _is_size(stated.get("bytes")):
        raise ValueError(f"expected shape, dtype and bytes, got {_shortened(stated)}.")
    shape, name, size = stated.get("shape"), stated.get("dtype"), stated["bytes"]
    if name not in _DTYPES:
        raise ValueError(f"expected a dtype of {', '.join(_DTYPES)}, got {_shortened(name)}.")
    if not isinstance(shape, list) or len(shape) > 8 or not all(map(_is_size, shape)):
        raise ValueError(f"expected a shape of at most 8 sizes, got {_shortened(shape)}.")
    dtype: np.dtype[Any] = np.dtype(name).newbyteorder("<")
    expected = math.prod(shape) * dtype.itemsize
    if size != expected:
        raise ValueError(f"expected {expected} bytes for {shape} of {name}, got {size}.")
    if size > most_bytes:
        raise ValueError(f"expected at most {most_bytes} bytes, got {size}.")
    if math.prod(max(1, n) for n in shape) > most_bytes:  # with an axis of 0
        raise ValueError(f"expected sizes that an array can have, got {_shortened(shape)}.")
    try:
        return np.empty(shape, dtype)
    except MemoryError:
        raise ValueError(f"there is no memory for its {size} bytes.") from None


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_SIZE


def id_of(message: Mapping[str, Any]) -> str | int | None:
    """The id of the request that a message is or belongs to; None where it has none that is one."""
    value = message.get("id")
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _shortened(value: object) -> str:
    text = repr(value[:60] if isinstance(value, bytes) else value)
    return text if len(text) <= 80 else text[:77] + "..."
