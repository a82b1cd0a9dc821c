"""The node selector follows its scene as Slicer's does."""

from __future__ import annotations

import pytest
import slicer


@pytest.fixture
def a_selector(desktop):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.addEnabled = selector.removeEnabled = False
    selector.setMRMLScene(desktop.scene)
    selector.show()
    yield selector
    selector.deleteLater()


def add(name: str, kind: str = "vtkMRMLScalarVolumeNode"):
    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


def test_it_is_disabled_until_it_has_a_scene(desktop):
    selector = slicer.qMRMLNodeComboBox()
    assert not selector.enabled
    selector.setMRMLScene(desktop.scene)
    assert selector.enabled


def test_only_nodes_of_its_types_that_are_no_secret_are_listed(a_selector):
    add("a", "vtkMRMLLabelMapVolumeNode")
    add("b", "vtkMRMLModelNode")
    add("c").SetHideFromEditors(True)
    hidden = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
    hidden.UnRegister(None)
    hidden.SetHideFromEditors(True)
    slicer.mrmlScene.AddNode(hidden)
    names = [a_selector.nodeFromIndex(i).GetName() for i in range(a_selector.nodeCount())]
    assert names[0] == "a", "a label map is a scalar volume, as showChildNodeTypes says"
    assert hidden.GetName() not in names
    a_selector.showChildNodeTypes = False
    assert "a" not in [a_selector.nodeFromIndex(i).GetName() for i in range(a_selector.nodeCount())]


def test_the_first_node_is_chosen_and_said(a_selector):
    heard, ids = [], []
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    a_selector.currentNodeIDChanged.connect(ids.append)
    node = add("first")
    add("second")
    assert a_selector.currentNode() is node
    assert heard == [node]
    assert ids == [node.GetID()]


def test_with_none_in_front_nothing_is_chosen(a_selector):
    a_selector.noneEnabled = True
    add("first")
    assert a_selector.currentNode() is None
    assert a_selector.currentNodeID == ""


def test_a_node_that_is_deleted_gives_way_to_its_neighbour(a_selector):
    first, second = add("first"), add("second")
    a_selector.setCurrentNode(second)
    slicer.mrmlScene.RemoveNode(second)
    assert a_selector.currentNode() is first
    slicer.mrmlScene.RemoveNode(first)
    assert a_selector.currentNode() is None


def test_a_node_that_is_renamed_is_listed_by_its_new_name(a_selector, desktop):
    node = add("before")
    node.SetName("after")
    desktop.choose(a_selector, "after")
    assert a_selector.currentNode() is node


def test_closing_the_scene_empties_it(a_selector, desktop):
    add("first")
    heard = []
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    desktop.close_scene()
    assert a_selector.nodeCount() == 0
    assert heard == [None]


def test_a_new_node_is_made_from_the_list(a_selector, desktop):
    a_selector.nodeTypes = ["vtkMRMLMarkupsROINode"]
    a_selector.addEnabled = True
    a_selector.baseName = "Region"
    heard = []
    a_selector.connect("nodeAddedByUser(vtkMRMLNode*)", heard.append)
    kind = a_selector.nodeTypeLabel("vtkMRMLMarkupsROINode")
    desktop.choose(a_selector, f"Create new {kind}")
    assert [node.GetClassName() for node in heard] == ["vtkMRMLMarkupsROINode"]
    assert heard[0].GetName().startswith("Region")
    assert a_selector.currentNode() is heard[0]
