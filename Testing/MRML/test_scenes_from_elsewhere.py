"""A scene may come from anyone: what it names is not loaded, and what it states wrongly is ignored."""

from __future__ import annotations

import json
import shutil

import pytest

from CompactSegLib.errors import InputError
from CompactSegMRML.CompactSegLogic import CompactSegLogic
from Testing.MRML.conftest import add_volume, node_of, wait


def test_a_saved_scene_can_not_name_a_model_folder(logic, volume, tmp_path):
    wait(logic, lambda: logic.models)
    shutil.copytree(next(each.folder for each in logic.models), tmp_path / "foreign")
    with pytest.raises(InputError, match="expected a model that the worker has"):
        logic.segment(volume, model=str(tmp_path / "foreign"))


def test_a_model_that_a_scene_names_is_asked_of_the_worker_only_where_it_is_installed(
    scene, tmp_path
):
    """Before the worker has told its models, too."""
    logic = CompactSegLogic(scene)
    outcomes = []
    logic.finished.connect(outcomes.append)
    logic.segment(add_volume(scene), model=str(tmp_path))
    wait(logic, lambda: outcomes)
    logic.close()
    assert outcomes[0].kind == "failed"
    assert "expected a model that the worker has" in outcomes[0].sentence


@pytest.mark.parametrize(
    "facts",
    [
        "[1]",
        "{}",
        '{"level": "2", "levels": 3, "model": "m"}',
        '{"level": 2, "levels": 3, "model": ["m"]}',
        '{"level": 5, "levels": 3, "model": "m"}',
        '{"level": 2, "levels": 4294967295, "model": "m"}',
        "[" * 100_000,
    ],
)
def test_facts_that_are_none_are_no_results_and_no_error(logic, segmented, facts):
    node_of(logic, segmented, 2).SetAttribute("CompactSeg.Facts", facts)
    assert [each.level for each in logic.results(segmented).levels] == [1, 3]


def test_facts_of_a_wrong_type_are_ignored(logic, segmented):
    node = node_of(logic, segmented, 2)
    data = json.loads(node.GetAttribute("CompactSeg.Facts"))
    wrong = {
        "millilitres": "many",
        "seconds": [],
        "messages": {"a": 1},
        "boxStart": [1],
        "imageCrc": "x",
    }
    node.SetAttribute("CompactSeg.Facts", json.dumps(data | wrong))
    level = logic.results(segmented).level(2)
    assert (level.seconds, dict(level.millilitres)) == (0.0, {})
    assert level.improvement == data["improvement"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400], ids=["nan", "inf", "huge"])
def test_numbers_that_nobody_can_show_are_ignored(logic, segmented, value):
    node = node_of(logic, segmented, 2)
    data = json.loads(node.GetAttribute("CompactSeg.Facts"))
    wrong = {"millilitres": {"a": value}, "seconds": value, "improvement": value}
    node.SetAttribute("CompactSeg.Facts", json.dumps(data | wrong))
    level = logic.results(segmented).level(2)
    assert (level.seconds, dict(level.millilitres), level.improvement) == (0.0, {}, None)
