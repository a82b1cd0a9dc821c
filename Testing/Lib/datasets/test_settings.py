"""Files of settings that build on one another."""

import json

import pytest

from CompactSegLib.datasets.settings import read_settings
from CompactSegLib.errors import ConfigurationError
from CompactSegLib.train.training_plan import TrainingPlan


def write(folder, **files):
    for name, data in files.items():
        (folder / f"{name}.json").write_text(json.dumps(data))
    return folder


def test_a_file_says_only_what_differs(tmp_path):
    first = {"steps": 10, "patch": [8, 8, 8], "augmentation": {"noise": 0.1, "shear": 0.2}}
    write(
        tmp_path,
        first=first,
        second={"based_on": "first.json", "steps": 20, "augmentation": {"noise": 0.3}},
        third={"based_on": "second.json", "patch": [4, 4, 4], "seed": 7},
    )
    assert read_settings(tmp_path / "first.json") == first
    assert read_settings(tmp_path / "third.json") == {
        "steps": 20,
        "patch": [4, 4, 4],
        "augmentation": {"noise": 0.3, "shear": 0.2},
        "seed": 7,
    }
    plan = TrainingPlan.read(tmp_path / "third.json")
    assert (plan.steps, plan.patch, plan.seed) == (20, (4, 4, 4), 7)
    assert plan.augmentation.noise == 0.3
    # A finished plan stands alone: what a run stores is whole.
    assert "based_on" not in plan.to_dict()


def test_a_file_is_found_beside_the_one_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    write(tmp_path, base={"steps": 3})
    write(tmp_path / "inner", plan={"based_on": "../base.json"})
    monkeypatch.chdir(tmp_path / "inner")
    assert read_settings("plan.json") == {"steps": 3}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a": {"based_on": "none.json"}}, r"none\.json: could not be read"),
        ({"a": {"based_on": 3}}, r"a\.json, based_on: expected the name of a file, got 3"),
        ({"a": {"based_on": "a.json"}}, "does not build on this one, but a.json does"),
        (
            {"a": {"based_on": "b.json"}, "b": {"based_on": "a.json"}},
            r"b\.json, based_on: .* but a\.json does",
        ),
        ({"a": {"based_on": "b.json"}, "b": []}, r"b\.json: expected an object, got \[\]"),
    ],
)
def test_what_can_not_be_built_on_is_told(tmp_path, files, told):
    with pytest.raises(ConfigurationError, match=told):
        read_settings(write(tmp_path, **files) / "a.json")
