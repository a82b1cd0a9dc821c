"""Which nodes can be segmented, and what the worker is sent of them."""

from __future__ import annotations

import re

import numpy as np
import pytest
import slicer

from CompactSegLib.errors import InputError
from CompactSegMRML.Labels import LabelPatch, VoxelBox, imageOf, patchOf, patchOfImages
from CompactSegMRML.RunRequest import VolumeCopy
from CompactSegMRML.SliceViews import volumeOnView
from CompactSegMRML.VolumeInput import (
    boxOf,
    gridInPatient,
    ijkToRAS,
    ijkToWorld,
    wholeBox,
    whyNotSegmentable,
)
from Testing.MRML.conftest import grid_volume, turned, under_transform


def a_label_map(scene):
    slicer.util.updateVolumeFromArray(
        scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels"), np.ones((3, 3, 3), np.uint8)
    )
    return scene.GetFirstNodeByName("labels")


def a_color_image(scene):
    node = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    slicer.util.updateVolumeFromArray(node, np.zeros((2, 4, 5, 3), np.uint8))
    return node


def an_empty_volume(scene):
    return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")


def a_bent_volume(scene):
    node = grid_volume(scene, name="bent")
    transform = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "warp")
    node.SetAndObserveTransformNodeID(transform.GetID())
    return node


def a_flat_volume(scene):
    node = grid_volume(scene, name="flat")
    under_transform(node, np.diag([1.0, 1.0, 0.0, 1.0]))
    return node


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _scene: None, "Choose a volume"),
        (a_label_map, "labels, not an image"),
        (a_color_image, "3 values in each voxel"),
        (an_empty_volume, "no voxels"),
        (a_bent_volume, "warp, which is not linear: harden"),
        (a_flat_volume, "do not span space"),
        (
            lambda s: s.AddNewNodeByClass("vtkMRMLDiffusionTensorVolumeNode", "dti"),
            "no volume|tensors",
        ),
        (lambda s: s.AddNewNodeByClass("vtkMRMLSegmentationNode", "seg"), "labels"),
        (lambda s: s.AddNewNodeByClass("vtkMRMLSequenceNode", "4D"), "Sequences module"),
        (lambda s: s.AddNewNodeByClass("vtkMRMLModelNode", "surface"), "no volume"),
    ],
)
def test_a_node_that_can_not_be_segmented_is_told_why(scene, make, sentence):
    assert_matches(sentence, whyNotSegmentable(make(scene)))


def assert_matches(pattern, text):
    assert text is not None
    assert re.search(pattern, text), text


@pytest.mark.parametrize(
    "kind", [np.int16, np.uint8, np.int8, np.uint16, np.float32, np.float64, np.int32]
)
def test_voxels_are_sent_as_they_are(scene, kind):
    array = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(kind)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer.util.updateVolumeFromArray(node, array)
    assert whyNotSegmentable(node) is None
    copy = VolumeCopy(node, wholeBox(node))
    for _ in copy.steps():
        pass
    assert copy.array.dtype == kind
    np.testing.assert_array_equal(copy.array, array)


def test_a_copy_is_not_the_volumes_own_memory(scene):
    node = grid_volume(scene)
    copy = VolumeCopy(node, wholeBox(node))
    list(copy.steps())
    slicer.util.arrayFromVolume(node)[:] = -1
    assert (copy.array >= 0).all()


def test_a_volume_that_changes_while_it_is_copied_is_refused(scene):
    node = grid_volume(scene, (512, 512, 40))
    steps = VolumeCopy(node, wholeBox(node)).steps()
    next(steps)
    slicer.util.updateVolumeFromArray(node, np.zeros((2, 2, 2), np.int16))
    with pytest.raises(InputError, match="was changed"):
        next(steps)


def test_a_sequences_shown_frame_can_be_segmented(scene):
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "beats")
    for frame in range(2):
        node = grid_volume(slicer.vtkMRMLScene(), name="frame")
        slicer.util.arrayFromVolume(node)[:] = frame
        sequence.SetDataNodeAtValue(node, str(frame))
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.AddSynchronizedSequenceNode(sequence)
    logic.UpdateAllProxyNodes()
    proxy = browser.GetProxyNode(sequence)
    for frame in range(2):
        browser.SetSelectedItemNumber(frame)
        logic.UpdateAllProxyNodes()
        assert whyNotSegmentable(proxy) is None
        copy = VolumeCopy(proxy, wholeBox(proxy))
        list(copy.steps())
        assert set(copy.array.ravel()) == {frame}


def roi(scene, *, centre, size, matrix=None):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "region")
    node.SetCenter(*centre)
    node.SetSize(*size)
    if matrix is not None:
        node.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(matrix))
    return node


def test_no_region_is_the_whole_volume(scene):
    assert boxOf(None, grid_volume(scene, (8, 9, 10))) == VoxelBox((0, 0, 0), (8, 9, 10))


def test_a_region_holds_the_voxels_whose_centres_are_in_it(scene):
    volume = grid_volume(scene, (20, 20, 20))
    assert boxOf(roi(scene, centre=(10, 10, 10), size=(4, 5, 6)), volume) == VoxelBox(
        (8, 8, 7), (5, 5, 7)
    )


def test_a_region_is_cut_at_the_volumes_border(scene):
    volume = grid_volume(scene, (20, 20, 20))
    assert boxOf(roi(scene, centre=(0, 19, 10), size=(6, 6, 100)), volume) == VoxelBox(
        (0, 16, 0), (4, 4, 20)
    )


def test_a_turned_region_gives_its_bounds_along_the_volumes_axes(scene):
    volume = grid_volume(scene, (40, 40, 40))
    matrix = turned(45, 2, (20, 20, 20))
    box = boxOf(roi(scene, centre=(0, 0, 0), size=(10, 10, 4), matrix=matrix), volume)
    half = int(10 / 2**0.5)
    assert box == VoxelBox((20 - half, 20 - half, 18), (2 * half + 1, 2 * half + 1, 5))


def test_region_and_volume_under_transforms_meet_in_the_world(scene):
    volume, plain = grid_volume(scene, (40, 40, 40)), grid_volume(scene, (40, 40, 40))
    region = roi(scene, centre=(20, 12, 30), size=(6, 8, 10))
    expected = boxOf(region, plain)
    matrix = turned(33, 1, (100, -5, 7))
    under_transform(volume, matrix)
    with pytest.raises(InputError, match="holds no voxel of grid"):
        boxOf(region, volume)
    under_transform(region, matrix)
    assert boxOf(region, volume) == expected


def test_a_region_that_was_not_placed_is_refused(scene):
    with pytest.raises(InputError, match="no size"):
        boxOf(roi(scene, centre=(0, 0, 0), size=(0, 0, 0)), grid_volume(scene))


def test_a_boxs_matrix_puts_its_voxels_where_they_were(scene):
    volume = grid_volume(scene, (9, 9, 9))
    under_transform(volume, turned(20, 0, (3, 4, 5)) @ np.diag([1, 2, 3, 1]))
    whole, box = ijkToWorld(volume), VoxelBox((2, 3, 4), (3, 3, 3))
    point = np.array([1, 1, 1, 1.0])
    np.testing.assert_allclose(box.shifted(whole) @ point, whole @ (point + np.array([2, 3, 4, 0])))


def test_labels_in_several_layers_and_on_another_grid_come_together():
    def image(array, start, matrix):
        box = VoxelBox(start, array.shape[::-1])
        return imageOf(LabelPatch(array, box), matrix)

    grid = np.eye(4)
    first = np.full((2, 3, 4), 5, np.uint8)
    second = np.full((2, 2, 2), 9, np.uint8)
    shifted = np.eye(4)
    shifted[:3, 3] = (1, 1, 1)
    patch = patchOfImages(
        {1: (image(first, (0, 0, 0), grid), 5), 2: (image(second, (1, 1, 0), shifted), 9)}, grid
    )
    expected = np.zeros((3, 4, 4), np.uint8)
    expected[:2, :3, :4] = 1
    expected[1:3, 2:4, 2:4] = 2
    result = np.zeros_like(expected)
    result[patch.box.slicesKJI] = patch.labels
    np.testing.assert_array_equal(result, expected)


def test_a_patch_is_the_smallest_box_around_the_labels():
    labels = np.zeros((9, 8, 7), np.uint8)
    labels[2, 3, 4] = labels[6, 3, 1] = 1
    patch = patchOf(labels, (10, 20, 30))
    assert patch.box == VoxelBox((11, 23, 32), (4, 1, 5))
    np.testing.assert_array_equal(patch.labels, labels[2:7, 3:4, 1:5])
    assert patchOf(np.zeros((3, 3, 3), np.uint8)).box.isEmpty


def test_a_sheared_volume_is_refused_and_one_under_a_sheared_transform_is_segmented_as_acquired(
    scene,
):
    volume = grid_volume(scene)
    shear = np.eye(4)
    shear[0, 1] = 0.2
    transform = under_transform(volume, shear)
    assert whyNotSegmentable(volume) is None
    np.testing.assert_array_equal(gridInPatient(volume), ijkToRAS(volume))
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turned(30)))
    np.testing.assert_array_equal(gridInPatient(volume), ijkToWorld(volume))
    volume.SetAndObserveTransformNodeID(None)
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(shear))
    assert "not at right angles" in whyNotSegmentable(volume)


def test_views_are_those_of_the_scene_that_is_asked(scene):
    first, second = grid_volume(scene, name="first"), grid_volume(scene, name="second")
    assert volumeOnView(scene) is first, "no view shows any"
    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    view.SetBackgroundVolumeID(second.GetID())
    assert volumeOnView(scene) is second


def test_the_chosen_volume_stays_where_it_is_seen_over_another(scene):
    below, above = grid_volume(scene, name="below"), grid_volume(scene, name="above")
    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    assert volumeOnView(scene, chosen=above) is above, "views that show nothing choose nothing"
    view.SetBackgroundVolumeID(below.GetID())
    assert volumeOnView(scene, chosen=above) is below, "it is not in the views"
    view.SetForegroundVolumeID(above.GetID())
    view.SetForegroundOpacity(0.5)
    assert volumeOnView(scene, chosen=above) is above
    assert volumeOnView(scene) is below
    view.SetForegroundOpacity(0.0)
    assert volumeOnView(scene, chosen=above) is below, "nobody sees it"
