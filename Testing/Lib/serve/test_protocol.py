"""Frames: whole again whatever pieces they come in, and found again behind what is none."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from CompactSegLib.serve.protocol import BadFrame, Frame, encode_frame, read_frames

texts = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
messages = st.dictionaries(texts.filter(lambda key: key != "array"), values | texts, max_size=4)
dtypes = st.sampled_from(["int8", "uint8", "<i2", ">i2", "<u4", ">i8", "<f4", ">f8"])
arrays = st_numpy.arrays(dtypes, st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0))
frames = st.tuples(messages, st.none() | arrays)


def encoded(message: dict, array: np.ndarray | None = None) -> bytes:
    return b"".join(encode_frame(message, array))


class Pieces:
    """A stream that gives its bytes in the pieces they came in, as a pipe does."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def read(self, size: int) -> bytes:
        if not self.pieces:
            return b""
        piece, rest = self.pieces[0][:size], self.pieces[0][size:]
        self.pieces[:1] = [rest] if rest else []
        return piece


def read(data: bytes, *cuts: int, **limits: int) -> list[Frame | BadFrame]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = Pieces(*(data[a:b] for a, b in itertools.pairwise(edges)))
    return [*read_frames(pieces, **limits)]


def same(one: list[Frame | BadFrame], other: list[Frame | BadFrame]) -> bool:
    def plain(frame: Frame | BadFrame) -> object:
        if isinstance(frame, BadFrame) or frame.array is None:
            return frame if isinstance(frame, BadFrame) else frame.message
        array = frame.array
        return frame.message, array.dtype.str, array.shape, array.tobytes()

    return [*map(plain, one)] == [*map(plain, other)]


@given(sent=st.lists(frames, max_size=4), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_frames_come_out_as_they_went_in_whatever_the_pieces(sent, cuts):
    found = read(b"".join(encoded(*frame) for frame in sent), *cuts)
    assert [frame.message for frame in found] == [message for message, _ in sent]
    for frame, (_, array) in zip(found, sent, strict=True):
        if array is None:
            assert frame.array is None
        else:
            assert frame.array.shape == array.shape
            assert frame.array.dtype == array.dtype.newbyteorder("=")
            assert frame.array.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


@given(
    noise=st.lists(st.binary(max_size=60) | frames.map(lambda f: encoded(*f)), max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_noise_gives_the_same_in_any_pieces(noise, cuts):
    data = b"".join(noise)
    limits = {"largest_line": 40, "largest_array": 50}
    assert same(read(data, **limits), read(data, *cuts, **limits))


@given(noise=st.binary(max_size=200).filter(lambda noise: b"{" not in noise))
def test_the_next_frame_after_noise_is_found(noise: bytes):
    *bad, good = read(noise + b"\n" + encoded({"id": 1}))
    assert good.message == {"id": 1}
    assert len(bad) <= 1  # binary data holds many line breaks: one error for all of it


@pytest.mark.parametrize(
    "line",
    [
        b"[1, 2]",
        b'{"id": 1',
        b'{"id": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": ' + b"9" * 5000 + b"}",
        b"null",
    ],
    ids=["list", "half", "NaN", "no UTF-8", "deep", "long number", "null"],
)
def test_a_line_that_is_no_message_is_one_bad_frame(line: bytes):
    bad, good = read(line + b"\n" + encoded({"id": 2}))
    assert isinstance(bad, BadFrame)
    assert "expected a line with a JSON object" in bad.sentence
    assert len(bad.sentence) < 200
    assert good.message == {"id": 2}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"shape": [3], "dtype": "int16", "bytes": 5}, "expected 6 bytes"),
        ({"shape": [5], "dtype": "object", "bytes": 5}, "expected a dtype"),
        ({"shape": [-5], "dtype": "int8", "bytes": 5}, "expected a shape"),
        ({"shape": [5.0], "dtype": "int8", "bytes": 5}, "expected a shape"),
        ({"shape": [5], "dtype": ["int8"], "bytes": 5}, "expected a dtype"),
        ({"bytes": 5}, "expected a dtype"),
    ],
)
def test_the_bytes_of_an_array_that_is_refused_are_skipped(stated: dict, expected: str):
    line = json.dumps({"id": "a", "array": stated}).encode() + b"\n"
    bad, good = read(line + b'{"x\n}' + encoded({"id": "b"}))
    assert bad.id == "a"
    assert expected in bad.sentence
    assert good.message == {"id": "b"}


def test_an_array_whose_bytes_are_not_stated_is_refused():
    (bad,) = read(b'{"id": 3, "array": {"shape": [1], "dtype": "int8"}}\n')
    assert bad.id == 3
    assert "expected shape, dtype and bytes" in bad.sentence


def test_too_large_an_array_is_refused_at_once_and_skipped():
    sent = encoded({"id": 4}, np.zeros(1000, np.uint8))
    stream = Pieces(sent[:100], sent[100:] + encoded({"id": 5}))
    found = read_frames(stream, largest_array=999)
    assert "at most 999 bytes, got 1000" in next(found).sentence
    assert len(stream.pieces) == 1
    (good,) = found
    assert good.message == {"id": 5}


def test_more_memory_than_there_is_is_refused():
    stated = {"shape": [2**60], "dtype": "uint8", "bytes": 2**60}
    line = json.dumps({"id": 1, "array": stated}).encode() + b"\n"
    (bad,) = read(line, largest_array=2**62)
    assert "no memory" in bad.sentence


def test_too_long_a_line_is_not_kept():
    found = read_frames(Pieces(*[b"x" * 2**16] * 1000, b"\n", encoded({"id": 6})), largest_line=100)
    tracemalloc.start()
    bad, good = found
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**23
    assert "at most 100 bytes" in bad.sentence
    assert good.message == {"id": 6}


@pytest.mark.parametrize("kept", [5, 60, 65])
def test_a_stream_that_ends_in_the_middle_says_so(kept: int):
    sent = encoded({"id": 7}, np.zeros(20, np.uint8))
    (bad,) = read(sent[:kept])
    assert "ended" in bad.sentence


def test_line_ends_of_other_systems_and_empty_lines_do_no_harm():
    (frame,) = read(b'\r\n\n{"id": 8}\r\n')
    assert frame.message == {"id": 8}


def test_what_json_does_not_know_is_not_sent():
    with pytest.raises(ValueError, match="JSON"):
        encode_frame({"improvement": float("nan")})
    with pytest.raises(ValueError, match="got complex128"):
        encode_frame({}, np.zeros(1, complex))


def test_an_array_is_sent_from_its_own_memory():
    array = np.zeros((2, 3, 4), np.uint8)
    _, body = encode_frame({}, array)
    assert np.shares_memory(np.frombuffer(body, np.uint8), array)


def test_it_needs_nothing_but_numpy():
    code = (
        "import sys, numpy; before = set(sys.modules); import CompactSegLib.serve.protocol\n"
        "names = {n.partition('.')[0] for n in set(sys.modules) - before}\n"
        "print(*names - {'numpy', 'CompactSegLib'} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "stated",
    [
        {"shape": [10**30], "dtype": "uint8", "bytes": 10**30},
        {"shape": [10**30, 0], "dtype": "uint8", "bytes": 0},
        {"shape": [2**40, 2**40, 0], "dtype": "float64", "bytes": 0},
        {"shape": [2**62], "dtype": "float64", "bytes": 2**65},
        {"shape": [3, 0, 2**62], "dtype": "int16", "bytes": 0},
    ],
)
def test_sizes_that_no_array_has_are_refused_and_the_next_frame_is_taken(stated):
    """They killed the thread that reads, and left a process that nobody could end."""
    line = json.dumps({"id": 1, "array": stated}).encode() + b"\n"
    bad, good = read(line + encoded({"id": 2}))
    assert isinstance(bad, BadFrame)
    assert bad.id == 1
    assert len(bad.sentence) < 300
    assert good.message == {"id": 2}
