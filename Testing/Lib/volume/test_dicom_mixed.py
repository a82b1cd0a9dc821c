"""DICOM series whose slices do not belong together, or do not say the same of their values."""

from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.dicom_files import an_array, change, change_all, write_series


def test_one_instance_with_two_kinds_of_pixels_is_no_copy(tmp_path):
    write_series(tmp_path)
    (copy := tmp_path / "copy.dcm").write_bytes((tmp_path / "3-002.dcm").read_bytes())
    change(copy, StationName="elsewhere")  # another header, the same pixels
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())
    change(copy, PixelData=an_array()[3].astype("<i2").tobytes())
    with pytest.raises(InputError, match="got 7 images at 6 positions"):
        read_volume(tmp_path)


def test_an_intercept_that_one_slice_lacks_is_refused(tmp_path):
    write_series(tmp_path, intercept=-1024)
    change(tmp_path / "3-002.dcm", RescaleIntercept=None)
    with pytest.raises(InputError, match=r"RescaleIntercept .0028,1052. of numbers in all images"):
        read_volume(tmp_path)


def test_an_intercept_without_a_slope_is_used_and_nothing_wrong_is_said(tmp_path):
    write_series(tmp_path, intercept=-24)
    change_all(tmp_path, RescaleSlope=None)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array[0], an_array() - 24)
    assert not volume.warnings


def test_a_slice_of_another_patient_is_refused_and_nobody_named(tmp_path):
    write_series(tmp_path)
    change(tmp_path / "3-002.dcm", PatientID="SECRET-7")
    with pytest.raises(InputError, match="expected images of one patient") as refused:
        read_volume(tmp_path)
    assert "SECRET-7" not in str(refused.value)


@pytest.mark.parametrize(
    "tags", [{"EchoTime": 30.0}, {"FrameOfReferenceUID": "1.2.3"}, {"Modality": "MR"}]
)
def test_slices_that_may_be_of_another_image_are_told(tmp_path, tags):
    write_series(tmp_path)
    change(tmp_path / "3-002.dcm", **tags)
    (warning,) = read_volume(tmp_path).warnings
    assert f"its images differ in {next(iter(tags))}" in warning
