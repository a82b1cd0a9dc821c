"""NRRD and MetaImage: every form of header and storage, and what a header leaves out."""

from __future__ import annotations

import bz2
import gzip
from pathlib import PureWindowsPath

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume import headers
from CompactSegLib.volume.reading import read_labels, read_volume
from Testing.Lib.volume.text_files import ARRAY, FRAME, META, meta, nrrd

STORED = {
    "raw": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "ascii": lambda _: " ".join(map(str, ARRAY.ravel())).encode(),
}


@pytest.mark.parametrize("encoding", STORED)
def test_every_encoding_of_nrrd_is_read(tmp_path, encoding):
    data = STORED[encoding](ARRAY.astype("<i2").tobytes())
    volume = read_volume(nrrd(tmp_path / "a.nrrd", data=data, encoding=encoding))
    np.testing.assert_array_equal(volume.array[0], ARRAY)
    assert volume.geometry.spacing_mm == (1.1, 1.3, 2.0)
    assert volume.geometry.origin_lps_mm == (30.0, 20.0, -10.0)
    assert volume.geometry.orientation == "LPS"
    assert not volume.warnings


@pytest.mark.parametrize("spaced", [True, False])
def test_the_space_of_a_header_is_heeded(tmp_path, spaced):
    frame = FRAME.replace("left-posterior-superior", "right-anterior-superior" if spaced else "RAS")
    geometry = read_volume(nrrd(tmp_path / "a.nrrd", frame=frame)).geometry
    assert geometry.orientation == "RAS"
    assert geometry.origin_lps_mm == (-30.0, -20.0, -10.0)


def test_voxels_in_files_beside_the_header_are_read(tmp_path):
    data = ARRAY.astype("<i2").tobytes()
    (tmp_path / "a.raw").write_bytes(b"skip me\n" + b"1234" + data)
    more = "line skip: 1\nbyte skip: 4\ndata file: a.raw\n"
    (tmp_path / "tail.raw").write_bytes(b"of any length" + data)
    for k in range(5):
        (tmp_path / f"s{k:02}.raw").write_bytes(ARRAY[k].astype("<i2").tobytes())
        (tmp_path / f"h{k:02}.raw").write_bytes(b"head" + ARRAY[k].astype("<i2").tobytes())
    listed = "data file: LIST\n" + "".join(f"s{k:02}.raw\n" for k in range(5))
    for text in (
        more,
        "byte skip: -1\ndata file: tail.raw\n",
        "data file: s%02d.raw 0 4 1\n",
        "byte skip: 4\ndata file: h%02d.raw 0 4 1\n",
        "byte skip: -1\ndata file: h%02d.raw 0 4 1\n",
        listed,
    ):
        volume = read_volume(nrrd(tmp_path / "a.nhdr", data=b"", more=text))
        np.testing.assert_array_equal(volume.array[0], ARRAY)
    for file, size in (("tail.raw", -1), ("s%02d.raw 0 4 1", 0), ("h%02d.raw 0 4 1", 4)):
        header = f"{META}HeaderSize = {size}\n"
        volume = read_volume(meta(tmp_path / "a.mhd", header, b"", file))
        np.testing.assert_array_equal(volume.array[0], ARRAY)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a.raw",
        "sub/../../a.raw",
        "missing.raw",
        "%s%n",
        "%s%s%s%s%s%n",
        "%999999999d 1 5 1",
    ],
)
def test_a_header_reads_only_what_lies_beside_it(tmp_path, name):
    (tmp_path / "a.raw").write_bytes(ARRAY.tobytes())
    (tmp_path / "in").mkdir()
    for path in (
        nrrd(tmp_path / "in" / "a.nhdr", data=b"", more=f"data file: {name}\n"),
        meta(tmp_path / "in" / "a.mhd", data=b"", file=name),
    ):
        with pytest.raises(InputError) as raised:
            read_volume(path)
        assert str(raised.value).startswith(f"{path}: expected ")


@pytest.mark.parametrize(
    "name",
    [
        r"C:\a.raw",
        "C:a.raw",
        r"\a.raw",
        "/a.raw",
        r"\\server\share\a.raw",
        r"..\a.raw",
        r"b\..\..\a.raw",
    ],
)
def test_on_windows_too_a_header_reads_only_what_lies_beside_it(monkeypatch, name: str):
    monkeypatch.setattr(headers, "Path", PureWindowsPath)
    with pytest.raises(InputError, match="in a file beside it, but it names"):
        headers.file_beside(PureWindowsPath(r"D:\in\a.nhdr"), name)


def test_missing_data_are_named(tmp_path):
    told = r"expected its voxels in k.raw beside it, which is not there; copy both files"
    with pytest.raises(InputError, match=told):
        read_volume(nrrd(tmp_path / "k.nhdr", data=b"", more="data file: k.raw\n"))
    with pytest.raises(InputError, match=told):
        read_volume(meta(tmp_path / "m.mhd", data=b"", file="k.raw"))


def test_a_spacing_that_is_not_stated_is_not_filled_in(tmp_path):
    with pytest.raises(InputError, match="its header states none"):
        read_volume(nrrd(tmp_path / "a.nrrd", frame=""))
    header = META.replace("ElementSpacing = 1.1 1.3 2\n", "")
    with pytest.raises(InputError, match="its header has no ElementSpacing"):
        read_volume(meta(tmp_path / "a.mha", header))


@pytest.mark.parametrize("spacing", ["0 1 1", "nan 1 1", "inf 1 1", "-1 1 1"])
def test_a_spacing_that_is_none_is_refused(tmp_path, spacing):
    for path in (
        meta(tmp_path / "a.mha", META.replace("1.1 1.3 2\n", f"{spacing}\n")),
        nrrd(tmp_path / "a.nrrd", frame=f"spacings: {spacing}\n"),
    ):
        if spacing == "-1 1 1" and path.suffix == ".nrrd":
            continue  # an axis that runs the other way
        with pytest.raises(InputError) as raised:
            read_volume(path)
        assert str(raised.value).startswith(f"{path}: ")


def test_an_orientation_that_is_not_stated_is_told(tmp_path):
    header = META.replace("TransformMatrix = 1 0 0 0 1 0 0 0 1\n", "")
    for path in (
        nrrd(tmp_path / "a.nrrd", frame="spacings: 1.1 1.3 2\n"),
        nrrd(tmp_path / "b.nrrd", frame=FRAME.replace("left-posterior-superior", "scanner-xyz")),
        meta(tmp_path / "a.mha", header),
    ):
        volume = read_volume(path)
        np.testing.assert_array_equal(volume.array[0], ARRAY)
        assert volume.geometry.spacing_mm == (1.1, 1.3, 2.0)
        (warning,) = volume.warnings
        assert "does not say where in the patient its axes run" in warning


@pytest.mark.parametrize("shear", [0.01, 0.6])
def test_a_sheared_grid_is_refused_in_every_format(tmp_path, shear):
    frame = FRAME.replace("(0,0,2)", f"(0,{shear},2)")
    matrix = f"1 0 0 0 1 0 0 {np.sin(np.arctan(shear / 2))} {np.cos(np.arctan(shear / 2))}"
    for path in (
        nrrd(tmp_path / "a.nrrd", frame=frame),
        meta(tmp_path / "a.mha", META.replace("1 0 0 0 1 0 0 0 1", matrix)),
    ):
        with pytest.raises(InputError, match="its header describes a sheared image") as raised:
            read_volume(path)
        assert str(raised.value).startswith(f"{path}: ")


def test_components_first_are_channels_and_frames_last_are_refused(tmp_path):
    two = np.stack([ARRAY, ARRAY + 1], axis=-1).astype("<i2").tobytes()
    frame = (
        FRAME.replace("directions: ", "directions: none ") + "kinds: vector domain domain domain\n"
    )
    path = nrrd(tmp_path / "a.nrrd", data=two, frame=frame, sizes="2 7 6 5", axes=4)
    np.testing.assert_array_equal(read_volume(path).array, [ARRAY, ARRAY + 1])
    frame = FRAME.replace("(0,0,2)", "(0,0,2) none") + "kinds: domain domain domain time\n"
    path = nrrd(tmp_path / "b.nrrd", data=two, frame=frame, sizes="7 6 5 2", axes=4)
    with pytest.raises(InputError, match="got a 4D image of 2 frames"):
        read_volume(path)


def test_what_says_that_it_is_a_segmentation_is_no_image_but_labels(tmp_path):
    path = nrrd(tmp_path / "a.seg.nrrd", more="Segment0_ID:=Segment_1\nSegment0_Name:=Liver\n")
    with pytest.raises(InputError, match="expected an image, got a segmentation"):
        read_volume(path)
    np.testing.assert_array_equal(read_labels(path)[0], ARRAY)


@pytest.mark.parametrize("code", ["LPI", "RAS", "RPI", "SAR"])
def test_an_anatomical_orientation_that_is_not_that_of_the_axes_is_told(tmp_path, code):
    (warning,) = read_volume(
        meta(tmp_path / "a.mha", f"{META}AnatomicalOrientation = {code}\n")
    ).warnings
    assert (
        f"its AnatomicalOrientation is {code}, but its axes are RAI; the axes were taken" in warning
    )


@pytest.mark.parametrize("code", ["RAI", "???", ""])
def test_an_anatomical_orientation_that_agrees_or_says_nothing_is_not(tmp_path, code):
    header = f"{META}AnatomicalOrientation = {code}\n"
    assert not read_volume(meta(tmp_path / "a.mha", header)).warnings


def test_what_itk_writes_agrees_with_itself(tmp_path):
    import itertools

    import SimpleITK

    image = SimpleITK.GetImageFromArray(ARRAY)
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            image.SetDirection((np.eye(3)[list(axes)] * signs).ravel())
            SimpleITK.WriteImage(image, tmp_path / "a.mha")
            assert not read_volume(tmp_path / "a.mha").warnings


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("DistanceUnits = um", "expected mm as DistanceUnits, got 'um'"),
        ("ElementToIntensityFunctionSlope = 2", "expected 1.0 as ElementToIntensityFunctionSlope"),
        ("ElementToIntensityFunctionOffset = -1024", "as ElementToIntensityFunctionOffset"),
        ("HeaderSize = 10", "expected its voxels right behind its header"),
    ],
)
def test_fields_that_programs_read_in_different_ways_are_refused(tmp_path, more, what):
    with pytest.raises(InputError, match=what):
        read_volume(meta(tmp_path / "a.mha", f"{META}{more}\n"))


def test_fields_that_say_the_usual_are_read(tmp_path):
    more = "DistanceUnits = mm\nElementToIntensityFunctionSlope = 1\nElementToIntensityFunctionOffset = 0\n"
    volume = read_volume(meta(tmp_path / "a.mha", META + more + "HeaderSize = 0\n"))
    np.testing.assert_array_equal(volume.array[0], ARRAY)
    assert not volume.warnings


def test_units_of_each_axis_are_those_of_spacings(tmp_path):
    frame = 'spacings: 0.11 0.13 0.2\nunits: "cm" "cm" "cm"\n'
    volume = read_volume(nrrd(tmp_path / "a.nrrd", frame=frame))
    np.testing.assert_allclose(volume.geometry.spacing_mm, (1.1, 1.3, 2.0))
    frame = 'spacings: 0.11 0.13 0.2\nunits: "cm" "mm" "cm"\n'
    with pytest.raises(InputError, match="expected millimetres as space units, got 'cm mm cm'"):
        read_volume(nrrd(tmp_path / "b.nrrd", frame=frame))


def test_axes_without_any_direction_are_refused_for_that(tmp_path):
    frame = "space: RAS\nspace directions: none none none\n"
    with pytest.raises(InputError, match=r"expected space directions .*, but all are none"):
        read_volume(nrrd(tmp_path / "a.nrrd", frame=frame))


@pytest.mark.parametrize("encoding", STORED)
@pytest.mark.parametrize("kind", ["uchar", "short"])
def test_an_order_of_bytes_that_is_not_stated_is_told(tmp_path, encoding, kind):
    array = ARRAY % 250
    data = b" ".join(str(v).encode() for v in array.ravel())
    if encoding != "ascii":
        data = STORED[encoding](array.astype("<i2" if kind == "short" else "u1").tobytes())
    file = nrrd(tmp_path / "a.nrrd", data=data, encoding=encoding, kind=kind)
    file.write_bytes(file.read_bytes().replace(b"endian: little\n", b""))
    volume = read_volume(file)
    np.testing.assert_array_equal(volume.array[0], array)
    told = [w for w in volume.warnings if "does not state the order of bytes" in w]
    assert bool(told) == (kind == "short" and encoding != "ascii")
