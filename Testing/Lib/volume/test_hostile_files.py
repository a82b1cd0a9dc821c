"""What is no image, or was made to do harm, is refused in a sentence, within little memory; what hangs, pytest ends."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import threading
import zlib
from pathlib import Path

import nibabel
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_labels, read_volume
from Testing.Fuzz.files import seeds, spoilt

ARRAY = np.random.default_rng(0).integers(0, 900, (6, 5, 4)).astype(np.int16)


@pytest.fixture(scope="module")
def valid_files(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("valid")
    return folder, seeds(folder)


def read_spoilt(valid_files, name, seed):
    """It may be read or refused, in a sentence that names its place."""
    folder, known = valid_files
    path = folder / ("one" if name == "s.dcm" else "") / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(spoilt(known[name], seed))
    try:
        read_volume(path)
    except InputError as error:
        assert str(folder) in str(error)  # noqa: PT017 - either is right
    finally:
        path.write_bytes(known[name])


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), which=st.integers(0, 2**16))
def test_a_spoilt_file_is_read_or_refused_in_a_sentence(valid_files, seed, which):
    """Testing/Fuzz/read_spoilt_files.py does the same by the ten thousand, and counts processes that end."""
    names = [*valid_files[1]]
    read_spoilt(valid_files, names[which % len(names)], seed)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("s.dcm", 1135),
        ("m.dcm", 4365),
        ("m.dcm", 5725),
        ("s.dcm", 10879),
        ("a.mhd", 10995),
        ("m.dcm", 12189),
        ("s.dcm", 10207),
        ("s.dcm", 13599),
        ("s.dcm", 14271),
        ("m.dcm", 15501),
    ],
)
def test_what_twenty_thousand_spoilt_files_found_is_mended(valid_files, name, seed):
    read_spoilt(valid_files, name, seed)


@pytest.mark.skipif(os.name == "nt", reason="these are files of Unix")
@pytest.mark.parametrize(
    "kind", ["pipe", "socket", "device", "directory", "loop", "link to nothing"]
)
@pytest.mark.parametrize("reads", [read_volume, read_labels])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, kind, reads, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    path = Path("a.nii.gz")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else tmp_path / "nothing")
    with pytest.raises(InputError) as raised:
        reads(path)
    assert str(raised.value).startswith(f"{path}: ")


@pytest.mark.skipif(os.name != "posix", reason="pipes are files as POSIX has them")
def test_in_a_folder_what_is_no_file_is_passed_over_but_for_a_slice(tmp_path):
    from Testing.Lib.volume.dicom_files import an_array, write_series

    write_series(tmp_path / "case")
    os.mkfifo(tmp_path / "case" / "notes")
    (tmp_path / "case" / "around").symlink_to(tmp_path / "case")
    np.testing.assert_array_equal(read_volume(tmp_path / "case").array[0], an_array())
    os.mkfifo(tmp_path / "case" / "3-006.dcm")
    with pytest.raises(InputError, match=r"3-006\.dcm: expected a complete DICOM image"):
        read_volume(tmp_path / "case")


@pytest.mark.parametrize("nothing", ["", Path()])
def test_an_empty_path_is_no_folder_of_images(nothing, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"got an empty text|expected DICOM images, found none"):
        read_volume(nothing)


@pytest.mark.skipif(os.name != "posix", reason="names are text on Windows")
def test_a_name_that_is_not_utf_8_is_read(tmp_path):
    name = os.fsdecode(b"t\xeate.nii")
    nibabel.save(nibabel.Nifti1Image(ARRAY, np.eye(4)), tmp_path / "a.nii")
    (tmp_path / "a.nii").rename(tmp_path / name)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array[0].T, ARRAY)
    volume.name.encode("utf-8")


def memory_of(function) -> float:
    """The most megabytes that a call took."""
    process, peak, ended = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not ended.wait(0.005):
            peak[0] = max(peak[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        function()
    finally:
        ended.set()
        watcher.join()
    return peak[0] / 2**20


def a_bomb(path: Path, header: bytes, packer) -> Path:
    """200 MB of zeros in 200 kB behind a header of a few voxels."""
    zeros = bytes(2**20)
    with path.open("wb") as file:
        file.write(packer.compress(header))
        for _ in range(200):
            file.write(packer.compress(zeros))
        file.write(packer.flush())
    return path


def a_nifti_header() -> bytes:
    return nibabel.Nifti1Image(ARRAY, np.eye(4)).to_bytes()


def test_what_unpacks_to_much_more_than_its_header_says_is_refused(tmp_path):
    path = a_bomb(tmp_path / "a.nii.gz", a_nifti_header(), zlib.compressobj(1, wbits=31))

    def read() -> None:
        with pytest.raises(InputError, match=r"as its header states, but it goes on far behind"):
            read_volume(path)

    assert memory_of(read) < 100


def test_a_header_of_more_voxels_than_memory_has_is_refused_at_once(tmp_path):
    data = bytearray(a_nifti_header())
    struct.pack_into("<8h", data, 40, 3, 9000, 9000, 9000, 1, 1, 1, 1)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(data))

    def read() -> None:
        with pytest.raises(InputError, match="expected an image that fits the free memory"):
            read_volume(tmp_path / "a.nii.gz")

    assert memory_of(read) < 100


NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: 4 5 6\nencoding: raw\nspacings: 1 1 1\n"
HEADERS = {
    "a line of 1,000 characters": NRRD + "# " + "x" * 1000 + "\n\n",
    "a line of 100,000 characters": NRRD + "content: " + "x" * 100_000 + "\n\n",
    "a line without an end": NRRD + "x" * 8_000_000,
    "many lines": NRRD + "# x\n" * 3_000_000,
    "many dimensions": NRRD.replace("dimension: 3", "dimension: 99999999"),
    "a long number": NRRD.replace("4 5 6", f"{'9' * 5000} 5 6"),
    "a size below 0": NRRD.replace("4 5 6", "-4 -5 6"),
    "a format string": NRRD + "data file: %s%n%s%n 1 2 3\n\n",
    "millions of files": NRRD + "data file: a%d.raw 0 999999999 1\n\n",
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_that_ends_itks_reader_is_only_text_here(tmp_path, what):
    (tmp_path / "a.nrrd").write_bytes(HEADERS[what].encode() + ARRAY.tobytes())
    if "characters" in what:
        assert read_volume(tmp_path / "a.nrrd").array.shape == (1, 6, 5, 4)
    else:
        with pytest.raises(InputError, match=r"a\.nrrd: expected"):
            read_volume(tmp_path / "a.nrrd")


@pytest.mark.parametrize(
    "line", ["NDims = 99999999", "NDims = 0", "DimSize = 4 5", "ElementDataFile = %s%n%s%n"]
)
def test_a_metaimage_that_ends_itks_reader_is_refused(tmp_path, line):
    header = (
        "ObjectType = Image\nNDims = 3\nDimSize = 4 5 6\nElementSpacing = 1 1 1\nElementType = MET_SHORT\n"
        "ElementDataFile = LOCAL\n"
    )
    key = line.split(" = ")[0]
    lines = [line if old.startswith(key) else old for old in header.splitlines()]
    (tmp_path / "a.mha").write_bytes("\n".join(lines).encode() + b"\n" + ARRAY.tobytes())
    with pytest.raises(InputError, match=r"a\.mha: expected"):
        read_volume(tmp_path / "a.mha")


@pytest.mark.slow
def test_a_file_that_ends_the_reader_of_other_formats_ends_nothing_else(tmp_path, monkeypatch):
    """Other formats are read by ITK in a process of its own: here one that ends itself, and one that hangs."""
    import sys

    from CompactSegLib.volume import foreign

    (tmp_path / "a.vtk").write_text("# vtk DataFile")
    real = foreign.subprocess.Popen
    for code in ("import os; os.kill(os.getpid(), 11)", "import time; time.sleep(600)"):
        command = [sys.executable, "-c", code]
        monkeypatch.setattr(
            foreign.subprocess,
            "Popen",
            lambda _, command=command, **options: real(command, **options),
        )
        monkeypatch.setattr(foreign, "_SECONDS", 1.0)
        with pytest.raises(InputError, match=r"a\.vtk: .* ended or hung the reader"):
            read_volume(tmp_path / "a.vtk")


def test_nothing_is_unpacked_only_to_be_skipped(tmp_path, monkeypatch):
    """Voxels that are said to lie behind gigabytes of what packs well."""
    nibabel.save(nibabel.Nifti1Image(ARRAY, np.eye(4)), tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<f", data, 108, 2.0**31)
    with gzip.open(tmp_path / "bomb.nii.gz", "wb", compresslevel=1) as file:
        file.write(bytes(data))
        for _ in range(100):
            file.write(bytes(2**20))
    unpacked = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda *a: unpacked.append(read(*a)) or unpacked[-1])
    with pytest.raises(InputError, match="damaged or cut short"):
        read_volume(tmp_path / "bomb.nii.gz")
    assert sum(map(len, unpacked)) < 2**16
