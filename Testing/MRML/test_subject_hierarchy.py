"""What a person does in the module Data is followed: folders hidden, moved and cloned nodes, things taken away."""

from __future__ import annotations

import pytest

from Testing.MRML.conftest import (
    add_volume,
    folder_item,
    node_of,
    nodes_in,
    nodes_of,
    run,
    table_node,
    turned,
    under_transform,
    wait,
)
from Testing.MRML.plugins import Plugins


@pytest.fixture
def plugins(warm):
    plugins = Plugins(warm.scene)
    yield plugins
    plugins.close()


@pytest.fixture
def undo(warm):
    """Undo, for the results that are there."""

    def enable():
        for node in nodes_in(warm.scene, "vtkMRMLNode"):
            if node.GetClassName().startswith(("vtkMRMLSegmentation", "vtkMRMLTable")):
                node.UndoEnabledOn()
        warm.scene.SetUndoOn()
        warm.scene.SaveStateForUndo()
        return warm.scene.Undo

    yield enable
    warm.scene.SetUndoOff()
    warm.scene.ClearUndoStack()
    warm.scene.ClearRedoStack()


def names_under(hierarchy, item):
    children: list[int] = []
    hierarchy.GetItemChildren(item, children, False)
    return [hierarchy.GetItemName(each) for each in children]


def hide(a_slicer, item):
    """As a folder's eye does: the folder's own display node is off, those of what lies in it stay as they are."""
    display = a_slicer.scene.AddNewNodeByClass("vtkMRMLFolderDisplayNode")
    a_slicer.hierarchy.SetItemDataNode(item, display)
    display.SetVisibility(False)
    return display


@pytest.mark.parametrize("above", [False, True], ids=["their folder", "a folder above"])
def test_levels_of_a_hidden_folder_are_not_seen_until_one_is_chosen(
    logic, warm, heard, segmented, above
):
    item = folder_item(logic.results(segmented))
    if above:
        outer = warm.hierarchy.CreateFolderItem(warm.hierarchy.GetSceneItemID(), "outer")
        warm.hierarchy.SetItemParent(item, outer)
        item = outer
    heard.all.clear()
    display = hide(warm, item)
    assert heard.named("resultsChanged")
    assert node_of(logic, segmented, 3).GetDisplayVisibility(), "its own node says nothing of it"
    assert logic.results(segmented).shownLevel is None
    logic.showLevel(segmented, 3)
    assert display.GetVisibility()
    assert logic.results(segmented).shownLevel == 3


def test_a_run_makes_no_folder_for_nodes_that_a_user_moved(logic, warm, segmented):
    hierarchy = warm.hierarchy
    mine = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "mine")
    results = logic.results(segmented)
    nodes, folder = [*nodes_of(logic, segmented), table_node(results)], folder_item(results)
    for node in nodes:
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), mine)
    hierarchy.RemoveItem(folder, False, False)
    run(logic, segmented, allLevels=True)
    top: list[int] = []
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), top, False)
    assert [hierarchy.GetItemName(item) for item in top] == [segmented.GetName(), "mine"]
    items = [hierarchy.GetItemByDataNode(node) for node in nodes]
    assert {hierarchy.GetItemParent(item) for item in items} == {mine}


def test_a_clone_of_a_table_is_a_users_own(logic, warm, segmented):
    table = table_node(logic.results(segmented))
    clone = warm.scene.AddNewNodeByClass("vtkMRMLTableNode")
    clone.Copy(table)
    logic.removeResults(segmented)
    assert table.GetScene() is None
    assert clone.GetScene() is not None


def test_removed_results_leave_nothing_behind(logic, warm, volume):
    def there():
        return {node.GetID() for node in nodes_in(warm.scene, "vtkMRMLNode")}

    before = there()
    run(logic, volume, allLevels=True)
    hide(warm, folder_item(logic.results(volume)))
    for node in [*nodes_of(logic, volume), table_node(logic.results(volume))]:
        node.AddDefaultStorageNode()
    logic.removeResults(volume)
    assert there() == before


def test_how_a_node_of_a_users_is_drawn_stays_though_a_level_was_drawn_so(logic, warm, segmented):
    display = logic.results(segmented).levels[0].segmentationNode.GetDisplayNode()
    own = warm.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "own")
    own.SetAndObserveDisplayNodeID(display.GetID())
    logic.removeResults(segmented)
    assert own.GetDisplayNode() is display


@pytest.mark.parametrize("is_in_slicer", [True, False], ids=["in Slicer", "without plugins"])
def test_results_that_undo_brought_back_are_told_and_followed_and_have_their_folder(
    logic, warm, heard, segmented, undo, is_in_slicer
):
    back, folder = undo(), warm.hierarchy.GetItemName(folder_item(logic.results(segmented)))
    plugins = Plugins(warm.scene) if is_in_slicer else None
    logic.removeResults(segmented)
    heard.all.clear()
    back()
    assert heard.named("resultsChanged")
    results = logic.results(segmented)
    assert warm.hierarchy.GetItemName(folder_item(results)) == folder
    assert len(names_under(warm.hierarchy, folder_item(results))) == 4, "three levels and a table"
    under_transform(segmented, turned(30))
    assert {node.GetTransformNodeID() for node in nodes_of(logic, segmented)} == {
        segmented.GetTransformNodeID()
    }
    warm.scene.Redo()
    assert logic.results(segmented) is None
    if plugins is not None:
        plugins.close()


def test_an_undo_of_something_else_leaves_what_a_user_moved(logic, warm, plugins, segmented, undo):
    hierarchy = warm.hierarchy
    mine = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "mine")
    node = node_of(logic, segmented, 2)
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), mine)
    back = undo()
    node.SetDescription("something else")
    back()
    node = node_of(logic, segmented, 2)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == mine


def test_a_folder_whose_levels_were_deleted_one_by_one_is_used_again(logic, warm, plugins, volume):
    run(logic, volume, allLevels=True)
    folder = folder_item(logic.results(volume))
    for node in [*nodes_of(logic, volume), table_node(logic.results(volume))]:
        warm.scene.RemoveNode(node)
    assert warm.hierarchy.GetItemName(folder), "nobody takes it away"
    volume.SetName("renamed")
    run(logic, volume, levels=1)
    assert folder_item(logic.results(volume)) == folder
    assert names_under(warm.hierarchy, warm.hierarchy.GetSceneItemID()) == [
        "renamed",
        "renamed levels",
    ]


def test_names_have_a_number_only_where_they_are_taken(logic, warm, segmented):
    other = add_volume(warm.scene)
    run(logic, segmented, levels=1)
    run(logic, segmented, levels=2)
    logic.removeResults(segmented)
    run(logic, segmented, levels=2)
    run(logic, other, levels=1)
    name = "left_hippocampus level"
    assert [node.GetName() for node in nodes_of(logic, segmented)] == [f"{name} 1", f"{name} 2"]
    assert table_node(logic.results(segmented)).GetName() == "left_hippocampus levels"
    assert nodes_of(logic, other)[0].GetName().startswith(f"{name} 1_")


@pytest.mark.parametrize("during", ["", "a comparison", "a run"])
def test_a_study_that_is_deleted_takes_its_results_and_leaves_others(
    logic, warm, plugins, heard, during
):
    hierarchy = warm.hierarchy
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
    studies = [hierarchy.CreateStudyItem(patient, name) for name in ("before", "after")]
    volumes = []
    for study in studies:
        volume = add_volume(warm.scene)
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), study)
        run(logic, volume, levels=2)
        logic.editCopy(volume, 1)
        volumes.append(volume)
    deleted, kept = volumes
    there = nodes_of(logic, kept)
    assert names_under(hierarchy, studies[1])[1] == "left_hippocampus levels", "one in each study"
    if during == "a comparison":
        logic.compare(deleted, 1, 2)
    elif during == "a run":
        heard.all.clear()
        logic.segment(deleted, model="hippocampus-mr", allLevels=True)
        wait(logic, lambda: heard.named("levelReady"))
    heard.all.clear()
    hierarchy.RemoveItem(studies[0], True, True)
    if during == "a run":
        assert [outcome.kind for outcome in heard.outcomes] == ["cancelled"]
        assert "was deleted" in heard.outcomes[0].sentence
    elif during:
        assert heard.named("comparisonEnded")
    assert logic.comparison is None
    assert heard.named("resultsChanged")
    assert names_under(hierarchy, patient) == ["after"]
    assert nodes_of(logic, kept) == there
    others = [node for node in nodes_in(warm.scene) if node not in there]
    assert len(others) == 1, "its edited copy"
    assert run(logic, kept, levels=2).kind == "done"


def put(hierarchy, node, item):
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), item)


def parent_of(hierarchy, node):
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def two_studies(hierarchy):
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
    return [hierarchy.CreateStudyItem(patient, name) for name in ("before", "after")]


def test_results_go_along_with_a_volume_that_is_moved_to_another_study(
    logic, warm, plugins, segmented
):
    hierarchy = warm.hierarchy
    copy, mine = logic.editCopy(segmented, 2), logic.editCopy(segmented, 1)
    drawer = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "drawer")
    put(hierarchy, mine, drawer)
    folder = folder_item(logic.results(segmented))
    for study in two_studies(hierarchy):
        put(hierarchy, segmented, study)
        assert hierarchy.GetItemParent(folder) == study
        assert parent_of(hierarchy, copy) == study
    assert parent_of(hierarchy, mine) == drawer, "a user put it there"
    hierarchy.SetItemParent(folder, drawer)
    put(hierarchy, segmented, hierarchy.GetSceneItemID())
    assert hierarchy.GetItemParent(folder) == drawer, "a user put it there"
    logic.removeResults(segmented)
    put(hierarchy, segmented, study)
    assert parent_of(hierarchy, copy) == study, "also where the levels are gone"


def test_results_stay_beside_their_volume_when_the_study_above_them_is_taken_away(
    logic, warm, plugins, segmented
):
    hierarchy = warm.hierarchy
    study, _other = two_studies(hierarchy)
    put(hierarchy, segmented, study)
    folder, patient = folder_item(logic.results(segmented)), hierarchy.GetItemParent(study)
    hierarchy.RemoveItem(study, True, False)
    assert parent_of(hierarchy, segmented) == hierarchy.GetItemParent(folder) == patient
    assert names_under(hierarchy, folder)[0] == "left_hippocampus level 1"


def test_names_follow_that_of_the_volume_unless_a_user_gave_them(logic, warm, plugins, segmented):
    hierarchy = warm.hierarchy
    copy, mine = logic.editCopy(segmented, 2), logic.editCopy(segmented, 2)
    mine.SetName("left_hippocampus level 2 as I see it")
    nodes = nodes_of(logic, segmented)
    nodes[0].SetName("the first")
    warm.scene.AddNewNodeByClass("vtkMRMLTextNode", "pat level 3")
    for name in ("pat", "T1 (2)"):
        segmented.SetName(name)
        results = logic.results(segmented)
        taken = "pat level 3_1" if name == "pat" else "T1 (2) level 3"
        assert [each.GetName() for each in nodes] == ["the first", f"{name} level 2", taken]
        assert table_node(results).GetName() == f"{name} levels"
        assert hierarchy.GetItemName(folder_item(results)) == f"{name} levels"
        assert copy.GetName() == f"{name} level 2 (edited)"
        assert mine.GetName() == "left_hippocampus level 2 as I see it"
    hierarchy.SetItemName(folder_item(results), "my folder")
    segmented.SetName("again")
    assert hierarchy.GetItemName(folder_item(results)) == "my folder"


def test_names_with_a_model_follow_too(logic, segmented):
    run(logic, segmented, model="brain-mr", levels=1)
    segmented.SetName("pat")
    assert node_of(logic, segmented, 1).GetName() == "pat brain-mr level 1"
    assert table_node(logic.results(segmented)).GetName() == "pat brain-mr levels"
