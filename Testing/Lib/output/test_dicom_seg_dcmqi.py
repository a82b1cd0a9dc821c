"""DICOM SEG as 3D Slicer reads it: its plugin (QuantitativeReporting) has dcmqi's ``segimage2itkimage`` do so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from CompactSegLib.output.dicom_seg import write_dicom_seg
from CompactSegLib.volume.reading import read_labels, read_volume
from Testing.Lib.output.segmentations import LABELS, a_label_map
from Testing.Lib.volume.dicom_files import write_multiframe, write_series

pytestmark = pytest.mark.slow

SEGIMAGE2ITKIMAGE = Path(sys.executable).with_name("segimage2itkimage")


def _slices(place: Path) -> Path:
    write_series(place)
    return place


def _frames_in_disorder(place: Path) -> Path:
    write_multiframe(place / "enhanced.dcm", order=[3, 0, 5, 1, 4, 2])
    return place / "enhanced.dcm"


@pytest.mark.parametrize("source", [_slices, _frames_in_disorder], ids=lambda f: f.__name__)
def test_voxels_names_codes_and_colours_come_back(tmp_path, source):
    volume = read_volume(source(tmp_path / "case"))
    labels = a_label_map(volume.shape_kji)
    write_dicom_seg(
        labels, volume, path=tmp_path / "a.dcm", label_list=LABELS, level=2, model_name="tiny"
    )
    (tmp_path / "read").mkdir()
    options = ["--inputDICOM", tmp_path / "a.dcm", "--outputDirectory", tmp_path / "read"]
    subprocess.run(
        [SEGIMAGE2ITKIMAGE, *options, "--outputType", "nrrd"], check=True, capture_output=True
    )
    groups = json.loads((tmp_path / "read" / "meta.json").read_text())["segmentAttributes"]
    assert len(groups) == len(LABELS)
    for number, (label, (told,)) in enumerate(zip(LABELS, groups, strict=True), start=1):
        array, geometry = read_labels(tmp_path / "read" / f"{number}.nrrd")
        assert geometry.matches(volume.geometry)
        np.testing.assert_array_equal(array == told["labelID"], labels == label.value)
        assert told["SegmentLabel"] == label.name
        np.testing.assert_allclose(told["recommendedDisplayRGBValue"], label.color, atol=2)
        kind = told["SegmentedPropertyTypeCodeSequence"]["CodeValue"]
        assert kind == (
            label.terminology.type.value if label.terminology else f"LABEL-{label.value}"
        )
    left, mass = groups[0][0], groups[1][0]
    assert left["SegmentedPropertyTypeModifierCodeSequence"]["CodeMeaning"] == "Left"
    assert mass["AnatomicRegionSequence"]["CodeMeaning"] == "Liver"
    assert mass["AnatomicRegionModifierSequence"]["CodeMeaning"] == "Right"
