"""What training cases have of each structure."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from CompactSegLib.train.expected import expected_millilitres


def a_map(*, first: int, second: int = 0) -> torch.Tensor:
    labels = torch.zeros(5, 10, 20, dtype=torch.uint8)
    labels.view(-1)[:first] = 1
    labels.view(-1)[first : first + second] = 2
    return labels


def test_volumes_are_voxels_times_their_size():
    maps = [(a_map(first=100), (2.0, 1.0, 0.5)), (a_map(first=50, second=5), (2.0, 2.0, 2.0))]
    expected = expected_millilitres(maps, names=["A", "B"])
    assert (expected["A"].mean, expected["A"].least, expected["A"].most) == (0.25, 0.1, 0.4)
    assert (expected["B"].mean, expected["B"].least, expected["B"].most) == (0.02, 0.0, 0.04)


def test_without_cases_nothing_is_expected():
    assert expected_millilitres([], names=["A"]) == {}


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=6),
    st.tuples(*[st.floats(0.1, 5.0)] * 3),
)
def test_the_mean_is_never_outside_the_range(counts, spacing_mm):
    """``ExpectedVolume`` would refuse it."""
    maps = [(a_map(first=count), spacing_mm) for count in counts]
    (volume,) = expected_millilitres(maps, names=["A"]).values()
    assert volume.least <= volume.mean <= volume.most


def test_a_trained_model_states_what_its_cases_have(tmp_path, a_dataset_folder):
    from CompactSegLib.datasets.cases import load_cases
    from CompactSegLib.datasets.folders import read_dataset
    from CompactSegLib.train.export import export_model
    from CompactSegLib.train.plan import TrainingPlan
    from Testing.Lib.conftest import make_tiny_net

    plan = TrainingPlan(name="balls")
    dataset = read_dataset(a_dataset_folder)
    cases = load_cases(dataset, plan)
    names = list(dataset.labels.values())
    model = export_model(
        tmp_path / "balls",
        net=make_tiny_net(),
        plan=plan,
        dataset=dataset,
        scores=[],
        provenance={},
        expected_millilitres=expected_millilitres(
            ((case.labels, plan.spacing_mm) for case in cases), names=names
        ),
    )
    stated = json.loads((model.folder / "model.json").read_text())["expected_millilitres"]
    for value, name in dataset.labels.items():
        volumes = [float((case.labels == value).sum()) / 1000 for case in cases]
        assert stated[name]["mean"] == pytest.approx(sum(volumes) / len(volumes), abs=1e-3)
        assert stated[name]["least"] == pytest.approx(min(volumes), abs=1e-3)
        assert 0 < stated[name]["most"] == pytest.approx(max(volumes), abs=1e-3)


def test_the_shipped_model_states_what_its_training_cases_have(the_hippocampus_data):
    """Counted in the label files: all of 1 mm, so that the model's grid has the same voxels."""
    import numpy as np
    import SimpleITK

    from CompactSegLib import load_model

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
