"""Slices that are damaged, missing or say too little: never passed over without a word."""

from __future__ import annotations

import gc
import os
import warnings

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.dicom_files import an_array, change, change_all, write_series

LOST = {
    "empty": lambda data: data[:0],
    "zeroed": lambda data: bytes(len(data)),
    "cut in the header": lambda data: data[:300],
    "cut behind the preamble": lambda data: data[:140],
    "cut before the preamble's end": lambda data: data[:100],
    "cut in the pixels": lambda data: data[:-7],
}


@pytest.mark.parametrize("names", [None, [f"IM{k}" for k in range(6)], [*"abcdef"]])
@pytest.mark.parametrize("place", [0, 3, 5])
@pytest.mark.parametrize("how", LOST)
def test_a_slice_that_cannot_be_read_is_never_taken_as_not_there(tmp_path, how, place, names):
    write_series(tmp_path, names=names)
    file = sorted(tmp_path.iterdir())[place]
    file.write_bytes(LOST[how](file.read_bytes()))
    with pytest.raises(InputError, match="expected a complete DICOM image") as raised:
        read_volume(tmp_path)
    assert str(raised.value).startswith(f"{file}: ")


def test_a_damaged_slice_of_another_series_does_not_matter(tmp_path):
    write_series(tmp_path, number=3)
    write_series(tmp_path, number=4, names=[f"other{k}.dcm" for k in range(6)])
    (tmp_path / "other5.dcm").write_bytes(b"")
    np.testing.assert_array_equal(read_volume(tmp_path, series=3).array[0], an_array())
    with pytest.raises(InputError, match=r"other5\.dcm: expected a complete DICOM image"):
        read_volume(tmp_path, series=4)


def test_fewer_images_than_the_acquisition_had_are_told(tmp_path):
    write_series(tmp_path, ImagesInAcquisition=6)
    assert not read_volume(tmp_path).warnings
    (tmp_path / "3-005.dcm").unlink()
    (warning,) = read_volume(tmp_path).warnings
    assert "the acquisition has 6 images (0020,1002), but 5 are there" in warning


def test_ct_without_slope_and_intercept_is_told(tmp_path):
    write_series(tmp_path)
    change_all(tmp_path, RescaleSlope=None, RescaleIntercept=None)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array[0], an_array())
    assert "taken as Hounsfield units" in volume.warnings[0]


def test_the_directory_of_a_medium_says_to_give_the_folder(tmp_path):
    from pydicom.fileset import FileSet

    write_series(
        tmp_path / "series", PatientSex="O", StudyDate="20200101", StudyTime="120000", StudyID="1"
    )
    with warnings.catch_warnings():
        # pydicom leaves its temporary folder to the garbage collector, which warns.
        warnings.simplefilter("ignore", ResourceWarning)
        medium = FileSet()
        for file in (tmp_path / "series").iterdir():
            medium.add(file)
        medium.write(tmp_path / "medium")
        del medium
        gc.collect()
    with pytest.raises(InputError, match="got the directory of a DICOM medium; give the folder"):
        read_volume(tmp_path / "medium" / "DICOMDIR")
    np.testing.assert_array_equal(read_volume(tmp_path / "medium").array[0], an_array())


BROKEN = {
    "a link that leads nowhere": lambda file: file.symlink_to("not-fetched"),
    "the pointer to a file that was not fetched": lambda file: file.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    ),
    "half a download": lambda file: file.with_name(f"{file.name}.part").write_bytes(
        b"\x1f\x8b" * 9
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="on Windows not all may make links")
@pytest.mark.parametrize("names", [None, [f"IM{k}" for k in range(6)]])
@pytest.mark.parametrize("how", BROKEN)
def test_what_a_slice_left_behind_is_not_passed_over(tmp_path, how, names):
    write_series(tmp_path, names=names)
    file = max(tmp_path.iterdir())
    file.unlink()
    BROKEN[how](file)
    with pytest.raises(InputError, match="expected a complete DICOM image") as raised:
        read_volume(tmp_path)
    assert file.name in str(raised.value)


@pytest.mark.parametrize("names", [None, [f"IM{k}" for k in range(6)], [*"abcdef"]])
def test_what_people_lay_beside_slices_is_passed_over(tmp_path, names):
    write_series(tmp_path, names=names)
    last = max(tmp_path.iterdir())
    last.with_name(f"{last.name}.txt").write_text("a note on this slice")
    (tmp_path / "README").write_text("notes")
    (tmp_path / "notes 2.txt").write_text("more notes")
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())


@pytest.mark.parametrize("names", [None, [f"I{k}" for k in range(6)]], ids=["dcm", "no suffix"])
def test_of_a_list_of_slices_the_damaged_one_is_named(tmp_path, names):
    write_series(tmp_path, names=names)
    files = sorted(tmp_path.iterdir())
    files[-1].write_bytes(bytes(500))
    with pytest.raises(InputError, match=rf"{files[-1].name}: expected a complete DICOM image"):
        read_volume(files)


@pytest.mark.parametrize("names", [None, [f"IM{k}" for k in range(6)]])
@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_folder_in_the_place_of_a_slice_is_a_slice_that_is_lost(tmp_path, place, names):
    write_series(tmp_path, names=names)
    files = sorted(tmp_path.iterdir())
    files[place].unlink()
    files[place].mkdir()
    for given in (tmp_path, files[1]):
        with pytest.raises(InputError, match="expected a complete DICOM image") as raised:
            read_volume(given)
        assert str(raised.value).startswith(f"{files[place]}: ")


def test_a_folder_that_holds_the_slice_is_no_loss(tmp_path):
    write_series(tmp_path)
    file = tmp_path / "3-002.dcm"
    data = file.read_bytes()
    file.unlink()
    file.mkdir()
    (file / "3-002.dcm").write_bytes(data)
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())


def test_folders_of_other_names_beside_slices_do_not_matter(tmp_path):
    write_series(tmp_path)
    for name in ("reports", "0", "3-007"):
        (tmp_path / name).mkdir()
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())


@pytest.mark.parametrize("stated", [2.5, -2.5])
def test_every_second_slice_lost_is_told_where_files_state_their_distance(tmp_path, stated):
    write_series(tmp_path, SpacingBetweenSlices=stated)
    assert not read_volume(tmp_path).warnings
    for file in sorted(tmp_path.iterdir())[1::2]:
        file.unlink()
    (warning,) = read_volume(tmp_path).warnings
    assert "slices are 2.5 mm apart (0018,0088), but they lie 5 mm apart" in warning


@pytest.mark.parametrize("stated", [0, 1.55, 9.9])
def test_a_distance_that_slices_do_not_step_over_is_not_told(tmp_path, stated):
    """Some write the gap between slices there, or nonsense: positions decide."""
    write_series(tmp_path)
    change_all(tmp_path, SpacingBetweenSlices=stated)
    assert not read_volume(tmp_path).warnings


@pytest.mark.parametrize(
    ("tag", "value"), [("PixelRepresentation", 0), ("PhotometricInterpretation", "MONOCHROME1")]
)
def test_a_slice_that_is_stored_in_another_way_is_told(tmp_path, tag, value):
    write_series(tmp_path)
    change(tmp_path / "3-002.dcm", **{tag: value})
    assert f"its images differ in {tag}" in " ".join(read_volume(tmp_path).warnings)
