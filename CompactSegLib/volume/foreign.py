"""Files of formats that ITK alone reads, in a process of its own: no file ends or hangs the one that asks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.stored import StoredImage, check_size, coloured, damaged, not_3d, not_real

_FORMATS = "NIfTI, NRRD, MetaImage, MGZ or DICOM"

# Not PYTHONPATH: a folder's name may hold its separator.
_START = (
    "import sys; sys.path[0] = sys.argv[1]; from CompactSegLib.volume.itk_child import main; main()"
)
_SECONDS = 60.0
_BYTES_PER_SECOND = 2e6
_LONGEST_LINE = 10_000
# Read here, whatever ITK takes for them: it looks for other files of the same name.
_OWN_READERS = ("GDCM", "Meta", "Nifti", "Nrrd")
# What ITK fills in is no fact. The first state no distance of slices, and others than the second no axes.
_WITHOUT_DISTANCE = ("JPEG2000", "TIFF")
_WITH_AXES = ("Bruker2dseq", "GE4", "GE5", "HDF5", "MINC")


def unknown(path: Path) -> InputError:
    """The error of a file that no reader knows."""
    return InputError(
        f"{path}: expected an image ({_FORMATS}), got a file of another kind, or a damaged one."
    )


def read_foreign(path: Path) -> StoredImage:
    """Read a file of a format that has no reader here.

    Raises:
        InputError: It is none that ITK reads, damaged, or no 3D image of real numbers.
    """
    if not _is_utf8(path):
        raise InputError(
            f"{path}: expected a file name in UTF-8, as ITK needs it for this format; rename the file."
        )
    ((facts, array),) = read_by_itk([path], named=path)
    if facts["format"] in _OWN_READERS:
        raise unknown(path)
    size = facts["size"]
    if len(size) not in (3, 4) or (len(size) == 4 and size[3] > 1):
        raise not_3d(path, size)
    if array is None:
        raise not_real(path, facts["kind"])
    if facts["components"] in (3, 4) and "8-bit unsigned" in facts["kind"]:
        raise coloured(path, f"{facts['components']} x 8 bit")
    if facts["format"] in _WITHOUT_DISTANCE:
        raise InputError(
            f"{path}: expected an image that states the distance of its slices, got {facts['format']}, which cannot; "
            f"convert it to {_FORMATS} with the right distances."
        )
    geometry = Geometry(
        tuple(size[:3]),
        tuple(facts["spacing"][:3]),
        tuple(facts["origin"][:3]),
        tuple(facts["direction"]),
    )
    told = []
    if 1.0 in geometry.spacing_mm:
        told.append(
            "in this format a distance of 1 mm may be what ITK assumes where a file states none"
        )
    if facts["format"] not in _WITH_AXES:
        told.append(
            f"files of {facts['format']} do not say where in the patient their axes run; it was taken as LPS, and left "
            "and right may be exchanged"
        )
    array = np.ascontiguousarray(np.moveaxis(array, -1, 0))
    return StoredImage(
        array, geometry, tuple(f"{path}: {sentence}; check it." for sentence in told)
    )


def read_by_itk(
    paths: Sequence[Path], *, named: Path
) -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
    """What a process of its own makes of files: the facts of their headers, and voxels (K, J, I, C).

    Args:
        paths: To be read.
        named: The file or folder that messages name.

    Raises:
        InputError: ITK cannot read one, or ended, or took too long.
    """
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", _START, root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # A program without a console, such as Slicer on Windows, would show one for it.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert process.stdin and process.stdout
    seconds = _SECONDS + sum(path.stat().st_size for path in paths) / _BYTES_PER_SECOND
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    request = {
        "paths": [str(p) for p in paths],
        "most_bytes": psutil.virtual_memory().available + 2**31,
    }
    try:
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        for _ in paths:
            yield _answer(process.stdout, named)
    except (EOFError, OSError, ValueError) as error:
        raise InputError(
            f"{named}: expected an image ({_FORMATS}), but reading it ended or hung the reader; the file is damaged or "
            "of another kind."
        ) from error
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def _answer(stream: IO[bytes], named: Path) -> tuple[dict[str, Any], np.ndarray | None]:
    line = stream.readline(_LONGEST_LINE)
    if not line:
        raise EOFError
    facts = json.loads(line)
    if facts.get("error") == "unknown":
        raise unknown(named)
    if "error" in facts:
        raise damaged(named)
    if "shape" not in facts:
        return facts, None
    dtype = np.dtype(facts["dtype"])
    check_size(named, facts["shape"], dtype.itemsize)
    array = np.empty(facts["shape"], dtype)
    view = array.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < len(view):
        count = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        filled += count
    return facts, array


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
