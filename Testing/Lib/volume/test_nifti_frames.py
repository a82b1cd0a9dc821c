"""The frame of a NIfTI file: what is stated is taken, what is not or twice is told."""

from __future__ import annotations

import struct

import nibabel
import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume.conversion import as_volume
from CompactSegLib.volume.reading import read_volume

AFFINE = np.array([[1.1, 0, 0, -30], [0, 1.3, 0, -20], [0, 0, 2.0, -10], [0, 0, 0, 1]])
ARRAY = np.random.default_rng(0).integers(0, 900, (7, 6, 5)).astype(np.int16)


def written(path, *, sform=None, qform=None, image=nibabel.Nifti1Image, zooms=(1.1, 1.3, 2.0)):
    """A file with the given (matrix, code), and neither stated by default."""
    made = image(ARRAY, AFFINE)
    made.set_qform(*(qform or (None, 0)))
    made.set_sform(*(sform or (None, 0)))
    made.header["pixdim"][1:4] = zooms
    nibabel.save(made, path)
    return path


def shifted(*mm):
    matrix = AFFINE.copy()
    matrix[:3, 3] += mm
    return matrix


def is_at(volume, affine):
    np.testing.assert_allclose(volume.geometry.ijk_to_ras, affine, atol=1e-4)
    np.testing.assert_array_equal(volume.array[0].T, ARRAY)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("form", ["sform", "qform"])
def test_one_form_is_taken_as_it_is(tmp_path, kind, name, form):
    volume = read_volume(written(tmp_path / name, image=kind, **{form: (AFFINE, 1)}))
    is_at(volume, AFFINE)
    assert not volume.warnings


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_file_without_orientation_is_told_and_taken_as_nibabel_takes_it(tmp_path, kind):
    path = written(tmp_path / "a.nii.gz", image=kind)
    volume = read_volume(path)
    is_at(volume, nibabel.load(path).affine)
    (warning,) = volume.warnings
    assert warning.startswith(f"{path}: its header states no orientation")
    assert "taken as LAS" in warning


def test_an_analyze_pair_is_one_without_orientation(tmp_path):
    nibabel.save(nibabel.AnalyzeImage(ARRAY, AFFINE), tmp_path / "a.img")
    for name in ("a.img", "a.hdr"):
        volume = read_volume(tmp_path / name)
        np.testing.assert_array_equal(volume.array[0].T, ARRAY)
        assert volume.geometry.spacing_mm == pytest.approx((1.1, 1.3, 2.0))
        assert "states no orientation" in volume.warnings[0]


def test_where_the_two_forms_disagree_the_sform_is_taken_and_that_is_told(tmp_path):
    moved = shifted(20, -15, 8)
    volume = read_volume(written(tmp_path / "a.nii", sform=(moved, 4), qform=(AFFINE, 1)))
    is_at(volume, moved)
    assert (
        "(code 4) and its qform (code 1) put it in places up to 26.2 mm apart" in volume.warnings[0]
    )
    mirrored = np.diag([-1, 1, 1, 1.0]) @ AFFINE
    volume = read_volume(written(tmp_path / "a.nii", sform=(mirrored, 1), qform=(AFFINE, 1)))
    is_at(volume, mirrored)
    assert "the sform was taken" in volume.warnings[0]
    volume = read_volume(
        written(tmp_path / "a.nii", sform=(shifted(0.01, 0, 0), 1), qform=(AFFINE, 1))
    )
    assert not volume.warnings


def test_of_an_image_of_nibabel_the_same_is_told_as_of_its_file(tmp_path):
    mirrored = np.diag([-1, 1, 1, 1.0]) @ AFFINE
    for name, forms in (
        ("disagree", {"sform": (AFFINE, 1), "qform": (mirrored, 1)}),
        ("nothing", {}),
    ):
        file = written(tmp_path / f"{name}.nii", **forms)
        (of_file,) = read_volume(file).warnings
        image = nibabel.load(file)
        assert as_volume(image).warnings == (of_file.replace(str(file), name),)
        # Who gives an affine of their own has stated it.
        assert not as_volume(nibabel.Nifti1Image(ARRAY, AFFINE)).warnings


def test_sizes_that_disagree_are_told(tmp_path):
    twice = AFFINE @ np.diag([2, 2, 2, 1.0])
    volume = read_volume(written(tmp_path / "a.nii", sform=(twice, 1)))
    is_at(volume, twice)
    assert (
        "its sform gives voxels of 2.2 x 2.6 x 4 mm, its pixdim such of 1.1 x 1.3 x 2 mm"
        in (volume.warnings[0])
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e38, 0.0])
def test_a_sform_of_no_numbers_leaves_the_qform(tmp_path, number):
    path = written(tmp_path / "a.nii", sform=(AFFINE, 1), qform=(AFFINE, 1))
    data = bytearray(path.read_bytes())
    struct.pack_into("<12f", data, 280, *[number] * 12)
    path.write_bytes(data)
    volume = read_volume(path)
    is_at(volume, AFFINE)
    assert "its qform was taken" in volume.warnings[0]
    struct.pack_into("<h", data, 252, 0)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.nii: (ijk to ras|size): expected"):
        read_volume(path)


def test_a_sheared_sform_leaves_the_qform_where_there_is_one(tmp_path):
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.4
    volume = read_volume(written(tmp_path / "a.nii", sform=(sheared, 4), qform=(AFFINE, 1)))
    is_at(volume, AFFINE)
    assert "sheared, or no numbers); its qform was taken" in volume.warnings[0]
    with pytest.raises(InputError, match=r"a\.nii: direction: .* describes a sheared image"):
        read_volume(written(tmp_path / "a.nii", sform=(sheared, 4)))


def test_metres_and_micrometres_are_lengths_too(tmp_path):
    for code, factor in ((1, 1000.0), (2, 1.0), (3, 0.001), (0, 1.0)):
        image = nibabel.Nifti1Image(ARRAY, np.diag([*[1 / factor] * 3, 1]) @ AFFINE)
        image.header["xyzt_units"] = code
        nibabel.save(image, tmp_path / "a.nii")
        np.testing.assert_allclose(
            read_volume(tmp_path / "a.nii").geometry.ijk_to_ras, AFFINE, rtol=1e-5
        )


def test_slope_and_intercept_are_applied(tmp_path):
    image = nibabel.Nifti1Image(ARRAY, AFFINE)
    image.header.set_slope_inter(0.25, -7)
    nibabel.save(image, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(
        read_volume(tmp_path / "a.nii.gz").array[0].T,
        nibabel.load(tmp_path / "a.nii.gz").get_fdata(),
    )


def test_big_endian_files_and_packed_ones_of_another_name_are_read(tmp_path):
    header = nibabel.Nifti1Header(endianness=">")
    nibabel.save(nibabel.Nifti1Image(ARRAY, AFFINE, header), tmp_path / "a.nii.gz")
    (tmp_path / "b.nii").write_bytes((tmp_path / "a.nii.gz").read_bytes())
    for name in ("a.nii.gz", "b.nii"):
        is_at(read_volume(tmp_path / name), AFFINE)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
def test_freesurfers_files_are_where_nibabel_says(tmp_path, name, kind):
    affine = AFFINE[:, [2, 0, 1, 3]] * [1, -1, 1, 1]
    nibabel.save(nibabel.MGHImage((ARRAY % 256).astype(kind), affine), tmp_path / name)
    volume = read_volume(tmp_path / name)
    np.testing.assert_allclose(volume.geometry.ijk_to_ras, affine, atol=1e-4)
    np.testing.assert_array_equal(volume.array[0].T, ARRAY % 256)
    assert volume.array.dtype == kind
    assert volume.name == "a"
    assert not volume.warnings


def test_a_damaged_or_unplaced_mgz_is_told(tmp_path):
    nibabel.save(nibabel.MGHImage(ARRAY, AFFINE), tmp_path / "a.mgh")
    data = bytearray((tmp_path / "a.mgh").read_bytes())
    (tmp_path / "cut.mgh").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged or cut short"):
        read_volume(tmp_path / "cut.mgh")
    data[28:30] = b"\0\0"
    (tmp_path / "unplaced.mgh").write_bytes(data)
    volume = read_volume(tmp_path / "unplaced.mgh")
    assert volume.geometry.spacing_mm == (1.0, 1.0, 1.0)
    assert volume.geometry.orientation == "LIA"
    assert "states neither orientation nor distance of voxels" in volume.warnings[0]


def overwritten(path, form, offset, *values):
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, offset, *values)
    path.write_bytes(bytes(data))
    return path


def test_a_distance_below_0_beside_a_qform_is_told_and_taken_as_nibabel_takes_it(tmp_path):
    path = overwritten(written(tmp_path / "a.nii", qform=(AFFINE, 1)), "<f", 80, -1.1)
    volume = read_volume(path)
    is_at(volume, nibabel.load(path).affine)
    assert "a distance of voxels below 0" in volume.warnings[0]


@pytest.mark.parametrize("scale", [(2.0, np.nan), (2.0, np.inf), (np.inf, 0.0)])
def test_a_scale_that_is_no_number_is_refused(tmp_path, scale):
    path = written(tmp_path / "a.nii", sform=(AFFINE, 1))
    with pytest.raises(InputError, match="expected numbers as scl_slope and scl_inter"):
        read_volume(overwritten(path, "<2f", 112, *scale))


@pytest.mark.parametrize("scale", [(0.0, 5.0), (np.nan, np.nan)])
def test_a_slope_of_0_or_nan_is_none(tmp_path, scale):
    path = written(tmp_path / "a.nii", sform=(AFFINE, 1))
    is_at(read_volume(overwritten(path, "<2f", 112, *scale)), AFFINE)


@pytest.mark.parametrize(
    ("kind", "place", "form", "least"),
    [(nibabel.Nifti1Image, 108, "<f", 352), (nibabel.Nifti2Image, 168, "<q", 544)],
)
@pytest.mark.parametrize("stated", ["0", "348", "least"])
def test_voxels_never_begin_within_the_header(tmp_path, kind, place, form, least, stated):
    path = written(tmp_path / "a.nii", image=kind, sform=(AFFINE, 1))
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, least if stated == "least" else int(stated))
    path.write_bytes(content)
    is_at(read_volume(path), AFFINE)


def test_a_header_cut_within_its_last_bytes_is_not_taken_for_an_old_one_without_orientation(
    tmp_path,
):
    nibabel.save(nibabel.Nifti1Pair(ARRAY, AFFINE), tmp_path / "a.img")
    header = tmp_path / "a.hdr"
    header.write_bytes(header.read_bytes()[:340])
    with pytest.raises(InputError, match=r"a\.hdr: expected a complete image, but it is damaged"):
        read_volume(header)
