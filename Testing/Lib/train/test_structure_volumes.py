"""What training cases have of each structure."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK
import torch
from hypothesis import given
from hypothesis import strategies as st

from CompactSegLib import load_model
from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.labels import Label, labels_of
from CompactSegLib.synthesis.label_maps import read_label_map
from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.train.export import export_model
from CompactSegLib.train.structure_volumes import (
    expected_millilitres,
    lost_with_the_skull,
    millilitres_of,
)
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.Lib.conftest import make_tiny_net
from Testing.Lib.synthesis.heads import head_array, write_head


def volumes(*voxels: int, spacing_mm=(1.0, 1.0, 1.0)) -> list[float]:
    """Of a case with so many voxels of each label."""
    labels = torch.zeros(5, 10, 30, dtype=torch.uint8)
    values = torch.arange(1, len(voxels) + 1, dtype=torch.uint8)
    labels.view(-1)[: sum(voxels)] = values.repeat_interleave(torch.tensor(voxels))
    case = PreparedCase("case", torch.zeros(1, 5, 10, 30), labels)
    names = [Label(int(value), f"label {value}", (0, 0, 0)) for value in values]
    return millilitres_of(case, names, TrainingPlan(spacing_mm=spacing_mm))


def test_volumes_are_voxels_times_their_size():
    cases = [
        volumes(100, 0, spacing_mm=(2.0, 1.0, 0.5)),
        volumes(50, 5, spacing_mm=(2.0, 2.0, 2.0)),
    ]
    expected = expected_millilitres(cases, names=["A", "B"])
    assert (expected["A"].mean, expected["A"].least, expected["A"].most) == (0.25, 0.1, 0.4)
    assert (expected["B"].mean, expected["B"].least, expected["B"].most) == (0.02, 0.0, 0.04)


def test_of_label_maps_each_side_has_its_own(tmp_path):
    array = head_array()
    array[np.isin(array, (10, 49))] = 0
    array[20:24, 20, 20] = 10
    array[20:26, 22, 20] = 49
    plan = TrainingPlan(synthesis=SynthesisPlan(classes={"1": [10, 49], "2": [2, 41]}))
    head = read_label_map(write_head(tmp_path / "head.nii.gz", array), plan)
    labels = labels_of(
        {
            1: {"name": "Thalamus", "color": [0, 118, 14], "sides": {}},
            2: {"name": "White matter", "color": [1, 2, 3]},
        }
    )
    left, right, white = millilitres_of(head, labels, plan)
    assert (left, right) == pytest.approx((0.004, 0.006))
    assert white == pytest.approx(float(np.isin(array, (2, 41)).sum()) / 1000)


def test_of_the_fluid_around_the_brain_images_without_a_skull_have_none():
    labels = [Label(1, "White matter", (1, 2, 3)), Label(2, "Fluid around", (3, 2, 1))]
    classes = {"1": [2, 41], "2": [24]}
    stripped = TrainingPlan(synthesis=SynthesisPlan(classes=classes))
    whole = TrainingPlan(synthesis=SynthesisPlan(classes=classes, strip_probability=0.0))
    assert lost_with_the_skull(labels, stripped) == {"Fluid around"}
    assert (
        lost_with_the_skull(labels, whole) == lost_with_the_skull(labels, TrainingPlan()) == set()
    )
    found = expected_millilitres([[500, 300], [600, 400]], names=["A", "B"], may_lack={"B"})
    assert [(each.least, each.mean, each.most) for each in found.values()] == [
        (500, 550, 600),
        (0, 350, 400),
    ]


def test_without_cases_nothing_is_expected():
    assert expected_millilitres([], names=["A"]) == {}


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=6),
    st.tuples(*[st.floats(0.1, 5.0)] * 3),
)
def test_the_mean_is_never_outside_the_range(counts, spacing_mm):
    """``ExpectedVolume`` would refuse it."""
    cases = [volumes(count, spacing_mm=spacing_mm) for count in counts]
    (volume,) = expected_millilitres(cases, names=["A"]).values()
    assert volume.least <= volume.mean <= volume.most


def test_a_trained_model_states_what_its_cases_have(tmp_path, a_dataset_folder):
    plan = TrainingPlan(name="balls")
    dataset = read_dataset(a_dataset_folder)
    cases = load_cases(dataset, plan)
    model = export_model(
        tmp_path / "balls",
        net=make_tiny_net(),
        plan=plan,
        dataset=dataset,
        cases=cases,
        scores=[],
        provenance={},
    )
    stated = json.loads((model.folder / "model.json").read_text())["expected_millilitres"]
    for value, name in dataset.labels.items():
        volumes = [float((case.labels == value).sum()) / 1000 for case in cases]
        assert stated[name]["mean"] == pytest.approx(sum(volumes) / len(volumes), abs=1e-3)
        assert stated[name]["least"] == pytest.approx(min(volumes), abs=1e-3)
        assert 0 < stated[name]["most"] == pytest.approx(max(volumes), abs=1e-3)


def test_the_shipped_model_states_what_its_training_cases_have(the_hippocampus_data):
    """Counted in the label files: all of 1 mm, so that the model's grid has the same voxels."""
    model = load_model("hippocampus-mr")
    folder = the_hippocampus_data / "labelsTr"
    counts = []
    for name in model.provenance["split"]["training_case_names"]:
        image = SimpleITK.ReadImage(str(folder / f"{name}.nii.gz"))
        assert image.GetSpacing() == pytest.approx((1, 1, 1), abs=1e-3)
        labels = SimpleITK.GetArrayFromImage(image)
        counts.append([np.count_nonzero(labels == label.value) for label in model.labels])
    for label, column in zip(model.labels, np.transpose(counts) / 1000, strict=True):
        stated = model.expected_millilitres[label.name]
        expected = (column.mean(), column.min(), column.max())
        assert (stated.mean, stated.least, stated.most) == pytest.approx(expected, abs=6e-4)
