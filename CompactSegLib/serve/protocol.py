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
from typing import Any, BinaryIO, TypeGuard

import numpy as np

__all__ = [
    "LARGEST_ARRAY",
    "LARGEST_LINE",
    "PROTOCOL",
    "BadFrame",
    "Frame",
    "FrameReader",
    "encode_frame",
    "id_of",
    "read_frames",
    "write_frame",
    "write_parts",
]

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


def read_frames(stream: BinaryIO, **limits: int) -> Iterator[Frame | BadFrame]:
    """Frames of a stream until it ends, each as soon as it is there.

    Args:
        stream: Binary, buffered or not.
        **limits: Those of `FrameReader`, in bytes.
    """
    reader = FrameReader(**limits)
    read = getattr(
        stream, "read1", stream.read
    )  # a buffered stream's read waits for all it was asked
    while data := read(_CHUNK):
        yield from reader.feed(data)
    yield from reader.finish()


class FrameReader:
    """Frames out of bytes that come in pieces of any size.

    What is no frame costs one `BadFrame`, and reading goes on behind the next line break: at once, or behind the array
    where the line stated its bytes. Lines that are no messages and follow each other count as one.

    Args:
        largest_line: Bytes; a longer line is not kept.
        largest_array: Bytes; a larger array is not kept.
    """

    def __init__(
        self, *, largest_line: int = LARGEST_LINE, largest_array: int = LARGEST_ARRAY
    ) -> None:
        self._largest_line, self._largest_array = largest_line, largest_array
        self._line = bytearray()
        self._line_is_too_long = False
        self._lost = False
        self._skip = 0
        self._message: dict[str, Any] = {}
        self._shape: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._body: np.ndarray | None = None
        self._filled = 0

    def feed(self, data: bytes) -> list[Frame | BadFrame]:
        """Take the next bytes of the stream; return what is complete with them."""
        frames: list[Frame | BadFrame] = []
        at = 0
        while at < len(data):
            if self._skip:
                taken = min(self._skip, len(data) - at)
                self._skip -= taken
            elif self._body is not None:
                taken = min(self._body.size - self._filled, len(data) - at)
                piece = np.frombuffer(data, np.uint8, count=taken, offset=at)
                self._body[self._filled : self._filled + taken] = piece
                self._filled += taken
            else:
                end = data.find(b"\n", at)
                taken = (end + 1 if end >= 0 else len(data)) - at
                frames += self._take_line(data[at : at + taken], ends=end >= 0)
            frames += self._finished_array()
            at += taken
        return frames

    def finish(self) -> list[BadFrame]:
        """The stream ended: what was begun is lost."""
        if self._body is not None:
            sentence = f"array: expected {self._body.size} bytes, but the stream ended after {self._filled}."
            return [BadFrame(sentence, id_of(self._message))]
        if self._skip or self._line:
            return [BadFrame("frame: the stream ended in the middle of one.")]
        return []

    def _take_line(self, piece: bytes, *, ends: bool) -> list[Frame | BadFrame]:
        if not self._line_is_too_long:
            self._line += piece
        if len(self._line) > self._largest_line + ends:
            self._line_is_too_long = True
            self._line.clear()
        if not ends:
            return []
        line, self._line = bytes(self._line), bytearray()
        if self._line_is_too_long:
            self._line_is_too_long = False
            return self._lose(f"frame: expected a line of at most {self._largest_line} bytes.")
        return self._read_line(line) if line.strip() else []

    def _read_line(self, line: bytes) -> list[Frame | BadFrame]:
        try:
            message = json.loads(line.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            return self._lose(f"frame: expected a line with a JSON object, got {_shortened(line)}.")
        self._lost = False
        stated = message.pop("array", None)
        if stated is None:
            return [Frame(message)]
        try:
            self._begin_array(message, stated)
        except (ValueError, RecursionError) as error:
            size = stated.get("bytes") if isinstance(stated, dict) else None
            # What nobody can have sent is not waited for.
            self._skip = size if _is_size(size) and size <= _MOST_SKIPPED else 0
            return [BadFrame(f"array: {error}", id_of(message))]
        return []

    def _begin_array(self, message: dict[str, Any], stated: object) -> None:
        """Make room for an array.

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
        if size != math.prod(shape) * dtype.itemsize:
            raise ValueError(
                f"expected {math.prod(shape) * dtype.itemsize} bytes for {shape} of {name}, got {size}."
            )
        if size > self._largest_array:
            raise ValueError(f"expected at most {self._largest_array} bytes, got {size}.")
        if math.prod(max(1, n) for n in shape) > self._largest_array:  # with an axis of 0
            raise ValueError(f"expected sizes that an array can have, got {_shortened(shape)}.")
        try:
            body = np.empty(size, np.uint8)
        except MemoryError:
            raise ValueError(f"there is no memory for its {size} bytes.") from None
        self._message, self._shape, self._dtype = message, tuple(shape), dtype
        self._body, self._filled = body, 0

    def _finished_array(self) -> list[Frame | BadFrame]:
        if self._body is None or self._filled < self._body.size:
            return []
        array = self._body.view(self._dtype).reshape(self._shape)
        frame = Frame(self._message, array.astype(self._dtype.newbyteorder("="), copy=False))
        self._message, self._body = {}, None
        return [frame]

    def _lose(self, sentence: str) -> list[Frame | BadFrame]:
        if self._lost:
            return []
        self._lost = True
        return [BadFrame(sentence)]


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
