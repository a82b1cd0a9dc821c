"""Which label of a model a dataset's name means."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from CompactSegLib.datasets.dataset import Dataset
from CompactSegLib.errors import InputError
from CompactSegLib.judge.assessment import other_names

BRAIN = ("Cerebral white matter", "Cerebral cortex", "Brain stem", "Lateral ventricle", "Other CSF")


def a_dataset(*names: str, described_by: str = "dataset.json") -> Dataset:
    labels = dict(enumerate(names, start=1))
    return Dataset(Path("brains"), "Brains", "", "", ("MR",), labels, (), described_by)


def a_model(*names: str) -> SimpleNamespace:
    """All that is asked of a model here."""
    labels = [SimpleNamespace(value=value, name=name) for value, name in enumerate(names, start=1)]
    return SimpleNamespace(name="brain", labels=labels)


@pytest.mark.parametrize(
    ("names", "others"),
    [
        (BRAIN, {}),
        (("cerebral_WHITE-matter", "Cortex", "Brain-Stem", "Ventricle", "CSF"), {}),
        (("WM", "GM", *BRAIN[2:]), {1: "WM", 2: "GM"}),
        (("Cerebral", *BRAIN[1:]), {}),
    ],
)
def test_names_that_are_none_of_the_models_are_told(names, others):
    assert other_names(a_model(*BRAIN), a_dataset(*names)) == others


@pytest.mark.parametrize("first", ["Brain-Stem", "cortex", "CSF", "left lateral ventricle"])
def test_a_name_of_another_label_is_refused(first: str):
    with pytest.raises(InputError, match=rf"^brains: expected .* but 1 is {first} \(there \d\);"):
        other_names(a_model(*BRAIN), a_dataset(first, *BRAIN[1:]))


def test_of_many_that_are_mixed_up_three_are_named():
    with pytest.raises(InputError, match=r"1 is .*, 2 is .*, 3 is .* and 2 more; give"):
        other_names(a_model(*BRAIN), a_dataset(*BRAIN[1:], BRAIN[0]))


def test_files_without_names_are_taken_by_their_values():
    files = a_dataset("Label 1", "Label 2", described_by="the other cases")
    assert other_names(a_model("Label 2", "Label 1"), files) == {}
