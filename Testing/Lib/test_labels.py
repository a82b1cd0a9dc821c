"""Labels: what each value of a segmentation means."""

from __future__ import annotations

import pytest

from CompactSegLib.errors import ConfigurationError, ModelError
from CompactSegLib.json_data import build, stated
from CompactSegLib.labels import Code, Label, Terminology, labels_of, structures_of

LEFT_HIPPOCAMPUS = {
    "value": 3,
    "name": "Hippocampus, left",
    "color": [230, 30, 7],
    "terminology": {
        "category": {"scheme": "SCT", "value": "123037004", "meaning": "Anatomical Structure"},
        "type": {"scheme": "SCT", "value": "87953007", "meaning": "Hippocampus"},
        "modifier": {"scheme": "SCT", "value": "7771000", "meaning": "Left"},
    },
}


def test_what_is_written_is_read_again():
    label = Label.from_dict(LEFT_HIPPOCAMPUS)
    assert label.color == (230, 30, 7)
    assert label.terminology.modifier == Code("SCT", "7771000", "Left")
    assert label.to_dict() == LEFT_HIPPOCAMPUS
    assert Label.from_dict(label.to_dict()) == label


def test_a_label_without_codes_is_a_label():
    settings = {"value": 1, "name": "Thing", "color": [0, 0, 0]}
    assert Label.from_dict(settings).to_dict() == settings


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"value": 0}, "value: expected a whole number from 1 to 255, got 0"),
        ({"value": 256}, "value: expected a whole number from 1 to 255, got 256"),
        ({"value": True}, "value: expected a whole number from 1 to 255, got true"),
        ({"value": "1"}, 'value: expected a whole number from 1 to 255, got "1"'),
        ({"name": " "}, "label, name: expected a printable name"),
        ({"name": "two\nlines"}, "label, name: expected a printable name"),
        ({"color": [1, 2]}, r"color: expected a list of 3, got \[1, 2\]"),
        ({"color": [1, 2, 256]}, r"color\[2\]: expected a whole number from 0 to 255, got 256"),
        ({"color": "red"}, "color: expected a list of 3, got"),
        ({"colour": [1, 2, 3]}, "expected only value, name, color, .*, got .colour"),
        (
            {"terminology": {"type": {}}},
            "terminology: expected category, an object, but it is missing",
        ),
        (
            {"terminology": {"category": "organ", "type": "liver"}},
            "terminology.category: expected an object with scheme, value, meaning",
        ),
    ],
)
def test_a_label_that_makes_no_sense_is_refused(changes, sentence):
    with pytest.raises(ModelError, match=sentence):
        Label.from_dict(LEFT_HIPPOCAMPUS | changes)


@pytest.mark.parametrize("settings", [None, [], "liver", {}, {"value": 1}])
def test_what_is_no_label_is_refused(settings):
    with pytest.raises(ModelError, match="label: expected"):
        Label.from_dict(settings)


@pytest.mark.parametrize("meaning", ["", "a~b", "a^b", "a|b", "a\nb", 7])
def test_a_code_that_would_break_slicers_one_line_form_is_refused(meaning):
    with pytest.raises(ConfigurationError, match=r"^meaning: expected a text without"):
        Code("SCT", "1", meaning)


def test_terminology_of_a_finding_has_a_region():
    mass = Terminology(
        Code("SCT", "49755003", "Morphologically Altered Structure"),
        Code("SCT", "4147007", "Mass"),
        region=Code("SCT", "10200004", "Liver"),
    )
    assert build(Terminology, stated(mass), where="mass") == mass


STRUCTURES = {
    1: {
        "name": "Cerebral white matter",
        "color": [245, 245, 245],
        "sides": {"right_color": [0, 225, 0]},
    },
    2: {"name": "Brain stem", "color": [119, 159, 176]},
    3: {
        "name": "Hippocampus",
        "color": [220, 216, 20],
        "terminology": {
            "category": {"scheme": "SCT", "value": "123037004", "meaning": "Anatomical Structure"},
            "type": {"scheme": "SCT", "value": "5366008", "meaning": "Hippocampus"},
            "modifier": {"scheme": "SCT", "value": "51440002", "meaning": "Right and left"},
        },
        "sides": {},
    },
}


def test_paired_structures_have_a_left_and_a_right_label():
    labels = labels_of(STRUCTURES)
    assert [(label.value, label.name, label.of_class, label.side) for label in labels] == [
        (1, "Left cerebral white matter", 1, "left"),
        (2, "Right cerebral white matter", 1, "right"),
        (3, "Brain stem", 2, None),
        (4, "Left hippocampus", 3, "left"),
        (5, "Right hippocampus", 3, "right"),
    ]
    assert [label.color for label in labels[:2]] == [(245, 245, 245), (0, 225, 0)]
    assert [label.terminology.modifier.value for label in labels[3:]] == ["7771000", "24028007"]
    assert [label.structure for label in labels[2:]] == ["Brain stem", "Hippocampus", "Hippocampus"]


def test_labels_with_sides_come_back_from_what_is_written_of_them():
    labels = labels_of(STRUCTURES)
    assert [Label.from_dict(label.to_dict()) for label in labels] == labels
    assert structures_of(labels) == STRUCTURES


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": "right", "name": "Left hippocampus"},
        {"side": "up", "name": "Left hippocampus"},
        {"class": 0},
        {"class": "1"},
    ],
)
def test_sides_and_classes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ModelError, match="expected"):
        Label.from_dict({"value": 1, "name": "Left hippocampus", "color": [1, 2, 3], **wrong})
