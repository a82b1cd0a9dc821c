"""Slices that are tilted, or lie beside the places of a regular stack."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.dicom_files import change, write_multiframe, write_series
from Testing.Lib.volume.frames import rotation

BASES = {
    "axial": (0, 0, 0),
    "sagittal": (0, 90, 0),
    "coronal": (90, 0, 0),
    "oblique": (20, -35, 50),
}
SIZE, SPACING, ORIGIN = (14, 12, 8), (0.9, 1.1, 3.0), np.array([-10.0, 5.0, 3.0])


def ramp(lps_mm):
    """An image that knows its place: 3 values for each millimetre at least."""
    return 100 + lps_mm @ [10.0, 7.0, 5.0]


def write_tilted(path, turned, degrees, axis, *, backwards, many):
    """Slices of a ramp in space, each shifted along `axis` (of i and j); a file of many frames or a file each."""
    axes = rotation(turned)
    step = SPACING[2] * (
        axes[:, 2] * np.cos(np.deg2rad(degrees)) + axes[:, :2] @ axis * np.sin(np.deg2rad(degrees))
    )
    slices = []
    for k in range(SIZE[2]):
        grid = Geometry((*SIZE[:2], 1), SPACING, tuple(ORIGIN + k * step), tuple(axes.ravel()))
        kji = np.stack(np.indices(grid.shape_kji), axis=-1)[0]
        lps = kji[..., ::-1] @ grid.ijk_to_lps[:3, :3].T + grid.origin_lps_mm
        slices.append((np.rint(ramp(lps)).astype(np.int16), grid, 0))
    slices = slices[::-1] if backwards else slices
    if many:
        write_multiframe(path / "enhanced.dcm", frames=slices)
        return
    array = np.stack([pixels for pixels, _, _ in slices])
    write_series(path, array=array, geometry=replace(slices[0][1], size_ijk=SIZE))
    for file, (_, grid, _) in zip(sorted(path.iterdir()), slices, strict=True):
        change(file, ImagePositionPatient=[round(x, 6) for x in grid.origin_lps_mm])


@pytest.mark.parametrize(
    ("base", "degrees", "backwards", "many"),
    [
        *product(BASES, (-24.0, 3.0, 17.0), (False, True), (False,)),
        *product(BASES, (17.0,), (False, True), (True,)),
    ],
)
def test_a_tilted_stack_is_upright_at_its_own_place(tmp_path, base, degrees, backwards, many):
    """A ramp in space, sampled by tilted slices, comes back as the same ramp."""
    for number, axis in enumerate(([0.0, 1.0], [0.6, 0.8])):
        folder = tmp_path / str(number)
        write_tilted(folder, BASES[base], degrees, axis, backwards=backwards, many=many)
        volume = read_volume(folder)
        assert volume.source.is_resampled
        assert "(tilted gantry); it was resampled to an upright grid" in volume.warnings[0]
        place = volume.geometry.ijk_to_lps
        kji = np.stack(np.indices(volume.shape_kji), axis=-1)
        lps = kji[..., ::-1] @ place[:3, :3].T + place[:3, 3]
        # Where in its slice each voxel was scanned, in pixels.
        along = (lps - ORIGIN) @ rotation(BASES[base])
        shift = np.tan(np.deg2rad(degrees)) * along[..., 2:] * axis
        pixels = (along[..., :2] - shift) / SPACING[:2]
        scanned = np.all((pixels >= 0) & (pixels <= np.array(SIZE[:2]) - 1), axis=-1)
        assert scanned.mean() > 0.3
        np.testing.assert_allclose(volume.array[0][scanned], ramp(lps)[scanned], atol=1.01)
        outside = np.any((pixels < -1) | (pixels > SIZE[:2]), axis=-1)
        assert outside.any()
        assert set(volume.array[0][outside]) == {volume.array.min()}


@pytest.mark.parametrize("beside_mm", [10.0, 1e9])
def test_no_gantry_tilts_as_far_as_that(tmp_path, beside_mm):
    """Room for all slices would be more than memory has."""
    write_moved(tmp_path, 2.5, lambda k: (beside_mm * k, 0.0, 0.0))
    with pytest.raises(InputError, match=r"tilted by at most 45 degrees, got (76|90)\.0 degrees"):
        read_volume(tmp_path)


def write_moved(folder, distance, moved):
    """Eight slices, each moved from its place in a regular stack."""
    grid = Geometry((8, 7, 8), (0.75, 0.75, distance))
    array = np.random.default_rng(0).integers(0, 900, grid.shape_kji).astype(np.int16)
    write_series(folder, array=array, geometry=grid)
    for k, file in enumerate(sorted(folder.iterdir())):
        position = np.add((0.0, 0.0, distance * k), moved(k))
        change(file, ImagePositionPatient=[round(float(x), 6) for x in position])


@pytest.mark.parametrize("distance", [2.5, 5.0])
@pytest.mark.parametrize(
    ("moved", "off"),
    [
        (lambda k: (0, 0, 0.2 * (k == 3)), "0.20"),
        (lambda k: (0, 0, -0.2 * (k == 3)), "0.20"),
        (lambda k: (0, 0, 0.2 * (k == 7)), "0.17"),
        (lambda k: (0, 0, 0.2 * (k == 0)), "0.17"),
        (lambda k: (0, 0.14 * (k == 3), 0), "0.14"),
    ],
    ids=["above", "below", "last", "first", "beside"],
)
def test_a_slice_a_little_out_of_place_is_told(tmp_path, distance, moved, off):
    write_moved(tmp_path, distance, moved)
    (warning,) = read_volume(tmp_path).warnings
    assert f"its slices lie up to {off} mm beside a regular stack" in warning


def test_what_headers_round_is_not_told(tmp_path):
    write_moved(tmp_path, 2.5, lambda k: (0, 0, 0.05 * (-1) ** k))
    assert not read_volume(tmp_path).warnings


@pytest.mark.parametrize(
    ("distance", "moved", "sentence"),
    [
        (1.0, lambda k: (0, 0, 0.2 * (k == 3)), r"1.20 mm lie between slices 3 and 4 where 1.00"),
        (1.0, lambda k: (0, 0, 0.2 * (k == 0)), r"0.80 mm lie between slices 1 and 2 where 1.00"),
        (2.5, lambda k: (0, 0, 2.5 * max(0, k - 3)), r"2.50 mm lie between .* where 5.00"),
        (2.5, lambda k: (0.3 * (k == 3), 0, 0), r"straight above .* but some are 0.3 mm beside"),
    ],
    ids=["one", "the first", "two distances", "beside"],
)
def test_a_stack_that_is_not_regular_is_refused_and_the_odd_place_named(
    tmp_path, distance, moved, sentence
):
    write_moved(tmp_path, distance, moved)
    with pytest.raises(InputError, match=sentence):
        read_volume(tmp_path)
