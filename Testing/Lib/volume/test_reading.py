"""Image files in, and one clear sentence for each that cannot be one."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from CompactSegLib.errors import InputError
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.reading import read_labels, read_volume
from CompactSegLib.volume.volume import Volume
from Testing.Lib.volume.frames import rotation

SUFFIXES = ["nii.gz", "nii", "img", "nrrd", "nhdr", "mha", "mhd"]
TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
GRID = Geometry(
    (7, 6, 5),
    (0.8, 1.1, 2.5),
    (-31.25, 22.5, 14.0),
    tuple((rotation((12, -7, 33)) @ np.diag([1.0, -1.0, 1.0])).ravel()),
)


def an_array(kind="i2", shape=GRID.shape_kji):
    generator = np.random.default_rng(0)
    info = np.iinfo(kind) if kind[0] in "iu" else None
    low, high = (info.min // 2, info.max // 2) if info and info.bits < 32 else (0, 10000)
    return generator.integers(low, high, shape).astype(kind)


def written(path, array, geometry=GRID, *, vector=False, compress=True):
    image = SimpleITK.GetImageFromArray(array, isVector=vector)
    if geometry and image.GetDimension() == 3:
        image.SetSpacing(geometry.spacing_mm)
        image.SetOrigin(geometry.origin_lps_mm)
        image.SetDirection(geometry.direction_lps)
    SimpleITK.WriteImage(image, str(path), compress)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", TYPES)
def test_voxels_type_and_place_are_kept(tmp_path, suffix, kind):
    array = an_array(kind)
    volume = read_volume(written(tmp_path / f"the brain.v2.{suffix}", array))
    np.testing.assert_array_equal(volume.array, array[None])
    assert volume.array.dtype == array.dtype
    assert volume.geometry.matches(GRID, tolerance=1e-4)
    assert volume.name == "the brain.v2"
    assert volume.source.path == tmp_path / f"the brain.v2.{suffix}"
    assert not volume.source.dicom_files
    assert not volume.warnings


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_geometry_in_nrrd_and_metaimage_is_exact(tmp_path, suffix):
    volume = read_volume(written(tmp_path / f"brain.{suffix}", an_array()))
    np.testing.assert_allclose(volume.geometry.ijk_to_lps, GRID.ijk_to_lps, rtol=0, atol=1e-12)


def test_a_path_with_spaces_and_accents_is_read(tmp_path):
    (tmp_path / "Müller, Zoë").mkdir()
    head = written(tmp_path / "head.nii.gz", an_array())  # on Windows ITK could not write it there
    assert read_volume(str(head.rename(tmp_path / "Müller, Zoë/tête 1.nii.gz"))).name == "tête 1"


def test_components_of_a_vector_image_are_channels(tmp_path):
    array = an_array("f4", (*GRID.shape_kji, 2))
    volume = read_volume(written(tmp_path / "t1t2.nrrd", array, vector=True))
    assert volume.channels == 2
    np.testing.assert_array_equal(volume.array, np.moveaxis(array, -1, 0))


def test_several_files_are_channels(tmp_path):
    t1 = written(tmp_path / "t1.nii.gz", an_array("i2"))
    t2 = written(tmp_path / "t2.nii.gz", an_array("f4"))
    volume = read_volume([t1, t2])
    assert volume.array.shape == (2, *GRID.shape_kji)
    assert volume.name == "t1"


def test_channels_on_different_grids_are_refused(tmp_path):
    t1 = written(tmp_path / "t1.nii.gz", an_array())
    t2 = written(tmp_path / "t2.nii.gz", an_array(), Geometry(GRID.size_ijk, (1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match=r"t2.nii.gz: expected the grid of t1.nii.gz \(7 x 6 x 5"):
        read_volume([t1, t2])


def test_a_4d_file_of_one_frame_is_a_volume(tmp_path):
    array = an_array()
    volume = read_volume(written(tmp_path / "a.nii.gz", array[None]))
    np.testing.assert_array_equal(volume.array, array[None])


@pytest.mark.parametrize("suffix", ["nrrd", "nii", "nii.gz"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_become_the_smallest_with_a_warning(
    tmp_path, suffix, kind, value
):
    """ITK reads NaN as zero from NIfTI; zero would be far from the intensities of this image."""
    array = an_array(kind) + 1000
    array[2, 3, 4] = array[0, 0, 0] = value
    volume = read_volume(written(tmp_path / f"a.{suffix}", array))
    smallest = array[np.isfinite(array)].min()
    assert volume.array[0, 2, 3, 4] == volume.array[0, 0, 0, 0] == smallest
    assert np.isfinite(volume.array).all()
    (warning,) = volume.warnings
    assert f"a.{suffix}: 2 voxels" in warning


def test_numbers_too_large_for_float32_count_as_not_finite():
    array = an_array("f8")
    array[1, 1, 1] = 1e300
    volume = Volume.from_array(array, GRID, name="fill value")
    assert volume.array.max() < 1e5
    assert array[1, 1, 1] == 1e300, "the caller's array is not changed"


def _cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def _flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 0xFF
    path.write_bytes(data)
    return path


def _large(suffix, *, compress=True):
    return lambda folder: written(
        folder / f"a.{suffix}", an_array("i2", (20, 60, 60)), None, compress=compress
    )


DAMAGED = {
    "cut nii.gz": lambda folder: _cut(_large("nii.gz")(folder)),
    "cut nii": lambda folder: _cut(_large("nii")(folder)),
    "cut nrrd": lambda folder: _cut(_large("nrrd")(folder)),
    "cut raw nrrd": lambda folder: _cut(_large("nrrd", compress=False)(folder)),
    "cut mha": lambda folder: _cut(_large("mha")(folder)),
    "cut raw mha": lambda folder: _cut(_large("mha", compress=False)(folder)),
    "cut img": lambda folder: _cut(_large("img")(folder)),
    "flipped nii.gz": lambda folder: _flipped(_large("nii.gz")(folder)),
    "flipped nrrd": lambda folder: _flipped(_large("nrrd")(folder)),
    "flipped mha": lambda folder: _flipped(_large("mha")(folder)),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_never_read_as_if_it_were_whole(tmp_path, how, capfd):
    path = DAMAGED[how](tmp_path)
    with pytest.raises(InputError, match="damaged or cut short") as raised:
        read_volume(path)
    _is_one_sentence(raised, path)
    if "nii" in how:
        assert capfd.readouterr().err == ""


REFUSED = {
    "empty file": (
        lambda folder: _text(folder / "a.nii.gz", ""),
        "expected an image, got an empty file",
    ),
    "text as NIfTI": (lambda folder: _text(folder / "a.nii.gz", "hello"), "damaged or cut short"),
    "a page of the web as NIfTI": (
        lambda folder: _text(folder / "a.nii.gz", "<html>Please log in</html>" * 20),
        "file of another kind",
    ),
    "text as NRRD": (lambda folder: _text(folder / "a.nrrd", "hello" * 99), "file of another kind"),
    "text": (lambda folder: _text(folder / "a.txt", "hello"), "file of another kind"),
    "nothing there": (lambda folder: folder / "a.nii.gz", "there is nothing of this name"),
    "empty folder": (lambda folder: _folder(folder / "a"), "expected DICOM images, found none"),
    "2D": (
        lambda folder: written(folder / "a.png", an_array("u1")[0]),
        r"expected a 3D volume, got a 2D image \(7 x 6 voxels\)",
    ),
    "one slice": (
        lambda folder: written(folder / "a.nii.gz", an_array()[:1]),
        r"got a single slice \(7 x 6 x 1 voxels\)",
    ),
    "4D": (
        lambda folder: written(folder / "a.nii.gz", np.stack([an_array()] * 3)),
        "got a 4D image of 3 frames .* extract one frame",
    ),
    "RGB": (
        lambda folder: written(folder / "a.nrrd", an_array("u1", (5, 6, 7, 3)), vector=True),
        r"expected intensities, got a colour image \(3 x 8 bit\)",
    ),
    "complex": (
        lambda folder: written(folder / "a.nrrd", an_array("f4").astype("c8")),
        "expected real numbers as voxels, got complex",
    ),
    "all NaN": (
        lambda folder: written(folder / "a.nrrd", np.full(GRID.shape_kji, np.nan, "f4")),
        "no voxel has a finite value",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_volume_is_refused_in_one_sentence(tmp_path, what, capfd):
    make, sentence = REFUSED[what]
    path = make(tmp_path)
    capfd.readouterr()
    with pytest.raises(InputError, match=sentence) as raised:
        read_volume(path)
    _is_one_sentence(raised, path)
    assert capfd.readouterr().err == ""


def test_a_constant_image_is_read_with_a_warning(tmp_path):
    path = written(tmp_path / "a.nrrd", np.full(GRID.shape_kji, 7, "i2"))
    volume = read_volume(path)
    (warning,) = volume.warnings
    assert warning.startswith(f"{path}: expected an image, but all voxels have the value 7; check")
    assert not volume.has_contrast
    assert read_volume(written(tmp_path / "b.nrrd", an_array())).has_contrast


def test_a_folder_of_image_files_says_to_give_one(tmp_path):
    written(tmp_path / "a.nii.gz", an_array())
    with pytest.raises(InputError, match=r"image files such as a\.nii\.gz; give one of those"):
        read_volume(tmp_path)


def test_an_empty_list_is_refused():
    with pytest.raises(InputError, match="got an empty list"):
        read_volume([])


def test_an_array_that_does_not_fit_its_grid_is_refused():
    with pytest.raises(InputError, match="expected an array"):
        Volume.from_array(an_array(shape=(5, 6, 8)), GRID)


def _is_one_sentence(raised, path):
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    assert "Exception" not in text


def _text(path, content):
    path.write_text(content)
    return path


def _folder(path):
    path.mkdir()
    return path


def test_a_half_of_a_pair_is_not_read_from_another_file_of_its_name(tmp_path):
    """ITK looks for a header wherever it finds the name, as in a NIfTI file beside it."""
    written(tmp_path / "a.img", an_array())
    written(tmp_path / "a.nii", an_array() + 1)
    (tmp_path / "a.hdr").unlink()
    with pytest.raises(InputError, match=r"a\.img: expected its header in a\.hdr beside it"):
        read_volume(tmp_path / "a.img")


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.mha", "a.img", "a"])
def test_a_pointer_to_a_file_that_was_not_fetched_is_told(tmp_path, name):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345678\n"
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="got a pointer of Git LFS to one"):
        read_volume(tmp_path / name)


def test_a_folder_is_no_label_map(tmp_path):
    with pytest.raises(InputError, match="expected the file of a label map, got a folder"):
        read_labels(tmp_path)
