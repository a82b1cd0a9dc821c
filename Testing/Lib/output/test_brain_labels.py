"""The labels of brain-mr: codes that DICOM has, colours that can be told apart, and writers that take them all."""

from __future__ import annotations

import itertools
import math
import re

import highdicom
import numpy as np
import pytest
from pydicom.sr.codedict import codes

from CompactSegLib import load_model
from CompactSegLib.labels import Label, labels_of
from CompactSegLib.output.dicom_seg import write_dicom_seg
from CompactSegLib.synthesis.tissues import is_right
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.dicom_files import write_series
from Testing.repository import REPOSITORY

ALONE = {"Third ventricle", "Fourth ventricle", "Brain stem", "Other CSF"}
# CIE76; about 2.3 is just noticeable side by side, and an overlay mixes colours with an image.
_LEAST_DIFFERENCE = 20

PLAN = TrainingPlan.from_dict(load_model("brain-mr").provenance["plan"])


@pytest.fixture(scope="module")
def brain_labels() -> list[Label]:
    return labels_of({int(value): label for value, label in PLAN.labels.items()})


def test_the_document_says_what_the_plan_says(brain_labels):
    document = (REPOSITORY / "docs" / "brain-mr-labels.md").read_text(encoding="utf-8")
    table = [line for line in document.splitlines() if re.match(r"\| \d", line)]
    stated = []
    for label in brain_labels:
        terms = label.terminology
        codes = ", ".join(f"{c.value} {c.meaning}" for c in (terms.type, terms.modifier) if c)
        values = ", ".join(
            str(value)
            for value in PLAN.synthesis.classes[str(label.of_class)]
            if label.side is None or is_right(value) == (label.side == "right")
        )
        color = ", ".join(map(str, label.color))
        stated.append(f"| {label.value} | {label.name} | {values} | {codes} | {color} |")
    assert table == stated


def a_map_of(labels: list[Label], shape_kji: tuple[int, int, int]) -> np.ndarray:
    """Some voxels of each, and background."""
    values = np.arange(np.prod(shape_kji)) % (len(labels) + 1)
    return values.reshape(shape_kji).astype(np.uint8)


def test_there_are_seventeen_structures_in_order_thirteen_of_them_on_both_sides(brain_labels):
    assert [label.value for label in brain_labels] == list(range(1, 31))
    assert list(dict.fromkeys(label.of_class for label in brain_labels)) == list(range(1, 18))
    assert {label.structure for label in brain_labels if label.side is None} == ALONE
    assert len({label.name for label in brain_labels}) == 30


def test_the_codes_are_those_of_dicom(brain_labels):
    """CID 7140, Brain Structures for Volumetric Measurement, and CID 7153, CNS Segmentation Types."""
    known = {
        code.value: code.scheme_designator
        for group in (codes.CID7140, codes.CID7153)
        for code in group.concepts.values()
    }
    for label in brain_labels:
        assert label.terminology is not None
        kind = label.terminology.type
        assert known[kind.value] == kind.scheme
        assert label.terminology.category.value == "123037004"
        modifier = label.terminology.modifier
        given = modifier and (modifier.value, modifier.meaning)
        assert given == {"left": ("7771000", "Left"), "right": ("24028007", "Right")}.get(
            label.side
        )
    assert len({label.terminology.type.value for label in brain_labels}) == 17


def test_no_two_colours_are_alike(brain_labels):
    assert len(brain_labels) > 2
    for one, other in itertools.combinations(brain_labels, 2):
        if one.structure == other.structure:
            continue
        places = [_lab(label.color) for label in (one, other)]
        assert math.dist(*places) > _LEAST_DIFFERENCE, (one.name, other.name)


def test_no_colour_is_lost_on_a_dark_image(brain_labels):
    """FreeSurfer's own for CSF, a dark grey, is."""
    assert all(math.dist(_lab(label.color), _lab((0, 0, 0))) > 45 for label in brain_labels)
    assert math.dist(_lab((60, 60, 60)), _lab((0, 0, 0))) < 45


@pytest.mark.slow
def test_a_dicom_seg_keeps_them_all(tmp_path, brain_labels):
    write_series(tmp_path / "case")
    volume = read_volume(tmp_path / "case")
    labels = a_map_of(brain_labels, volume.shape_kji)
    path = tmp_path / "a.dcm"
    write_dicom_seg(
        labels, volume, label_list=brain_labels, path=path, level=3, model_name="brain-mr"
    )
    segmentation = highdicom.seg.segread(path)
    for number, label in enumerate(brain_labels, start=1):
        description = segmentation.get_segment_description(number)
        kind = description.segmented_property_type
        assert description.segment_label == label.name
        assert (kind.value, kind.meaning) == (
            label.terminology.type.value,
            label.terminology.type.meaning,
        )
        sequence = description.SegmentedPropertyTypeCodeSequence[0]
        assert ("SegmentedPropertyTypeModifierCodeSequence" in sequence) == (
            label.name not in ALONE
        )
    read = segmentation.get_volume(combine_segments=True, allow_missing_positions=True)
    assert np.bincount(read.array.ravel()).tolist() == np.bincount(labels.ravel()).tolist()


def _lab(rgb: tuple[int, int, int]) -> tuple[float, ...]:
    """CIE L*a*b* of an sRGB colour, D65."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in rgb)
    ]
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = matrix @ linear / matrix.sum(axis=1)
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
