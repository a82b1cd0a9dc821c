"""Two levels side by side, in a real layout node with its layout logic."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from CompactSegLib.errors import InputError
from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.SliceViews import LAYOUT, VIEW_NAMES
from Testing.MRML.conftest import (
    MODEL,
    labels_in,
    node_of,
    nodes_in,
    run,
    save_and_open,
    under_transform,
    wait,
)


def layout_of(warm):
    return warm.layouts.GetLayoutNode()


def slice_node(warm, name):
    return warm.scene.GetSingletonNode(name, "vtkMRMLSliceNode")


def composite_node(warm, name):
    return warm.scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode")


def is_shown_in(warm, node, view):
    """By itself, or by another node with its segments."""
    displays = [
        each.GetDisplayNode()
        for each in nodes_in(warm.scene)
        if each.GetSegmentation() is node.GetSegmentation()
    ]
    view = slice_node(warm, view).GetID()
    return any(each.GetVisibility() and each.IsDisplayableInView(view) for each in displays)


def test_each_side_shows_its_level_only_and_both_the_difference(logic, warm, segmented):
    copy = logic.editCopy(segmented, 1)
    comparison = logic.compare(segmented, 1, 3)
    assert layout_of(warm).GetViewArrangement() == LAYOUT
    assert len(VIEW_NAMES) == 3
    for left, right in VIEW_NAMES:
        shown = {
            side: [
                level
                for level in (1, 2, 3)
                if is_shown_in(warm, node_of(logic, segmented, level), view)
            ]
            for side, view in (("left", left), ("right", right))
        }
        assert shown == {"left": [1], "right": [3]}
        for view in (left, right):
            assert is_shown_in(warm, comparison.differenceNode, view)
            assert not is_shown_in(warm, copy, view)
            assert composite_node(warm, view).GetBackgroundVolumeID() == segmented.GetID()


def test_the_layout_knows_its_six_views(logic, warm, segmented):
    logic.compare(segmented, 1, 2)
    views = warm.layouts.GetViewNodes()
    names = {views.GetItemAsObject(n).GetLayoutName() for n in range(views.GetNumberOfItems())}
    assert names == {name for pair in VIEW_NAMES for name in pair}
    for left, right in VIEW_NAMES:
        for view in (left, right):
            assert left.removeprefix("CompactSegLeft") == slice_node(warm, view).GetOrientation()
        assert slice_node(warm, left).GetLayoutLabel() == "Level 1"
        assert slice_node(warm, right).GetLayoutLabel() == "Level 2"


def test_slices_are_linked_within_the_comparison_only(logic, warm, segmented):
    logic.compare(segmented, 1, 2)
    groups = {slice_node(warm, name).GetViewGroup() for pair in VIEW_NAMES for name in pair}
    assert len(groups) == 1
    assert slice_node(warm, "Red").GetViewGroup() not in groups
    link = slicer.vtkMRMLSliceLinkLogic()
    link.SetMRMLScene(warm.scene)
    left, right = VIEW_NAMES[0]
    node = slice_node(warm, left)
    before = slice_node(warm, "Red").GetSliceOffset()
    composite = composite_node(warm, left)
    assert composite.GetLinkedControl()
    assert composite.GetHotLinkedControl()
    node.SetInteractionFlags(slicer.vtkMRMLSliceNode.SliceToRASFlag)
    node.InteractingOn()
    node.SetSliceOffset(node.GetSliceOffset() + 3)
    node.InteractingOff()
    assert slice_node(warm, right).GetSliceOffset() == pytest.approx(node.GetSliceOffset())
    assert slice_node(warm, "Red").GetSliceOffset() == before


def test_the_difference_is_where_the_levels_differ(logic, warm, segmented):
    under_transform(segmented, np.diag([2.0, 1, 1, 1]))
    comparison = logic.compare(segmented, 1, 3)
    a, b = (labels_in(node_of(logic, segmented, level), segmented) for level in (1, 3))
    expected = np.zeros_like(a)
    expected[(a != b) & (b == 0)] = 1
    expected[(a != b) & (a == 0)] = 2
    expected[(a != b) & (a > 0) & (b > 0)] = 3
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(labels_in(comparison.differenceNode, segmented), expected)
    for value, kind in enumerate(("onlyA", "onlyB", "another"), start=1):
        millilitres = (expected == value).sum() * 2 / 1000
        assert comparison.millilitres[kind] == pytest.approx(millilitres, rel=1e-6)
    display = comparison.differenceNode.GetDisplayNode()
    assert (display.GetVisibility2DFill(), display.GetVisibility2DOutline()) == (0, 1)
    # The slices go to where there is something to see.
    node = slice_node(warm, VIEW_NAMES[0][0])
    origin = np.array([node.GetSliceToRAS().GetElement(row, 3) for row in range(3)])
    ras = np.argwhere(expected)[:, ::-1]
    matrix = slicer.util.arrayFromVTKMatrix(_ijk(segmented))
    heights = {round(float((matrix @ [*ijk, 1])[2])) for ijk in ras}
    assert round(float(origin[2])) in heights


def _ijk(volume):
    matrix = slicer.util.vtkMatrixFromArray(np.eye(4))
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def test_ending_brings_back_what_was_shown(logic, warm, heard, segmented):
    layout = layout_of(warm)
    before = layout.GetViewArrangement()
    logic.showLevel(segmented, 2)
    nodes = warm.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    logic.compare(segmented, 1, 3)
    logic.compare(segmented, 1, 2)
    logic.endComparison()
    assert logic.comparison is None
    assert heard.named("comparisonEnded") == [()]
    assert layout.GetViewArrangement() == before
    assert logic.results(segmented).shownLevel == 2
    assert warm.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == nodes
    for level in (1, 2, 3):
        assert not node_of(logic, segmented, level).GetDisplayNode().GetViewNodeIDs()
    logic.endComparison()
    assert heard.named("comparisonEnded") == [()]


def test_the_crosshair_is_on_while_comparing_and_then_as_it_was(logic, warm, segmented):
    crosshair = warm.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is None:
        crosshair = warm.scene.AddNewNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCrosshairMode(crosshair.NoCrosshair)
    logic.compare(segmented, 1, 3)
    assert crosshair.GetCrosshairMode() == crosshair.ShowBasic
    logic.compare(segmented, 1, 2)
    logic.endComparison()
    assert crosshair.GetCrosshairMode() == crosshair.NoCrosshair


def test_another_layout_ends_the_comparison_and_stays(logic, warm, heard, segmented):
    logic.compare(segmented, 1, 2)
    layout_of(warm).SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert logic.comparison is None
    assert heard.named("comparisonEnded") == [()]
    assert (
        layout_of(warm).GetViewArrangement()
        == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    )


@pytest.mark.parametrize("what", ["level", "volume", "difference"])
def test_deleting_what_is_compared_ends_the_comparison(logic, warm, heard, segmented, what):
    comparison = logic.compare(segmented, 1, 2)
    node = {
        "level": node_of(logic, segmented, 2),
        "volume": segmented,
        "difference": comparison.differenceNode,
    }[what]
    warm.scene.RemoveNode(node)
    assert logic.comparison is None
    assert heard.named("comparisonEnded") == [()]
    assert layout_of(warm).GetViewArrangement() != LAYOUT


def test_a_new_run_ends_the_comparison(logic, segmented):
    logic.compare(segmented, 1, 2)
    logic.segment(segmented, model=MODEL)
    assert logic.comparison is None
    wait(logic, lambda: logic.run is None)


def test_what_is_not_there_is_not_compared(logic, volume):
    run(logic, volume, levels=2)
    with pytest.raises(InputError, match="level 3 is not there"):
        logic.compare(volume, 1, 3)
    with pytest.raises(InputError, match="with itself"):
        logic.compare(volume, 1, 1)
    assert logic.comparison is None


def test_a_scene_saved_during_a_comparison_holds_what_was_shown_before(
    logic, warm, segmented, tmp_path
):
    logic.showLevel(segmented, 2)
    logic.compare(segmented, 1, 3)
    opened = save_and_open(warm, tmp_path / "saved")
    assert logic.comparison is not None
    assert layout_of(warm).GetViewArrangement() == LAYOUT
    assert is_shown_in(warm, node_of(logic, segmented, 1), VIEW_NAMES[0][0])
    assert opened.layouts.GetLayoutNode().GetViewArrangement() != LAYOUT
    scene = opened.scene
    again = CompactSegLogic(scene)
    volume = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    results = again.results(volume)
    assert [level.level for level in results.levels] == [1, 2, 3]
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3
    assert not any(
        level.segmentationNode.GetDisplayNode().GetViewNodeIDs() for level in results.levels
    )
    assert results.shownLevel == 2
    again.close()
