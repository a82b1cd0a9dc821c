"""What a person does in the module Data is followed: folders hidden, moved and cloned nodes, things taken away."""

from __future__ import annotations

import pytest

from Testing.MRML.conftest import node_of, nodes_in, nodes_of, run


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
    item = logic.results(segmented).folderItem
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
    nodes = [*nodes_of(logic, segmented), results.tableNode]
    for node in nodes:
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), mine)
    hierarchy.RemoveItem(results.folderItem, False, False)
    run(logic, segmented, allLevels=True)
    top: list[int] = []
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), top, False)
    assert [hierarchy.GetItemName(item) for item in top] == [segmented.GetName(), "mine"]
    items = [hierarchy.GetItemByDataNode(node) for node in nodes]
    assert {hierarchy.GetItemParent(item) for item in items} == {mine}


def test_a_clone_of_a_table_is_a_users_own(logic, warm, segmented):
    table = logic.results(segmented).tableNode
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
    hide(warm, logic.results(volume).folderItem)
    for node in [*nodes_of(logic, volume), logic.results(volume).tableNode]:
        node.AddDefaultStorageNode()
    logic.removeResults(volume)
    assert there() == before


def test_how_a_node_of_a_users_is_drawn_stays_though_a_level_was_drawn_so(logic, warm, segmented):
    display = logic.results(segmented).levels[0].segmentationNode.GetDisplayNode()
    own = warm.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "own")
    own.SetAndObserveDisplayNodeID(display.GetID())
    logic.removeResults(segmented)
    assert own.GetDisplayNode() is display
