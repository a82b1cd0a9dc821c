"""Levels as nodes: run again, moved, edited, deleted, saved and opened."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from CompactSegLib.errors import InputError
from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.Edits import voxelMm3Of
from CompactSegMRML.LevelNodes import volumeOfNode
from CompactSegMRML.Results import LevelResult
from Testing.MRML.conftest import (
    MODEL,
    add_volume,
    folder_item,
    labels_in,
    nodes_of,
    run,
    save_and_open,
    table_node,
    turned,
    under_transform,
    wait,
)
from Testing.segments import edited, segments_of


def facts(results):
    return [
        tuple(
            getattr(each, name)
            for name in LevelResult.__dataclass_fields__
            if name != "segmentationNode"
        )
        for each in results.levels
    ]


def test_a_second_run_updates_the_same_nodes_and_segments(logic, segmented):
    before = nodes_of(logic, segmented)
    table, folder = table_node(logic.results(segmented)), folder_item(logic.results(segmented))
    count = segmented.GetScene().GetNumberOfNodes()
    before[0].GetSegmentation().GetSegment("Segment_1").SetColor(0.1, 0.2, 0.3)
    run(logic, segmented, allLevels=True)
    assert nodes_of(logic, segmented) == before
    assert table_node(logic.results(segmented)) is table
    assert folder_item(logic.results(segmented)) == folder
    assert segmented.GetScene().GetNumberOfNodes() == count
    segment = before[0].GetSegmentation().GetSegment("Segment_1")
    np.testing.assert_allclose(segment.GetColor(), (0.1, 0.2, 0.3))
    assert before[0].GetSegmentation().GetNumberOfSegments() == 2


def test_what_a_second_run_does_not_reach_goes(logic, segmented):
    run(logic, segmented, levels=1)
    assert [level.level for level in logic.results(segmented).levels] == [1]
    assert segmented.GetScene().GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    assert table_node(logic.results(segmented)).GetTable().GetNumberOfRows() == 1


def test_a_second_run_leaves_a_users_segments_alone(logic, segmented):
    node = nodes_of(logic, segmented)[0]
    segmentation = node.GetSegmentation()
    own = segmentation.AddEmptySegment("mine", "Lesion")
    # As when a user paints: in the layer that our segments share.
    image = segmentation.GetSegment("Segment_1").GetRepresentation("Binary labelmap")
    segment = segmentation.GetSegment(own)
    segment.AddRepresentation("Binary labelmap", image)
    segment.SetLabelValue(9)
    voxels = slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, own)
    voxels[:2, :3, :4] = 9
    before = labels_in(node, segmented) == 9
    expected = labels_in(node, segmented)
    run(logic, segmented, levels=2)
    assert nodes_of(logic, segmented)[0] is node
    after = labels_in(node, segmented)
    np.testing.assert_array_equal(after == 9, before)
    np.testing.assert_array_equal(np.where(before, 9, after), expected)


def test_a_level_with_a_users_segment_stays_as_a_segmentation_when_its_run_goes(logic, segmented):
    node = nodes_of(logic, segmented)[2]
    node.GetSegmentation().AddEmptySegment("mine", "Lesion")
    run(logic, segmented, levels=1)
    assert [level.level for level in logic.results(segmented).levels] == [1]
    assert node.GetScene() is not None
    ids = [
        node.GetSegmentation().GetNthSegmentID(n)
        for n in range(node.GetSegmentation().GetNumberOfSegments())
    ]
    assert ids == ["mine"]


def test_an_edited_copy_is_a_users_own(logic, segmented):
    copy = logic.editCopy(segmented, 2)
    assert copy.GetName() == "left_hippocampus level 2 (edited)"
    assert logic.editCopy(segmented, 2).GetName() != copy.GetName()
    assert copy.GetDisplayNode().GetVisibility()
    assert logic.results(segmented).shownLevel is None
    assert volumeOfNode(copy) is None
    assert segments_of(copy)[0].GetName() == "Anterior hippocampus"
    np.testing.assert_array_equal(
        labels_in(copy, segmented), labels_in(nodes_of(logic, segmented)[1], segmented)
    )
    with edited(copy, copy.GetSegmentation().GetNthSegmentID(0)) as voxels:
        voxels[:] = 0
    run(logic, segmented, allLevels=True)
    assert not labels_in(copy, segmented).any()
    assert labels_in(nodes_of(logic, segmented)[1], segmented).any()


def test_a_copy_of_a_level_that_is_not_there_is_refused(logic, volume):
    with pytest.raises(InputError, match="level 1 is not there"):
        logic.editCopy(volume, 1)


def test_exactly_one_level_is_visible(logic, heard, segmented):
    heard.all.clear()
    for level in (1, 3, 2):
        logic.showLevel(segmented, level)
        assert [n.GetDisplayNode().GetVisibility() for n in nodes_of(logic, segmented)] == [
            int(number == level) for number in (1, 2, 3)
        ]
        assert logic.results(segmented).shownLevel == level
    logic.hideAll(segmented)
    assert logic.results(segmented).shownLevel is None
    assert not heard.all


def test_what_a_user_hides_or_deletes_elsewhere_is_told(logic, heard, segmented):
    heard.all.clear()
    nodes_of(logic, segmented)[2].SetDisplayVisibility(False)
    assert heard.named("resultsChanged")
    heard.all.clear()
    segmented.GetScene().RemoveNode(nodes_of(logic, segmented)[1])
    assert heard.named("resultsChanged")
    assert [level.level for level in logic.results(segmented).levels] == [1, 3]
    assert table_node(logic.results(segmented)).GetTable().GetNumberOfRows() == 2


def test_a_level_chosen_during_a_run_stays_chosen(logic, volume):
    logic.levelReady.connect(choose := lambda node, level: level == 1 and logic.showLevel(node, 1))
    run(logic, volume, allLevels=True)
    logic.levelReady.disconnect(choose)
    assert logic.results(volume).shownLevel == 1
    assert len(logic.results(volume).levels) == 3


def test_levels_follow_their_volume_under_another_transform(logic, segmented):
    expected = labels_in(nodes_of(logic, segmented)[1], segmented)
    under_transform(segmented, turned(30, 1, (7, 8, 9)))
    for node in nodes_of(logic, segmented):
        assert node.GetTransformNodeID() == segmented.GetTransformNodeID()
    np.testing.assert_array_equal(labels_in(nodes_of(logic, segmented)[1], segmented), expected)
    segmented.SetAndObserveTransformNodeID(None)
    np.testing.assert_array_equal(labels_in(nodes_of(logic, segmented)[1], segmented), expected)


def test_levels_follow_their_volume_when_its_transform_is_hardened(logic, volume):
    under_transform(volume, turned(30, 1, (7, 8, 9)))
    run(logic, volume, levels=2)
    expected = labels_in(nodes_of(logic, volume)[1], volume)
    volume.HardenTransform()
    assert volume.GetTransformNodeID() is None
    node = nodes_of(logic, volume)[1]
    assert node.GetTransformNodeID() is None
    assert expected.any()
    np.testing.assert_array_equal(labels_in(node, volume), expected)


def test_levels_of_a_region_lie_where_the_whole_volume_has_them(logic, volume):
    # The intensities are normalised over what is sent, so the labels are nearly but not exactly those of the whole.
    run(logic, volume, levels=1)
    whole = labels_in(nodes_of(logic, volume)[0], volume)
    size = np.array(volume.GetImageData().GetDimensions())
    region = volume.GetScene().AddNewNodeByClass("vtkMRMLMarkupsROINode")
    bounds = np.zeros(6)
    volume.GetRASBounds(bounds)
    low, high = bounds[::2], bounds[1::2]
    region.SetCenter(*(low + high) / 2 + [1, 2, 1])
    region.SetSize(*(high - low) * 0.9)
    run(logic, volume, levels=1, region=region)
    part = labels_in(nodes_of(logic, volume)[0], volume)
    assert part.shape == tuple(size[::-1])
    both, either = (whole == part)[(whole > 0) & (part > 0)].sum(), ((whole > 0) | (part > 0)).sum()
    assert both / either > 0.8
    # A deeper level is computed for the same region.
    outcomes = []
    logic.finished.connect(outcomes.append)
    logic.showOrCompute(volume, 2)
    wait(logic, lambda: outcomes)
    assert outcomes[0].blocksRun == 1


@pytest.mark.parametrize("kind", ["mrb", "mrml"])
def test_a_saved_and_opened_scene_gives_the_same_results(logic, warm, segmented, tmp_path, kind):
    under_transform(segmented, turned(10, 2, (1, 2, 3)))
    logic.showLevel(segmented, 2)
    expected = logic.results(segmented)
    labels = [labels_in(node, segmented) for node in nodes_of(logic, segmented)]
    opened = save_and_open(warm, tmp_path / "ä b", kind)
    fresh = CompactSegLogic(opened.scene)
    again = opened.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    results = fresh.results(again)
    assert facts(results) == facts(expected)
    assert (results.model, results.availableLevels, results.shownLevel) == (MODEL, 3, 2)
    assert results.device == expected.device
    assert table_node(results).GetTable().GetNumberOfRows() == 3
    assert opened.hierarchy.GetItemName(folder_item(results)) == "left_hippocampus levels"
    for node, before in zip(nodes_of(fresh, again), labels, strict=True):
        np.testing.assert_array_equal(labels_in(node, again), before)
    fresh.showLevel(again, 1)
    assert fresh.results(again).shownLevel == 1
    run(fresh, again, allLevels=True)
    assert opened.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3
    fresh.close()


def test_results_of_two_volumes_with_one_name_are_kept_apart(logic, warm, volume):
    other = add_volume(warm.scene, "right_hippocampus")
    other.SetName(volume.GetName())
    run(logic, volume, levels=1)
    run(logic, other, levels=2)
    assert len(logic.results(volume).levels) == 1
    assert len(logic.results(other).levels) == 2
    assert folder_item(logic.results(volume)) != folder_item(logic.results(other))
    assert {volumeOfNode(node) for node in nodes_of(logic, other)} == {other}


def test_all_results_can_be_taken_away(logic, warm, segmented):
    copy = logic.editCopy(segmented, 1)
    logic.removeResults(segmented)
    assert logic.results(segmented) is None
    assert copy.GetScene() is not None
    assert warm.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    assert warm.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert not warm.hierarchy.GetItemByName("left_hippocampus levels")


def test_millilitres_are_those_of_a_spacing_that_was_corrected_and_the_levels_are_told_to_be_outdated(
    logic, heard, segmented
):
    before = logic.results(segmented)
    name = "Anterior hippocampus"
    heard.all.clear()
    segmented.SetSpacing(*(2 * mm for mm in segmented.GetSpacing()))
    assert heard.named("resultsChanged")
    after = logic.results(segmented)
    assert after.isOutdated
    assert not any(each.isEdited for each in after.levels)
    for old, new in zip(before.levels, after.levels, strict=True):
        assert new.millilitres[name] == pytest.approx(8 * old.millilitres[name])
    table = table_node(after).GetTable()
    told = table.GetValueByName(2, f"{name} (ml)").ToDouble()
    assert told == pytest.approx(after.level(3).millilitres[name])
    segmented.SetSpacing(*(mm / 2 for mm in segmented.GetSpacing()))
    results = logic.results(segmented)
    assert not results.isOutdated
    assert results.level(3).millilitres == before.level(3).millilitres


def test_millilitres_are_those_of_the_world_under_a_transform_that_makes_larger_and_when_it_is_hardened(
    logic, segmented
):
    before = logic.results(segmented).level(3).millilitres
    under_transform(segmented, turned(30) @ np.diag([1.1, 1.2, 1.0, 1.0]))
    larger = {name: pytest.approx(1.32 * each) for name, each in before.items()}
    assert logic.results(segmented).level(3).millilitres == larger
    assert not logic.results(segmented).isOutdated
    segmented.HardenTransform()
    assert logic.results(segmented).level(3).millilitres == larger


def test_millilitres_stay_under_a_transform_that_is_not_linear(logic, warm, segmented):
    before = logic.results(segmented).level(3).millilitres
    bent = warm.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "warp")
    segmented.SetAndObserveTransformNodeID(bent.GetID())
    assert logic.results(segmented).level(3).millilitres == before
    node = nodes_of(logic, segmented)[2]
    assert node.GetTransformNodeID() == bent.GetID()
    assert voxelMm3Of(node) is None, "Slicer would log an error at each look"
