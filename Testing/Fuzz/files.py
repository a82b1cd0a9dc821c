"""Valid image files of every kind that has a reader of its own, and ways to spoil them."""

from __future__ import annotations

import bz2
import gzip
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK

from Testing.Lib.volume.dicom_files import write_multiframe, write_series

Spoil = Callable[[bytes, random.Random], bytes]

_ARRAY = np.random.default_rng(0).integers(0, 900, (4, 5, 6)).astype(np.int16)
_NUMBERS = [
    "0",
    "-1",
    "1e308",
    "nan",
    "inf",
    "9" * 30,
    "2147483648",
    "1" * 400,
    "0x10",
    "",
    "%s%n%s%n",
    "\0",
    "٣",
]
_WORDS = [
    b"LIST",
    b"%d",
    b"/dev/zero",
    b"../a",
    b"complex",
    b"block",
    b"none",
    b"gzip",
    b"raw",
    b"big",
    b"MET_LONG",
]


def seeds(folder: Path) -> dict[str, bytes]:
    """The bytes of valid files by name; what lies beside them is in the folder."""
    image = SimpleITK.GetImageFromArray(_ARRAY)
    image.SetSpacing((1.1, 1.3, 2.0))
    for name in (
        "a.nii",
        "a.nii.gz",
        "a.nrrd",
        "b.nrrd",
        "a.mha",
        "b.mha",
        "a.mhd",
        "a.nhdr",
        "p.img",
    ):
        SimpleITK.WriteImage(image, str(folder / name), useCompression=name[0] == "a")
    raw = _ARRAY.tobytes()
    head = (
        b"NRRD0005\ntype: short\ndimension: 3\nsizes: 6 5 4\nspace: RAS\nendian: little\nencoding: %s\n"
        b"space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nkey:=value\n\n"
    )
    (folder / "c.nrrd").write_bytes(head % b"bzip2" + bz2.compress(raw))
    (folder / "d.nrrd").write_bytes(head % b"ascii" + " ".join(map(str, _ARRAY.ravel())).encode())
    mgh = struct.pack(
        ">7ih15f", 1, 6, 5, 4, 1, 4, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0
    )
    mgh = mgh.ljust(284, b"\0") + _ARRAY.astype(">i2").tobytes()
    (folder / "a.mgh").write_bytes(mgh)
    (folder / "a.mgz").write_bytes(gzip.compress(mgh))
    write_series(folder / "slices", array=_ARRAY)
    write_multiframe(folder / "m.dcm", array=_ARRAY)
    (folder / "s.dcm").write_bytes(min((folder / "slices").iterdir()).read_bytes())
    names = [
        f for f in folder.iterdir() if f.is_file() and f.suffix not in (".raw", ".zraw", ".img")
    ]
    return {file.name: file.read_bytes() for file in sorted(names)}


def _flip(data: bytes, random: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 2, 8, 64))):
        # Headers come first and say most.
        at = int(len(changed) * random.random() ** random.choice((1, 3)))
        changed[at] = random.randrange(256)
    return bytes(changed)


def _cut(data: bytes, random: random.Random) -> bytes:
    return data[: random.randrange(len(data))]


def _insert(data: bytes, random: random.Random) -> bytes:
    at = random.randrange(min(len(data), 2000))
    what = random.choice(
        (random.choice(_NUMBERS).encode(), random.choice(_WORDS), bytes(random.randrange(1, 3000)))
    )
    return data[:at] + what + data[at:]


def _repeat(data: bytes, random: random.Random) -> bytes:
    at = random.randrange(min(len(data), 2000))
    piece = data[at : at + random.randrange(1, 60)]
    return data[:at] + piece * random.choice((2, 50, 2000)) + data[at:]


def _number(data: bytes, random: random.Random) -> bytes:
    """Another number or word in a line of a text header."""
    head, separator, rest = data.partition(b"\n\n")
    lines = head.split(b"\n")
    index = random.randrange(len(lines))
    words = lines[index].split(b" ")
    words[random.randrange(len(words))] = random.choice([*(n.encode() for n in _NUMBERS), *_WORDS])
    lines[index] = b" ".join(words)
    return b"\n".join(lines) + separator + rest


def _field(data: bytes, random: random.Random) -> bytes:
    """Another number in a field of a binary header."""
    kind = random.choice(("<h", "<i", "<q", "<f", "<d", ">i", ">f", "<H", "<I"))
    if kind[1] in "fd":
        value = random.choice((float("nan"), float("inf"), 1e30, -1.0, 0.0, 1e-30))
    else:
        bits = 8 * struct.calcsize(kind) - (kind[1].islower())
        value = random.choice((0, 1, 2**bits - 1, 2 ** (bits // 2), random.randrange(2**bits)))
    at = random.randrange(min(len(data), 560))
    packed = struct.pack(kind, value)
    return data[:at] + packed + data[at + len(packed) :]


SPOILS: tuple[Spoil, ...] = (_flip, _cut, _insert, _repeat, _number, _field)


def spoilt(data: bytes, seed: int) -> bytes:
    """One way to spoil a file, or a few of them; packed ones also from within."""
    chance = random.Random(seed)
    packed = data[:2] == b"\x1f\x8b" and chance.random() < 0.7
    if packed:
        data = gzip.decompress(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(SPOILS)(data, chance) or b"\0"
    return gzip.compress(data, 1) if packed else data
