"""A run from the click to the nodes in the scene."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

from CompactSegLib import Geometry, Volume, load_model
from CompactSegLib import segment as segment_volume
from CompactSegLib.errors import InputError
from CompactSegMRML.VolumeInput import gridInPatient
from Testing.MRML.conftest import (
    MODEL,
    add_volume,
    folder_item,
    labels_in,
    run,
    table_node,
    turned,
    under_transform,
    wait,
)


def tag_of(segment, name):
    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else None


def library_labels(volume):
    """Of each level, as the library gives them for the same voxels at the same place."""
    array = slicer.util.arrayFromVolume(volume)
    geometry = Geometry.from_ijk_to_ras(array.shape[::-1], gridInPatient(volume))
    image = Volume.from_array(array, geometry, name="same")
    return [level.labels for level in segment_volume(image, load_model(MODEL), all_levels=True)]


def mirrored_and_turned(volume):
    slicer.util.updateVolumeFromArray(
        volume, slicer.util.arrayFromVolume(volume)[:, :, ::-1].copy()
    )
    matrix = slicer.util.arrayFromVTKMatrix(ijk_matrix(volume)) @ np.diag([-1.0, 1, 1, 1])
    matrix[:3, 3] += (volume.GetImageData().GetDimensions()[0] - 1) * -matrix[:3, 0]
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(turned(12, 0) @ matrix))


def ijk_matrix(volume):
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


@pytest.mark.parametrize("place", ["plain", "left-handed and oblique", "under two transforms"])
def test_each_level_is_what_the_library_gives_and_sits_on_the_volume(logic, volume, place):
    if place == "left-handed and oblique":
        mirrored_and_turned(volume)
    if place == "under two transforms":
        inner = under_transform(volume, turned(15, 2, (5, -60, 12)))
        under_transform(inner, np.diag([1.1, 1.0, 0.9, 1.0]) @ turned(-8, 1))
    outcome = run(logic, volume, allLevels=True)
    assert (outcome.kind, outcome.stop, outcome.blocksRun) == ("done", "last-level", 4)
    levels = logic.results(volume).levels
    assert [level.level for level in levels] == [1, 2, 3]
    for level, expected in zip(levels, library_labels(volume), strict=True):
        assert len(np.unique(expected)) == 3
        np.testing.assert_array_equal(labels_in(level.segmentationNode, volume), expected)
        assert level.segmentationNode.GetTransformNodeID() == volume.GetTransformNodeID()


def test_segments_have_names_colours_terminology_and_one_shared_layer(logic, segmented):
    labels = {label.value: label for label in load_model(MODEL).labels}
    levels = logic.results(segmented).levels
    assert len(levels) == 3
    for level in levels:
        segmentation = level.segmentationNode.GetSegmentation()
        assert segmentation.GetNumberOfLayers("Binary labelmap") == 1
        for value, label in labels.items():
            segment = segmentation.GetSegment(f"Segment_{value}")
            assert segment.GetName() == label.name
            np.testing.assert_allclose(segment.GetColor(), np.array(label.color) / 255, atol=1e-6)
            entry = tag_of(segment, segment.GetTerminologyEntryTagName()).split("~")
            assert entry[2] == "SCT^5366008^Hippocampus"
            assert entry[3] == {1: "SCT^255549009^Anterior", 2: "SCT^255551008^Posterior"}[value]


def test_the_reference_geometry_is_the_source_volumes(logic, segmented):
    for level in logic.results(segmented).levels:
        node = level.segmentationNode
        text = node.GetSegmentation().GetConversionParameter("Reference image geometry")
        image = slicer.vtkOrientedImageData()
        assert slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False)
        assert image.GetDimensions() == segmented.GetImageData().GetDimensions()
        assert node.GetNodeReference("referenceImageGeometryRef") is segmented


def test_levels_and_table_lie_in_one_folder_in_the_volumes_study(logic, warm, volume):
    hierarchy = warm.hierarchy
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Müller")
    study = hierarchy.CreateStudyItem(patient, "MR")
    hierarchy.CreateItem(study, volume)
    run(logic, volume, allLevels=True)
    results = logic.results(volume)
    assert hierarchy.GetItemParent(folder_item(results)) == study
    inside = [*(level.segmentationNode for level in results.levels), table_node(results)]
    assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(n)) for n in inside} == {
        folder_item(results)
    }


def test_the_table_says_what_the_levels_say(logic, segmented):
    results = logic.results(segmented)
    table = table_node(results).GetTable()
    names = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
    structures = [f"{label.name} (ml)" for label in load_model(MODEL).labels]
    assert names == ["Level", "Change (%)", "Seconds", *structures]
    for row, level in enumerate(results.levels):
        values = [table.GetValue(row, column).ToDouble() for column in range(len(names))]
        assert values[0] == level.level
        assert np.isnan(values[1]) if level.level == 1 else values[1] == 100 * level.improvement
        assert values[3:] == list(level.millilitres.values())


def test_millilitres_are_those_of_the_voxels_in_the_world(logic, volume):
    under_transform(volume, np.diag([2.0, 1.0, 1.0, 1.0]))
    run(logic, volume, levels=1)
    (level,) = logic.results(volume).levels
    voxels = (labels_in(level.segmentationNode, volume) > 0).sum()
    assert voxels > 100
    np.testing.assert_allclose(sum(level.millilitres.values()), voxels * 2 / 1000, rtol=1e-6)


def test_level_1_is_visible_before_level_2_is_there(logic, heard, volume):
    shown = []
    logic.levelReady.connect(
        lambda node, level: shown.append((level, logic.results(node).shownLevel))
    )
    run(logic, volume, allLevels=True)
    assert shown == [(1, 1), (2, 2), (3, 3)]
    assert [arguments[1] for arguments in heard.named("levelReady")] == [1, 2, 3]


def test_the_threshold_stops_early_and_says_so(logic, volume):
    outcome = run(logic, volume, threshold=0.9)
    assert (outcome.kind, outcome.stop, outcome.blocksRun) == ("done", "threshold", 3)
    assert "0.9" in outcome.sentence
    results = logic.results(volume)
    assert [level.level for level in results.levels] == [1, 2]
    assert results.availableLevels == 3
    last = results.levels[-1]
    assert (last.stop, last.stopThreshold) == ("threshold", 0.9)
    assert last.improvement == max(last.improvementByLabel.values())


def test_a_models_own_rule_is_told_where_a_run_states_none(logic, volume):
    run(logic, volume, allLevels=True)
    assert logic.results(volume).levels[-1].stopThreshold is None, "no rule stopped it"
    slicer.util.updateVolumeFromArray(volume, 0 * slicer.util.arrayFromVolume(volume))
    run(logic, volume)
    last = logic.results(volume).levels[-1]
    own = next(each.stopThreshold for each in logic.models if each.name == MODEL)
    assert (last.stop, last.stopThreshold) == ("threshold", own)


def test_a_deeper_level_costs_its_block_only(logic, volume):
    run(logic, volume, levels=2)
    outcomes = []
    logic.finished.connect(outcomes.append)
    assert logic.showOrCompute(volume, 3).firstLevel == 3
    wait(logic, lambda: outcomes)
    assert (outcomes[0].kind, outcomes[0].blocksRun) == ("done", 1)
    assert logic.results(volume).shownLevel == 3


def test_a_level_that_is_there_is_shown_without_the_worker(logic, heard, segmented):
    heard.all.clear()
    assert logic.showOrCompute(segmented, 1) is None
    assert logic.results(segmented).shownLevel == 1
    assert not heard.all


def test_a_deeper_level_of_a_volume_that_the_worker_no_longer_keeps_is_computed_anew(
    logic, warm, volume
):
    run(logic, volume, levels=1)
    other = add_volume(warm.scene, "right_hippocampus")
    run(logic, other, levels=1)
    outcomes = []
    logic.finished.connect(outcomes.append)
    logic.showOrCompute(volume, 2)
    wait(logic, lambda: outcomes)
    assert (outcomes[0].kind, outcomes[0].blocksRun) == ("done", 3)
    assert [level.level for level in logic.results(volume).levels] == [1, 2]
    assert logic.results(volume).shownLevel == 2
    assert logic.results(other).shownLevel == 1


def test_a_deeper_level_of_a_volume_that_changed_is_computed_anew(logic, volume):
    run(logic, volume, levels=1)
    slicer.util.arrayFromVolume(volume)[:] *= 2
    slicer.util.arrayFromVolumeModified(volume)
    outcomes = []
    logic.finished.connect(outcomes.append)
    logic.showOrCompute(volume, 2)
    wait(logic, lambda: outcomes)
    assert outcomes[0].blocksRun == 3


def test_a_level_that_the_model_does_not_have_is_refused(logic, segmented):
    with pytest.raises(InputError, match="1 to 3"):
        logic.showOrCompute(segmented, 4)


def test_a_model_that_is_not_there_is_named_with_those_that_are(logic, volume):
    wait(logic, lambda: logic.models)
    with pytest.raises(InputError, match=r"nothing.*hippocampus-mr"):
        logic.segment(volume, model="nothing")


def test_a_second_run_at_the_same_time_is_refused(logic, volume):
    logic.segment(volume, model=MODEL)
    with pytest.raises(InputError, match="being segmented"):
        logic.segment(volume, model=MODEL)


def test_a_wrong_threshold_fails_with_the_librarys_sentence(logic, volume):
    outcome = run(logic, volume, threshold=7.0)
    assert outcome.kind == "failed"
    assert "from 0 to 1" in outcome.sentence
    assert logic.results(volume) is None
    assert logic.state == "ready"
