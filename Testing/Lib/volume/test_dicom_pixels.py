"""Values of DICOM slices: every storage form, padding."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.conftest import REPOSITORY
from Testing.Lib.volume.dicom_files import an_array, each_image, write_series


@pytest.mark.slow
def test_pixels_that_a_killed_run_unpacked_are_removed_by_the_next(tmp_path, monkeypatch):
    """They are of a patient."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    write_series(tmp_path / "case")
    for image in each_image(tmp_path / "case"):
        image.compress(JPEGLSLossless)
    code = (
        "import os, sys, tempfile; from pathlib import Path; from CompactSegLib.volume import dicom_pixels, reading\n"
        "tempfile.tempdir = sys.argv[1]; dicom_pixels.read_by_itk = lambda *_, **__: os._exit(9)\n"
        "reading.read_volume(sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "temporary"), str(tmp_path / "case")]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 9
    (left,) = (tmp_path / "temporary").iterdir()
    assert len([*left.iterdir()]) == 6
    np.testing.assert_array_equal(read_volume(tmp_path / "case").array[0], an_array())
    assert not [*(tmp_path / "temporary").iterdir()]


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLSLossless]
)  # fmt: skip
def test_every_way_to_store_pixels_gives_the_same_values(tmp_path, syntax):
    write_series(tmp_path)
    for file in tmp_path.iterdir():
        image = pydicom.dcmread(file)
        if syntax.is_encapsulated:
            image.compress(syntax)
        else:
            if not syntax.is_little_endian:
                image.PixelData = np.frombuffer(image.PixelData, "<i2").astype(">i2").tobytes()
            image.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            file,
            image,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            force_encoding=True,
        )
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array[0], an_array())
    assert volume.array.dtype == np.int16


def test_bits_that_are_not_of_the_pixel_are_left_out(tmp_path):
    """Overlays may lie above the 12 bits that are stored; the sign is the highest of these."""
    array = an_array() % 4096
    write_series(tmp_path / "a", array=array, BitsStored=12, HighBit=11, PixelRepresentation=0)
    write_series(tmp_path / "b", array=array, BitsStored=12, HighBit=11)
    for folder in "ab":
        for image in each_image(tmp_path / folder):
            image.PixelData = (np.frombuffer(image.PixelData, "<u2") | 0x4000).tobytes()
    np.testing.assert_array_equal(read_volume(tmp_path / "a").array[0], array)
    signed = np.where(array >= 2048, array.astype(int) - 4096, array)
    np.testing.assert_array_equal(read_volume(tmp_path / "b").array[0], signed)


@pytest.mark.parametrize("unsigned", [False, True])
def test_padding_that_the_header_names_becomes_the_smallest_value(tmp_path, unsigned):
    array = an_array() % 900 + 50
    array[:, :2] = -2000
    value = 63536 if unsigned else -2000
    write_series(tmp_path, array=array, slope=2, intercept=-100)
    for image in each_image(tmp_path):
        image.add_new("PixelPaddingValue", "US" if unsigned else "SS", value)
    expected = np.where(array == -2000, array[array != -2000].min(), array) * 2 - 100
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], expected)


def said(folder, vr, value, limit=None, **tags) -> np.ndarray:
    """The values of a series whose files state padding."""
    for image in each_image(folder):
        image.add_new("PixelPaddingValue", vr, value)
        if limit is not None:
            image.add_new("PixelPaddingRangeLimit", vr, limit)
        for tag, other in tags.items():
            setattr(image, tag, other)
    return read_volume(folder).array[0]


@pytest.mark.parametrize(
    ("vr", "value", "limit", "low", "high"),
    [
        ("SS", [300, 500], None, None, None),
        ("SS", 300, 340, 300, 340),
        ("SS", 340, 300, 300, 340),
        ("US", 65236, 65196, -340, -300),
        ("US", 65236, 20, -300, 20),
        ("SS", -300, -340, -340, -300),
        ("SS", [], None, 1, 0),
    ],
    ids=["two values", "range", "from above", "unsigned", "mixed", "signed", "empty"],
)
def test_padding_of_several_values_or_a_range_in_either_order(
    tmp_path, vr, value, limit, low, high
):
    array = an_array()
    array[:, :2], array[:, 3] = 300, 500  # among the image's own: the header alone can tell
    write_series(tmp_path, array=array)
    outside = np.isin(array, (300, 500)) if low is None else (array >= low) & (array <= high)
    expected = np.where(outside, array[~outside].min(), array)
    np.testing.assert_array_equal(said(tmp_path, vr, value, limit), expected)


@pytest.mark.parametrize(("vr", "value"), [("US", 65535), ("SS", -2000)])
def test_padding_that_eight_bits_cannot_hold_is_none(tmp_path, vr, value):
    """Cut to eight bits, 65535 would be white and -2000 would be 48."""
    array = an_array() % 256
    array[:, 0], array[:, 1] = 48, 255
    write_series(tmp_path, array=array)
    for image in each_image(tmp_path):
        pixels = np.frombuffer(image.PixelData, "<i2").astype(np.uint8)
        image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
        image.PixelRepresentation, image.PixelData = 0, pixels.tobytes()
    np.testing.assert_array_equal(said(tmp_path, vr, value), array)


@pytest.mark.parametrize(("vr", "value"), [("US", 63536), ("SS", -2000), ("US", 32768)])
@pytest.mark.parametrize("sign", [0, 1])
def test_padding_beyond_the_bits_of_a_pixel_is_looked_for_in_the_whole_word(
    tmp_path, vr, value, sign
):
    array = an_array() + 1050 if sign else 2 * an_array() + 2050
    array[:, 0] = 0 if sign else 2096  # what is left of values in twelve bits
    outside = np.zeros(array.shape, bool)
    outside[:, -2:] = True
    words = np.where(outside, value % 2**16, array.astype(np.uint16)).astype(np.uint16)
    write_series(tmp_path, array=words.view(np.int16))
    expected = np.where(outside, array[~outside].min(), array)
    got = said(tmp_path, vr, value, BitsStored=12, HighBit=11, PixelRepresentation=sign)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("kind", "dtype"), [("Float", "<f4"), ("DoubleFloat", "<f8")])
@pytest.mark.parametrize("limit", [None, 340.0])
def test_padding_of_values_in_floating_point_becomes_the_smallest_value(
    tmp_path, kind, dtype, limit
):
    array = an_array() % 900 + 50
    array[:, :2] = 300  # within the image's intensities: the header alone can tell
    write_series(tmp_path, array=array)
    for image in each_image(tmp_path):
        image.BitsAllocated = 8 * np.dtype(dtype).itemsize
        values = np.frombuffer(image.PixelData, "<i2").astype(dtype)
        del image.PixelData, image.BitsStored, image.HighBit, image.PixelRepresentation
        setattr(image, f"{kind}PixelData", values.tobytes())
        setattr(image, f"{kind}PixelPaddingValue", 300.0)
        if limit is not None:
            setattr(image, f"{kind}PixelPaddingRangeLimit", limit)
    outside = (array >= 300) & (array <= (limit or 300))
    expected = np.where(outside, array[~outside].min(), array)
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], expected)


def test_values_that_are_to_be_looked_up_in_a_table_are_refused(tmp_path):
    write_series(tmp_path, array=an_array())
    for image in each_image(tmp_path):
        table = pydicom.Dataset()
        table.add_new("LUTDescriptor", "US", [4, 0, 16])
        table.ModalityLUTType = "US"
        table.add_new("LUTData", "US", [0, 10, 40, 90])
        image.ModalityLUTSequence = [table]
    with pytest.raises(InputError, match=r"Modality LUT Sequence \(0028,3000\)"):
        read_volume(tmp_path)
