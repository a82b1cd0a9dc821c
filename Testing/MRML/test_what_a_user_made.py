"""What a person changed is theirs: no run takes it away, and no figure is shown of what is no longer so."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.LevelDisplay import Structure, lookOf
from CompactSegMRML.LevelNodes import volumeOfNode
from Testing.MRML.conftest import (
    add_volume,
    labels_in,
    node_of,
    nodes_in,
    nodes_of,
    run,
    save_and_open,
    table_node,
    wait,
)
from Testing.segments import FIRST, edit


def clone(scene, node):
    """As the module Data does."""
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    copy.Copy(node)
    segmentation = slicer.vtkSegmentation()
    segmentation.DeepCopy(node.GetSegmentation())
    copy.SetAndObserveSegmentation(segmentation)
    copy.SetName(f"{node.GetName()} Copy")
    return copy


@pytest.mark.parametrize(
    "levels", [1, 3], ids=["a run that ends before it", "a run that reaches it"]
)
def test_a_level_that_was_edited_is_a_users_own_when_its_place_is_taken(logic, segmented, levels):
    node = node_of(logic, segmented, 2)
    edit(node)
    mine = labels_in(node, segmented)
    run(logic, segmented, levels=levels)
    assert node.GetScene() is not None
    assert node.GetName() == "left_hippocampus level 2 (edited)"
    np.testing.assert_array_equal(labels_in(node, segmented), mine)
    results = logic.results(segmented)
    assert node not in [each.segmentationNode for each in results.levels]
    assert len(results.levels) == levels
    assert not any(each.isEdited for each in results.levels)
    assert volumeOfNode(node) is None
    if levels == 3:
        assert not node.GetDisplayNode().GetVisibility(), "the new level is seen in its place"
    run(logic, segmented, levels=levels)
    np.testing.assert_array_equal(labels_in(node, segmented), mine)


def test_an_edited_level_that_a_user_named_keeps_its_name(logic, segmented):
    node = node_of(logic, segmented, 2)
    edit(node)
    node.SetName("as I see it")
    run(logic, segmented, levels=2)
    assert node.GetName() == "as I see it"
    assert node_of(logic, segmented, 2).GetName() == "left_hippocampus level 2"


def test_an_edited_level_stays_when_results_are_removed(logic, segmented):
    node = node_of(logic, segmented, 3)
    edit(node)
    logic.removeResults(segmented)
    assert logic.results(segmented) is None
    assert node.GetScene() is not None
    assert node.GetName().endswith("(edited)")


def test_an_edit_is_known_in_a_scene_that_was_saved_and_opened(logic, warm, segmented, tmp_path):
    edit(node_of(logic, segmented, 2))
    opened = save_and_open(warm, tmp_path / "saved")
    fresh = CompactSegLogic(opened.scene)
    volume = opened.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert [each.isEdited for each in fresh.results(volume).levels] == [False, True, False]
    fresh.close()


def test_a_clone_of_a_level_is_no_level_and_no_run_touches_it(logic, warm, segmented):
    copy = clone(warm.scene, node_of(logic, segmented, 2))
    before = labels_in(copy, segmented)
    assert len(logic.results(segmented).levels) == 3
    assert node_of(logic, segmented, 2) is not copy
    run(logic, segmented, levels=1)
    assert copy.GetScene() is not None
    np.testing.assert_array_equal(labels_in(copy, segmented), before)
    logic.removeResults(segmented)
    assert copy.GetScene() is not None


def test_millilitres_are_those_of_the_labels_that_are_there(logic, heard, segmented):
    before = logic.results(segmented).level(2)
    heard.all.clear()
    edit(before.segmentationNode)
    assert heard.named("resultsChanged")
    after = logic.results(segmented)
    assert after.level(2).isEdited
    voxels = np.count_nonzero(labels_in(before.segmentationNode, segmented) == 1)
    name = "Anterior hippocampus"
    voxel = np.prod(segmented.GetSpacing()) / 1000
    assert after.level(2).millilitres[name] == pytest.approx(voxels * voxel)
    assert after.level(2).millilitres[name] > before.millilitres[name]
    table = table_node(after).GetTable()
    assert table.GetValueByName(1, f"{name} (ml)").ToDouble() == pytest.approx(voxels * voxel)


def test_a_segment_that_was_renamed_is_still_its_structure(logic, segmented):
    node = node_of(logic, segmented, 2)
    before = dict(logic.results(segmented).level(2).millilitres)
    name = next(iter(before))
    segment = node.GetSegmentation().GetNthSegment(0)
    assert segment.GetName() == name
    look = lookOf(node, Structure(name))
    segment.SetName("what I call it")
    assert lookOf(node, Structure(name)) == look
    edit(node)
    level = logic.results(segmented).level(2)
    assert level.isEdited
    assert list(level.millilitres) == list(before)
    assert level.millilitres[name] > before[name] / 2, "counted under the name that it had"


def test_a_level_that_comes_later_is_drawn_as_the_user_drew_those_before_it(logic, volume):
    run(logic, volume, levels=1)
    first = node_of(logic, volume, 1)
    display = first.GetDisplayNode()
    display.SetSegmentVisibility(FIRST, False)
    display.SetSegmentOpacity2DFill("Segment_2", 0.25)
    display.SetOpacity2DFill(0.7)
    first.GetSegmentation().GetSegment("Segment_2").SetColor(0.2, 0.4, 0.6)
    logic.showOrCompute(volume, 2)
    wait(logic, lambda: logic.run is None)
    second = node_of(logic, volume, 2)
    later = second.GetDisplayNode()
    assert logic.results(volume).shownLevel == 2
    assert not later.GetSegmentVisibility(FIRST), "what was hidden does not come back"
    assert later.GetSegmentVisibility("Segment_2")
    assert later.GetSegmentOpacity2DFill("Segment_2") == pytest.approx(0.25)
    assert later.GetOpacity2DFill() == pytest.approx(0.7)
    color = second.GetSegmentation().GetSegment("Segment_2").GetColor()
    assert color == pytest.approx((0.2, 0.4, 0.6))


def test_a_click_on_a_structure_is_about_an_edited_copy_too_while_it_is_seen(logic, segmented):
    copy = logic.editCopy(segmented, 2)
    assert copy in logic.drawnNodes(segmented)
    copy.SetDisplayVisibility(False)
    assert copy not in logic.drawnNodes(segmented)
    assert logic.drawnNodes(segmented) == nodes_of(logic, segmented)


def test_results_of_a_volume_that_was_deleted_stay_as_they_are(logic, warm, segmented):
    node = node_of(logic, segmented, 3)
    other = add_volume(warm.scene, "right_hippocampus")
    warm.scene.RemoveNode(segmented)
    logic.choose(other)
    assert node.GetScene() is not None
    assert node.GetDisplayNode().GetVisibility(), "there is no other way to see it"
    logic.choose(None)


def test_moving_a_volume_is_no_edit(logic, segmented):
    matrix = slicer.util.vtkMatrixFromArray(np.diag([2.0, 1.0, 1.0, 1.0]))
    segmented.ApplyTransformMatrix(matrix)
    assert not any(each.isEdited for each in logic.results(segmented).levels)


def test_only_the_chosen_volumes_results_are_seen(logic, warm, segmented):
    other = add_volume(warm.scene, "right_hippocampus")
    first = node_of(logic, segmented, 3)
    copy = logic.editCopy(segmented, 1)
    logic.choose(other)
    assert not copy.GetDisplayNode().GetVisibility()
    run(logic, other, levels=1)
    assert logic.results(other).shownLevel == 1
    assert logic.results(segmented).shownLevel is None
    logic.choose(segmented)
    assert copy.GetDisplayNode().GetVisibility()
    assert logic.results(other).shownLevel is None
    logic.showLevel(segmented, 3)
    logic.choose(other)
    assert logic.results(other).shownLevel == 1
    assert not first.GetDisplayNode().GetVisibility()
    logic.choose(None)
    assert first.GetDisplayNode().GetVisibility()


def test_levels_of_a_volume_that_is_not_chosen_come_unseen(logic, warm, volume):
    other = add_volume(warm.scene, "right_hippocampus")
    logic.choose(other)
    run(logic, volume, levels=2)
    assert logic.results(volume).shownLevel is None
    logic.choose(volume)
    assert logic.results(volume).shownLevel == 2
    logic.choose(None)


def test_another_volume_ends_a_comparison(logic, warm, heard, segmented):
    other = add_volume(warm.scene, "right_hippocampus")
    logic.compare(segmented, 1, 3)
    logic.choose(other)
    assert logic.comparison is None
    assert heard.named("comparisonEnded")
    logic.choose(None)


def test_results_of_an_image_that_was_replaced_say_so(logic, heard, segmented):
    array = slicer.util.arrayFromVolume(segmented).copy()
    assert not logic.results(segmented).isOutdated
    segmented.SetName("renamed")
    assert not logic.results(segmented).isOutdated
    heard.all.clear()
    slicer.util.updateVolumeFromArray(segmented, array + 1)
    assert logic.results(segmented).isOutdated
    assert heard.named("resultsChanged")
    slicer.util.updateVolumeFromArray(segmented, array)
    assert not logic.results(segmented).isOutdated, "as when a sequence comes back to its frame"
    slicer.util.updateVolumeFromArray(segmented, array[1:])
    assert logic.results(segmented).isOutdated
    run(logic, segmented, levels=1)
    assert not logic.results(segmented).isOutdated


def test_a_structure_hidden_while_comparing_is_hidden_on_its_side(logic, warm, segmented):
    logic.compare(segmented, 1, 3)
    display = node_of(logic, segmented, 1).GetDisplayNode()
    display.SetSegmentVisibility(FIRST, False)
    display.SetSegmentOpacity2DFill("Segment_2", 0.1)
    shown = [
        node.GetDisplayNode()
        for node in nodes_in(warm.scene)
        if node.GetHideFromEditors() and node.GetSegmentation().GetSegment(FIRST)
    ]
    assert [each.GetSegmentVisibility(FIRST) for each in shown] == [False, True]
    assert shown[0].GetSegmentOpacity2DFill("Segment_2") == pytest.approx(0.1)
    logic.endComparison()
    assert not display.GetSegmentVisibility(FIRST)


def test_a_structure_that_is_nearly_white_is_seen_on_a_white_image(logic, volume):
    run(logic, volume, model="brain-mr", levels=1)
    model = next(each for each in logic.models if each.name == "brain-mr")
    node = node_of(logic, volume, 1)
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    white, others = [], []
    for label in model.labels:
        segment_id = segmentation.GetSegmentIdBySegmentName(label.name)
        color = segmentation.GetSegment(segment_id).GetColor()
        color = tuple(round(255 * part) for part in color)
        (white if color != label.color else others).append(color)
        assert ("erebral white matter" in label.name) == (color != label.color), label.name
        assert display.GetSegmentVisibility2DFill(segment_id)
    assert min(white[0]) < 128, "on white it is seen"
    assert all(np.abs(np.subtract(white[0], other)).max() > 40 for other in others)
    segment = segmentation.GetNthSegment(0)
    segment.SetColor(1.0, 1.0, 1.0)
    run(logic, volume, model="brain-mr", levels=1)
    assert segment.GetColor() == (1.0, 1.0, 1.0), "a user's choice stays"


def test_a_level_takes_the_place_of_an_edited_copy_until_a_user_shows_both(logic, segmented):
    copy = logic.editCopy(segmented, 2)
    logic.showLevel(segmented, 3)
    assert not copy.GetDisplayVisibility(), "what was erased in it would be seen"
    assert logic.coveredCopies(segmented) == [copy]
    logic.hideAll(segmented)
    assert not copy.GetDisplayVisibility(), "the image alone is wanted"
    logic.showCopy(segmented, copy)
    assert copy.GetDisplayVisibility()
    assert logic.results(segmented).shownLevel is None
    logic.showLevel(segmented, 1)
    copy.SetDisplayVisibility(True)
    logic.showLevel(segmented, 3)
    assert copy.GetDisplayVisibility(), "a user wants to see both"
    assert logic.coveredCopies(segmented) == []
