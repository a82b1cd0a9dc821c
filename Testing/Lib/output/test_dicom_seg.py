"""DICOM SEG out, read again with highdicom and pydicom."""

from __future__ import annotations

import sys

import highdicom
import numpy as np
import pydicom
import pytest

from CompactSegLib.errors import ConfigurationError, InputError, OutputError
from CompactSegLib.output.dicom_seg import write_dicom_seg
from CompactSegLib.volume.reading import read_labels, read_volume
from Testing.Lib.output.segmentations import LABELS, a_label_map
from Testing.Lib.volume.dicom_files import GRID, write_series


@pytest.fixture
def a_dicom_volume(tmp_path):
    names = ["f", "a.dcm", "IM0002", "c.ima", "b", "0001.dcm"]
    names = [name if "." in name else f"{name}.dcm" for name in names]
    write_series(tmp_path / "case", names=names)
    return read_volume(tmp_path / "case")


def write(labels, volume, path, **changes):
    settings = {"label_list": LABELS, "level": 2, "model_name": "hippocampus-mr"} | changes
    write_dicom_seg(labels, volume, path=path, **settings)


@pytest.fixture
def a_segmentation(a_dicom_volume, tmp_path):
    write(a_label_map(a_dicom_volume.shape_kji), a_dicom_volume, tmp_path / "a.dcm")
    return highdicom.seg.segread(tmp_path / "a.dcm")


def test_segments_have_names_codes_and_colours(a_segmentation):
    descriptions = [a_segmentation.get_segment_description(n) for n in (1, 2, 3, 4)]
    assert [d.segment_label for d in descriptions] == [label.name for label in LABELS]
    left, mass, other, _ = descriptions
    assert left.segmented_property_category.value == "123037004"
    assert left.segmented_property_type.value == "87953007"
    assert left.segmented_property_type.scheme_designator == "SCT"
    kind = left.SegmentedPropertyTypeCodeSequence[0]
    (modifier,) = kind.SegmentedPropertyTypeModifierCodeSequence
    assert (modifier.CodeValue, modifier.CodeMeaning) == ("7771000", "Left")
    (region,) = mass.AnatomicRegionSequence
    assert region.CodeMeaning == "Liver"
    assert region.AnatomicRegionModifierSequence[0].CodeMeaning == "Right"
    assert other.segmented_property_type.scheme_designator == "99COMPACTSEG"
    assert other.segmented_property_type.meaning == "Something else"
    colour = left.RecommendedDisplayCIELabValue
    rgb = highdicom.color.CIELabColor.from_dicom_value(colour).to_rgb()
    np.testing.assert_allclose(rgb, LABELS[0].color, atol=2)
    assert left.algorithm_type.value == "AUTOMATIC"
    assert left.SegmentAlgorithmName == "CompactSeg hippocampus-mr"


def test_each_frame_is_the_slice_it_refers_to(tmp_path, a_segmentation, a_dicom_volume):
    image = pydicom.dcmread(tmp_path / "a.dcm")
    labels = a_label_map(a_dicom_volume.shape_kji)
    by_uid = {}
    for k, file in enumerate(a_dicom_volume.source.dicom_files):
        by_uid[pydicom.dcmread(file).SOPInstanceUID] = k
    expected = {(k, v) for k in range(len(labels)) for v in np.unique(labels[k]) if v}
    seen = set()
    for frame, pixels in zip(
        image.PerFrameFunctionalGroupsSequence, image.pixel_array, strict=True
    ):
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        k = by_uid[source.ReferencedSOPInstanceUID]
        value = LABELS[number - 1].value
        np.testing.assert_array_equal(pixels, labels[k] == value)
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        place = GRID.ijk_to_lps @ [0, 0, k, 1]
        np.testing.assert_allclose([float(x) for x in position], place[:3], atol=1e-3)
        seen.add((k, value))
    assert seen == expected, "empty frames are left out, no other"


def test_it_belongs_to_the_patient_and_study_of_its_slices(a_segmentation, a_dicom_volume):
    source = pydicom.dcmread(a_dicom_volume.source.dicom_files[0])
    for keyword in ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert a_segmentation[keyword].value == source[keyword].value
    assert a_segmentation.SeriesInstanceUID != source.SeriesInstanceUID
    assert a_segmentation.SeriesDescription == "CompactSeg hippocampus-mr level 2"


def test_nothing_found_is_a_segmentation_too(tmp_path, a_dicom_volume):
    write(np.zeros(a_dicom_volume.shape_kji, np.uint8), a_dicom_volume, tmp_path / "a.dcm")
    image = pydicom.dcmread(tmp_path / "a.dcm")
    assert len(image.SegmentSequence) == len(LABELS)
    assert not image.pixel_array.any()


def test_a_volume_that_is_not_from_dicom_is_refused(tmp_path, an_oblique_volume):
    labels = a_label_map(an_oblique_volume.shape_kji)
    with pytest.raises(InputError, match=r"oblique: .* was not read from DICOM"):
        write(labels, an_oblique_volume, tmp_path / "a.dcm")


def test_without_highdicom_it_is_said_what_to_install(tmp_path, a_dicom_volume, monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'compactseg\[dicom-seg\]'"):
        write(a_label_map(a_dicom_volume.shape_kji), a_dicom_volume, tmp_path / "a.dcm")


def test_a_full_disk_leaves_the_old_file(tmp_path, a_dicom_volume, monkeypatch):
    def half(_, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(highdicom.seg.Segmentation, "save_as", half)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.dcm").write_text("old")
    with pytest.raises(OutputError, match="No space left"):
        write(a_label_map(a_dicom_volume.shape_kji), a_dicom_volume, tmp_path / "out" / "a.dcm")
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["a.dcm"]
    assert (tmp_path / "out" / "a.dcm").read_text() == "old"


def test_it_is_neither_an_image_nor_a_label_map(tmp_path, a_segmentation):
    """ITK would read it as a volume: the frames of all segments one above the other."""
    (tmp_path / "alone").mkdir()
    (tmp_path / "a.dcm").rename(tmp_path / "alone" / "a.dcm")
    for path in (tmp_path / "alone" / "a.dcm", tmp_path / "alone"):
        with pytest.raises(InputError, match=r"a\.dcm: expected an image, got a segmentation"):
            read_volume(path)
    with pytest.raises(InputError, match=r"a\.dcm: expected a label map .* got a DICOM file"):
        read_labels(tmp_path / "alone" / "a.dcm")
