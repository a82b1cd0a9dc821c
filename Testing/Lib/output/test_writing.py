"""Label maps to files."""

from __future__ import annotations

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from CompactSegLib.errors import OutputError
from CompactSegLib.labels import Label
from CompactSegLib.output import seg_nrrd
from CompactSegLib.output.writing import write_labels
from CompactSegLib.volume.geometry import Geometry
from Testing.Lib.output.segmentations import LABELS, a_label_map

VOLUMES = ["an_oblique_volume", "a_left_handed_volume", "a_sagittal_volume"]


@pytest.fixture(params=VOLUMES)
def a_geometry(request):
    return request.getfixturevalue(request.param).geometry


@pytest.mark.parametrize("suffix", ["nii.gz", "seg.nrrd"])
def test_itk_reads_the_same_labels_at_the_same_place(tmp_path, a_geometry, suffix):
    labels = a_label_map(a_geometry.shape_kji)
    write_labels(labels, a_geometry, label_list=LABELS, path=tmp_path / f"a.{suffix}")
    image = SimpleITK.ReadImage(str(tmp_path / f"a.{suffix}"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), labels)
    assert image.GetPixelID() == SimpleITK.sitkUInt8
    # NIfTI keeps its matrix in float32.
    tolerance = 1e-4 if suffix == "nii.gz" else 1e-12
    assert Geometry.from_sitk(image).matches(a_geometry, tolerance=tolerance)


def test_every_number_of_the_geometry_is_written_exactly(tmp_path, a_geometry):
    path = tmp_path / "a.seg.nrrd"
    write_labels(a_label_map(a_geometry.shape_kji), a_geometry, label_list=LABELS, path=path)
    header = nrrd.read_header(str(path))
    assert header["space"] == "left-posterior-superior"
    np.testing.assert_array_equal(header["space directions"], a_geometry.ijk_to_lps[:3, :3].T)
    np.testing.assert_array_equal(header["space origin"], a_geometry.ijk_to_lps[:3, 3])


def test_the_same_labels_make_the_same_bytes(tmp_path, a_geometry):
    for name in ("a.seg.nrrd", "b.seg.nrrd"):
        labels = a_label_map(a_geometry.shape_kji)
        write_labels(labels, a_geometry, label_list=LABELS, path=tmp_path / name)
    assert (tmp_path / "a.seg.nrrd").read_bytes() == (tmp_path / "b.seg.nrrd").read_bytes()


def test_a_backslash_in_a_name_is_kept(tmp_path):
    geometry = Geometry((4, 5, 6), (1.0, 1.0, 1.0))
    path = tmp_path / "a.seg.nrrd"
    label = Label(1, r"L\new: a|b", (1, 2, 3))
    write_labels(a_label_map((6, 5, 4)), geometry, label_list=[label], path=path)
    assert SimpleITK.ReadImage(str(path)).GetMetaData("Segment0_Name") == label.name


def test_labels_in_any_memory_order_are_written(tmp_path):
    geometry = Geometry((4, 5, 6), (1.0, 1.0, 1.0))
    labels = np.asfortranarray(a_label_map((6, 5, 4)))[::-1]
    for suffix in ("nii.gz", "seg.nrrd"):
        path = tmp_path / f"a.{suffix}"
        write_labels(labels, geometry, label_list=LABELS, path=path)
        image = SimpleITK.ReadImage(str(path))
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), labels)


def test_nifti_states_one_frame_twice_as_nibabel_reads_it(tmp_path, a_geometry):
    path = tmp_path / "tête.nii.gz"
    labels = a_label_map(a_geometry.shape_kji)
    write_labels(labels, a_geometry, label_list=LABELS, path=path)
    image = nibabel.load(path)
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), labels.T)
    for affine, code in (image.get_sform(coded=True), image.get_qform(coded=True)):
        assert code == 1
        np.testing.assert_allclose(affine, a_geometry.ijk_to_ras, atol=1e-4)
    assert image.header.get_xyzt_units() == ("mm", "unknown")


def test_an_axis_that_nifti_cannot_count_is_refused(tmp_path):
    geometry = Geometry((2**15, 1, 1), (0.1, 1.0, 1.0))
    with pytest.raises(OutputError, match=r"at most 32767 voxels .* write \.seg\.nrrd"):
        write_labels(
            np.zeros(geometry.shape_kji, np.uint8),
            geometry,
            label_list=LABELS,
            path=tmp_path / "a.nii.gz",
        )
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused(tmp_path):
    geometry = Geometry((4, 5, 6), (1.0, 1.0, 1.0))
    with pytest.raises(OutputError, match=r"ends in \.seg\.nrrd or \.nii\.gz"):
        write_labels(a_label_map((6, 5, 4)), geometry, label_list=LABELS, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="expected uint8 labels"):
        write_labels(
            a_label_map((5, 5, 4)), geometry, label_list=LABELS, path=tmp_path / "a.nii.gz"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.seg.nrrd", "a.nii.gz"])
def test_a_disk_that_is_full_after_half_of_the_file_leaves_the_old_one(tmp_path, monkeypatch, name):
    monkeypatch.setattr(seg_nrrd.zlib, "compressobj", _FullAfterOnePlane)
    (path := tmp_path / name).write_text("old")
    geometry = Geometry((4, 5, 6), (1.0, 1.0, 1.0))
    with pytest.raises(OutputError, match="could not be written") as raised:
        write_labels(a_label_map((6, 5, 4)), geometry, label_list=LABELS, path=path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


class _FullAfterOnePlane:
    def __init__(self, **_):
        self.planes = 0

    def compress(self, data):
        self.planes += 1
        if self.planes > 1:
            raise OSError(28, "No space left on device")
        return bytes(data)
