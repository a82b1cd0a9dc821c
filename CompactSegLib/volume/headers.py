"""What text headers have in common: the lines of NRRD and MetaImage, and files beside them that hold the voxels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from CompactSegLib.errors import InputError
from CompactSegLib.paths import is_file, resolved

_MOST_BYTES = 4 * 2**20
_MOST_LINES = 2**17  # more than files of slices that a header may list
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PATTERN = re.compile(r"([^%]*)%(0?\d{0,2})d([^%]*)")


def text_lines(path: Path) -> Iterator[tuple[str, int]]:
    """The lines of a header, each with the offset of the byte behind it; the caller stops at the last.

    Raises:
        InputError: It goes on for too long to be one.
    """
    with path.open("rb") as file:
        for number in count(1):
            if not (line := file.readline(_MOST_BYTES)):
                return
            if number == 1 and is_utf16(line):
                raise InputError(
                    f"{path}: expected a header in plain text (ASCII or UTF-8), got UTF-16, two bytes for each letter; "
                    "save it anew as plain text."
                )
            if file.tell() > _MOST_BYTES or number > _MOST_LINES:
                raise InputError(
                    f"{path}: expected a header of at most {_MOST_BYTES // 2**20} MB and {_MOST_LINES} lines, got a "
                    "longer one; the file is damaged or of another kind."
                )
            yield _decoded(line).rstrip("\r\n"), file.tell()


def stated_twice(path: Path, field: str) -> InputError:
    """The error of a header that states a field twice: programs differ in which they take."""
    return InputError(
        f"{path}: expected each field of its header once, but {field[:40]!r} is there twice; take one of them out."
    )


def is_utf16(head: bytes) -> bool:
    """Whether a file begins as a text does that has two bytes for each letter."""
    return head.startswith(_UTF16) or head[:4].count(0) == 2


def numbers(text: str) -> list[float]:
    """Numbers with blanks or commas between.

    Raises:
        ValueError: Something else is there.
    """
    return [float(word) for word in re.split(r"[\s,]+", text.strip()) if word]


def whole_numbers(text: str) -> list[int]:
    """As `numbers`, whole ones of a length that a header can mean.

    Raises:
        ValueError: Something else is there.
    """
    words = text.split()
    if any(len(word) > 18 for word in words):
        raise ValueError("too long a number")
    return [int(word) for word in words]


def without_axes(path: Path, field: str) -> str:
    """A remark on a header that lacks the directions of its axes."""
    return (
        f"{path}: its header does not say where in the patient its axes run (no {field}); it was taken as LPS, and "
        "left and right may be exchanged; check it."
    )


def without_origin(path: Path, field: str) -> str:
    """A remark on a header that lacks the place of its first voxel."""
    return (
        f"{path}: its header does not say where in the patient it lies (no {field}); its first voxel was put at 0, so "
        "that it may not lie on other images of this patient; check it."
    )


def file_beside(header: Path, name: str, what: str = "voxels") -> Path:
    """The file of what a header lacks, which lies beside it or below: it may not read from elsewhere.

    Raises:
        InputError: It names a file elsewhere, or one that is not there.
    """
    part = Path(name)
    file = header.parent / part
    # On Windows a name with a drive or a first backslash alone leads elsewhere too, and is not absolute.
    is_elsewhere = part.anchor or ".." in part.parts or "\0" in name or not part.parts
    if is_elsewhere or resolved(file) == resolved(header):
        raise InputError(
            f"{header}: expected its {what} in a file beside it, but it names {name[:100]!r}; put both into one "
            "folder, and only the name into the header."
        )
    if not is_file(file):
        raise InputError(
            f"{header}: expected its {what} in {name[:100]} beside it, which is not there; copy both files."
        )
    return file


def data_names(named: str, listed: Sequence[str], *, slices: int = 0) -> list[str]:
    """The files of the voxels: a name; ``LIST``; or a pattern such as ``s%03d.raw 1 60 1``, perhaps without numbers.

    Raises:
        ValueError: It is no such pattern.
    """
    if named.startswith("LIST"):
        return [name for name in listed if name]
    if "%" not in named:
        return [named]
    pattern, *parts = named.split()
    usual = ["1", str(slices), "1"]
    first, last, step = (int(part) for part in [*parts[:3], *usual[len(parts) :]])
    values = range(first, last + 1, max(1, step))
    match = _PATTERN.fullmatch(pattern)
    if not match or len(values) > 2**16:
        raise ValueError("no pattern for file names")
    before, width, behind = match.groups()
    return [f"{before}{value:{width or 0}d}{behind}" for value in values]


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
