"""Where voxels are: the same in ITK, nibabel and here."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from nibabel.orientations import aff2axcodes

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.volume.geometry import Geometry, orientation_axes
from Testing.Lib.volume.frames import LAYOUTS, geometries, laid_out, layouts, noise, rotation


@given(geometries())
def test_a_voxel_is_where_itk_says(geometry):
    image = SimpleITK.Image(geometry.size_ijk, SimpleITK.sitkUInt8)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection(geometry.direction_lps)
    assert Geometry.from_sitk(image) == geometry
    last = [n - 1 for n in geometry.size_ijk]
    ours = geometry.ijk_to_lps @ [*last, 1]
    np.testing.assert_allclose(ours[:3], image.TransformIndexToPhysicalPoint(last), atol=1e-9)


@given(geometries())
def test_the_matrix_to_ras_and_back_is_the_same_grid(geometry):
    again = Geometry.from_ijk_to_ras(geometry.size_ijk, geometry.ijk_to_ras)
    assert again.matches(geometry, tolerance=1e-9)
    np.testing.assert_allclose(again.spacing_mm, geometry.spacing_mm, rtol=1e-12)


@given(geometries())
def test_the_orientation_code_is_nibabels_unless_two_axes_are_about_equally_close(geometry):
    closeness = np.sort(np.abs(geometry.direction_matrix), axis=0)
    if np.all(closeness[-1] > 0.8):
        assert geometry.orientation == "".join(aff2axcodes(geometry.ijk_to_ras))


@given(geometries(), layouts())
def test_another_layout_in_memory_is_the_same_box_in_the_patient(geometry, layout):
    volume = noise(geometry)
    again = laid_out(volume, layout)
    inverse = next(b for b in LAYOUTS if np.array_equal(laid_out(again, b).array, volume.array))
    assert laid_out(again, inverse).geometry.matches(geometry, tolerance=1e-9)
    assert again.geometry.voxel_millilitres == pytest.approx(geometry.voxel_millilitres)


def test_millilitres_of_a_voxel():
    assert Geometry((4, 4, 4), (1.0, 2.0, 5.0)).voxel_millilitres == pytest.approx(0.01)


def test_a_shift_of_a_tenth_of_a_voxel_is_another_grid():
    grid = Geometry((4, 5, 6), (1.0, 1.0, 2.0))
    assert grid.matches(Geometry((4, 5, 6), (1.0, 1.0, 2.0), (0.0, 0.0005, 0.0)))
    assert not grid.matches(Geometry((4, 5, 6), (1.0, 1.0, 2.0), (0.0, 0.1, 0.0)))
    assert not grid.matches(Geometry((4, 5, 7), (1.0, 1.0, 2.0)))


def test_a_grid_that_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="size: expected three numbers of voxels above 0"):
        Geometry((4, 0, 4), (1.0, 1.0, 1.0))
    with pytest.raises(InputError, match="spacing: expected three lengths above 0 mm"):
        Geometry((4, 4, 4), (1.0, -1.0, 1.0))
    with pytest.raises(InputError, match=r"none below 0\.005 mm, got .1e-09, 1e-09, 2\.5"):
        Geometry((4, 4, 4), (1e-9, 1e-9, 2.5))
    with pytest.raises(InputError, match="origin_lps_mm: expected 3 finite numbers"):
        Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.0, float("nan"), 0.0))
    with pytest.raises(InputError, match="expected axes of length 1"):
        Geometry((4, 4, 4), (1.0, 1.0, 1.0), direction_lps=(1, 0, 0, 1, 0, 0, 0, 0, 1))
    with pytest.raises(InputError, match="do not span space"):
        Geometry((4, 4, 4), (1.0, 1.0, 1.0), direction_lps=(1, 1, 0, 0, 0, 0, 0, 0, 1))
    with pytest.raises(InputError, match="at most 10 m along each axis, got an image of 4e"):
        Geometry((4, 4, 4), (1e5, 1.0, 1.0))
    for number in (1e308, float("inf"), float("nan")):
        with pytest.raises(InputError, match="three axes of finite, non-zero length"):
            Geometry.from_ijk_to_ras((4, 4, 4), np.diag([number, 1.0, 1.0, 1.0]))


@pytest.mark.parametrize("degrees", [0.2, 1.0, 17.0])
def test_a_sheared_grid_is_refused_wherever_it_comes_from(degrees):
    """Its axes would be taken as orthogonal, and labels be put millimetres away."""
    matrix = np.eye(4)
    matrix[1, 2] = np.tan(np.deg2rad(degrees))
    told = rf"describes a sheared image \(two axes at {90 - degrees:.1f} degrees\)"
    with pytest.raises(InputError, match=told):
        Geometry.from_ijk_to_ras((4, 4, 4), matrix)
    image = SimpleITK.Image([4, 4, 4], SimpleITK.sitkUInt8)
    image.SetDirection((matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)).ravel())
    with pytest.raises(InputError, match=told):
        Geometry.from_sitk(image)


def test_directions_that_a_header_rounds_to_three_places_are_no_shear():
    direction = np.round(rotation((12, -7, 33)), 3)
    assert Geometry((4, 4, 4), (1.0, 1.0, 1.0), direction_lps=tuple(direction.ravel()))


@pytest.mark.parametrize("code", ["", "RA", "RRS", "RAX", "ras", "RASL"])
def test_what_is_no_orientation_code_is_refused(code):
    with pytest.raises(ConfigurationError, match="one each of L/R, P/A and S/I"):
        orientation_axes(code)
