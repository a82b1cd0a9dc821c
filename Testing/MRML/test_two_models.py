"""One volume, two models: each has its levels and its table, one of them is looked at, and none is lost."""

from __future__ import annotations

import pytest
import slicer

from CompactSegMRML.CompactSegLogic import CompactSegLogic
from Testing.MRML.conftest import (
    MODEL,
    folder_item,
    nodes_in,
    nodes_of,
    run,
    save_and_open,
    table_node,
)

BRAIN = "brain-mr"


@pytest.fixture
def both(logic, segmented):
    """A volume with the levels of `hippocampus-mr`, and then of `brain-mr`."""
    assert run(logic, segmented, model=BRAIN, allLevels=True).kind == "done"
    return segmented


def visible(scene):
    return [node.GetName() for node in nodes_in(scene) if node.GetDisplayVisibility()]


def test_the_model_that_ran_last_is_looked_at(logic, both):
    results = logic.results(both)
    assert results.model == BRAIN
    assert [node.GetName() for node in nodes_of(logic, both)] == [
        f"left_hippocampus brain-mr level {level}" for level in (1, 2, 3)
    ]
    assert table_node(results).GetName() == "left_hippocampus brain-mr levels"
    assert visible(both.GetScene()) == ["left_hippocampus brain-mr level 3"]


def test_another_model_is_looked_at_again_as_it_was(logic, both, heard):
    logic.lookAt(both, MODEL)
    results = logic.results(both)
    assert (results.model, results.shownLevel) == (MODEL, 3)
    assert [node.GetName() for node in nodes_of(logic, both)] == [
        f"left_hippocampus level {level}" for level in (1, 2, 3)
    ]
    titles = [table_node(results).GetTable().GetColumnName(n) for n in (3, 4)]
    assert titles == ["Anterior hippocampus (ml)", "Posterior hippocampus (ml)"]
    assert visible(both.GetScene()) == ["left_hippocampus level 3"]
    logic.showLevel(both, 1)
    assert visible(both.GetScene()) == ["left_hippocampus level 1"]
    assert folder_item(results) == folder_item(logic.results(both))


def test_what_is_hidden_stays_hidden(logic, both):
    logic.hideAll(both)
    logic.lookAt(both, MODEL)
    assert visible(both.GetScene()) == []


def test_a_model_without_levels_changes_nothing(logic, segmented):
    before = nodes_of(logic, segmented)
    logic.lookAt(segmented, BRAIN)
    assert nodes_of(logic, segmented) == before
    assert visible(segmented.GetScene()) == ["left_hippocampus level 3"]


def test_a_second_run_of_a_model_updates_its_own_nodes(logic, both):
    scene, brain = both.GetScene(), nodes_of(logic, both)
    logic.lookAt(both, MODEL)
    hippocampus, count = nodes_of(logic, both), scene.GetNumberOfNodes()
    logic.lookAt(both, BRAIN)
    run(logic, both, allLevels=True)
    assert nodes_of(logic, both) == hippocampus
    assert scene.GetNumberOfNodes() == count
    run(logic, both, levels=1)
    assert len(nodes_of(logic, both)) == 1
    logic.lookAt(both, BRAIN)
    assert nodes_of(logic, both) == brain


def test_a_deleted_level_leaves_the_other_models_table_alone(logic, both):
    rows = lambda: table_node(logic.results(both)).GetTable().GetNumberOfRows()  # noqa: E731
    logic.lookAt(both, MODEL)
    both.GetScene().RemoveNode(nodes_of(logic, both)[2])
    assert rows() == 2
    logic.lookAt(both, BRAIN)
    assert rows() == 3


def test_both_are_there_when_a_saved_scene_is_opened(warm, logic, both, tmp_path):
    logic.lookAt(both, MODEL)
    opened = save_and_open(warm, tmp_path / "saved")
    volume = opened.scene.GetFirstNodeByName("left_hippocampus")
    there = CompactSegLogic(opened.scene)
    assert there.results(volume).model == MODEL
    there.lookAt(volume, BRAIN)
    assert there.results(volume).model == BRAIN
    assert len(there.results(volume).levels) == 3
    there.close()


def test_removing_the_results_takes_those_of_all_models(logic, both):
    scene = both.GetScene()
    logic.removeResults(both)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert logic.results(both) is None


def test_hardening_a_transform_takes_the_levels_of_both_along(logic, both):
    matrix = slicer.vtkMRMLLinearTransformNode()
    matrix = both.GetScene().AddNode(matrix)
    matrix.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(_shifted()))
    both.SetAndObserveTransformNodeID(matrix.GetID())
    for model in (MODEL, BRAIN):
        logic.lookAt(both, model)
        for node in nodes_of(logic, both):
            assert node.GetTransformNodeID() == matrix.GetID()


def _shifted():
    import numpy as np

    matrix = np.eye(4)
    matrix[:3, 3] = (5.0, 0.0, -3.0)
    return matrix
