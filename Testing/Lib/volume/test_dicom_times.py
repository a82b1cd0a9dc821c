"""Series of several times, and slices that one time has and another lacks."""

from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.dicom_files import an_array, change, write_multiframe, write_series

TIMES = 3
STATED = {
    "TemporalPositionIdentifier": lambda time: {"TemporalPositionIdentifier": time},
    "AcquisitionNumber": lambda time: {
        "AcquisitionNumber": 8 + time
    },  # 9, 10, 11: numbers, not texts
}


def write_times(folder, stated, **tags):
    """A dynamic series: images of three times at the same places."""
    for time in range(1, TIMES + 1):
        names = [f"t{time}-{k}.dcm" for k in range(6)]
        array = an_array(seed=time)
        write_series(folder, uid="1.2.3", array=array, names=names, **STATED[stated](time), **tags)


@pytest.mark.parametrize("stated", STATED)
def test_times_of_one_series_are_a_choice_as_series_are(tmp_path, stated):
    write_times(tmp_path, stated)
    with pytest.raises(InputError, match="expected one DICOM series, found 3") as raised:
        read_volume(tmp_path)
    listed = [line.split(": ")[0].strip() for line in str(raised.value).splitlines()[1:]]
    assert listed == ["series 3-1", "series 3-2", "series 3-3"]
    for time in range(1, TIMES + 1):
        volume = read_volume(tmp_path, series=f"3-{time}")
        np.testing.assert_array_equal(volume.array[0], an_array(seed=time))
        assert not volume.warnings


def test_a_slice_stands_for_its_own_time(tmp_path):
    write_times(tmp_path, "AcquisitionNumber")
    (tmp_path / "copy of t2-4.dcm").write_bytes((tmp_path / "t2-4.dcm").read_bytes())
    for name in ("t2-4.dcm", "copy of t2-4.dcm"):
        volume = read_volume(tmp_path / name)
        np.testing.assert_array_equal(volume.array[0], an_array(seed=2))


@pytest.mark.parametrize("stated", STATED)
@pytest.mark.parametrize("lost", [0, 5])
def test_a_time_with_fewer_slices_than_the_others_is_told(tmp_path, stated, lost):
    write_times(tmp_path, stated)
    (tmp_path / f"t2-{lost}.dcm").unlink()
    (warning,) = read_volume(tmp_path, series="3-2").warnings
    assert "it has 5 slices, and series 3-1, of the same description, has 6" in warning
    assert "may have been lost at an end" in warning
    for time in (1, 3):
        assert not read_volume(tmp_path, series=f"3-{time}").warnings


def test_a_series_with_fewer_slices_than_its_neighbour_in_time_is_told(tmp_path):
    for time in range(1, TIMES + 1):
        write_series(tmp_path, number=time, description=f"DCE phase {time}", array=an_array(time))
    (tmp_path / "3-005.dcm").unlink()
    (warning,) = read_volume(tmp_path, series=3).warnings
    assert "it has 5 slices, and series 1, of the same description, has 6" in warning
    assert not read_volume(tmp_path, series=2).warnings


def test_another_image_of_a_larger_part_of_the_body_is_no_neighbour(tmp_path):
    write_series(tmp_path, number=1, description="T1")
    write_series(tmp_path, number=2, description="FLAIR")
    (tmp_path / "2-005.dcm").unlink()
    assert not read_volume(tmp_path, series=2).warnings


def test_a_stack_at_other_places_is_no_neighbour(tmp_path):
    from dataclasses import replace

    from Testing.Lib.volume.dicom_files import GRID

    write_series(tmp_path, number=1, geometry=replace(GRID, origin_lps_mm=(0.0, 0.0, 1.0)))
    write_series(tmp_path, number=2)
    (tmp_path / "2-005.dcm").unlink()
    assert not read_volume(tmp_path, series=2).warnings


def test_the_acquisition_has_as_many_images_as_all_its_times(tmp_path):
    write_times(tmp_path, "TemporalPositionIdentifier", ImagesInAcquisition=18)
    assert not read_volume(tmp_path, series="3-1").warnings
    (tmp_path / "t3-5.dcm").unlink()
    (warning,) = read_volume(tmp_path, series="3-1").warnings
    assert "the acquisition has 18 images (0020,1002), but 17 are there" in warning


def test_fewer_slices_than_a_file_of_pet_says_are_told(tmp_path):
    write_series(tmp_path, NumberOfSlices=6)
    assert not read_volume(tmp_path).warnings
    (tmp_path / "3-000.dcm").unlink()
    (warning,) = read_volume(tmp_path).warnings
    assert "the volume has 6 slices (0054,0081), but 5 are there" in warning


def test_one_slice_that_says_nothing_does_not_silence_the_others(tmp_path):
    write_series(tmp_path, ImagesInAcquisition=6)
    change(tmp_path / "3-001.dcm", ImagesInAcquisition=None)
    (tmp_path / "3-005.dcm").unlink()
    assert "the acquisition has 6 images" in read_volume(tmp_path).warnings[0]


def test_times_of_a_multi_frame_image_are_a_choice(tmp_path):
    def own(k, group):
        content = group.FrameContentSequence[0]
        own.seen[k] = content.TemporalPositionIndex = own.seen.get(k, 0) + 1

    own.seen = {}
    write_multiframe(tmp_path / "dynamic.dcm", order=[*range(6), *range(5)], own=own)
    with pytest.raises(InputError, match="expected one DICOM series, found 2"):
        read_volume(tmp_path / "dynamic.dcm")
    np.testing.assert_array_equal(
        read_volume(tmp_path / "dynamic.dcm", series="5-1").array[0], an_array()
    )
    short = read_volume(tmp_path / "dynamic.dcm", series="5-2")
    np.testing.assert_array_equal(short.array[0], an_array()[:5])
    assert "it has 5 slices, and series 5-1" in short.warnings[0]


def test_two_images_at_a_place_whose_slices_have_times_of_their_own_are_refused(tmp_path):
    write_times(tmp_path, "AcquisitionNumber")
    for number, file in enumerate(sorted(tmp_path.iterdir())):
        change(file, AcquisitionNumber=number)
    with pytest.raises(InputError, match="got 18 images at 6 positions"):
        read_volume(tmp_path)
