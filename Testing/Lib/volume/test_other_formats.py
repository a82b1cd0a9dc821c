"""Formats that ITK alone reads: what it fills in for them is no fact."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume


def write(path, *, spacing=(1.1, 1.3, 2.0)):
    array = np.random.default_rng(0).integers(0, 900, (6, 7, 8)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(spacing)
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("suffix", ["vtk", "gipl", "mrc", "spr"])
def test_axes_that_a_format_cannot_state_are_told(tmp_path, suffix):
    (warning,) = read_volume(write(tmp_path / f"a.{suffix}")).warnings
    assert "do not say where in the patient their axes run; it was taken as LPS" in warning


@pytest.mark.parametrize("suffix", ["mnc", "hdf5"])
def test_a_format_that_states_all_has_nothing_to_tell(tmp_path, suffix):
    assert not read_volume(write(tmp_path / f"a.{suffix}")).warnings


def test_a_distance_of_1_mm_may_be_what_was_filled_in(tmp_path):
    warnings = read_volume(write(tmp_path / "a.mnc", spacing=(1.1, 1.1, 1.0))).warnings
    assert [w for w in warnings if "a distance of 1 mm may be what ITK assumes" in w]


def test_a_tiff_file_has_no_distance_of_slices(tmp_path):
    with pytest.raises(InputError, match=r"a\.tif: .* distance of its slices, got TIFF"):
        read_volume(write(tmp_path / "a.tif"))
