import dataclasses

import numpy as np
import pytest
import torch

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.synthesis.label_maps import find_label_maps, read_label_map
from CompactSegLib.synthesis.tissues import SIDES, tissue_of
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.Lib.synthesis.heads import a_head, a_plan, head_array, write_head


def test_left_and_right_are_one_tissue(tmp_path):
    head = a_head(tmp_path)
    assert head.values == (0, 2, 3, 10, 24, 515)
    for left, right in SIDES:
        assert tissue_of(left) == tissue_of(right)


def test_labels_are_the_classes_of_the_plan_where_the_file_has_them(tmp_path):
    head = a_head(tmp_path)
    # SimpleITK's i runs to the patient's left, the model's W to the right; k to superior, j to posterior.
    array = head_array()[:, ::-1, ::-1]
    assert np.array_equal(head.labels == 1, np.isin(array, (2, 41)))
    assert np.array_equal(head.labels == 3, np.isin(array, (10, 49)))
    assert np.array_equal(head.labels == 0, np.isin(array, (0, 24, 515)))


def test_a_structure_grows_into_white_matter_alone_and_by_millimetres(tmp_path):
    array = head_array()
    array[:, :, :8] = 42  # cortex right beside the right thalamus
    array[20:24, 22:26, 6:8] = 49
    plan = a_plan(grown_mm={"49": 2.0, "10": 1.0})
    plain, grown = (
        a_head(tmp_path, plan, array=array, spacing=(1.0, 2.0, 3.0)) for plan in (a_plan(), plan)
    )
    before, after = plain.labels == 3, grown.labels == 3
    assert (after >= before).all()
    # Nothing but white matter is taken.
    assert set(plain.labels[after & ~before].tolist()) == {1}
    taken = (after & ~before).sum(dim=(1, 2)), (after & ~before).sum(dim=(0, 2))
    # j is 2 mm: the right one, on the model's higher W, grows along it, the left one does not; k, of 3 mm, is too far.
    assert not taken[0][~before.any(dim=(1, 2))].any()
    assert taken[1][~before.any(dim=(0, 2))].any()
    left = slice(0, after.shape[2] // 2)
    assert torch.equal(after[..., left].any(dim=(0, 2)), before[..., left].any(dim=(0, 2)))
    # What is counted is what is drawn.
    assert grown.voxels[10] + grown.voxels[49] == int(after.sum())


@pytest.mark.parametrize(
    ("grown", "words"),
    [
        ({"13": -1.0}, "grown_mm.13: expected a number above 0, at most 5"),
        ({"13": 50.0}, "grown_mm.13: expected a number above 0, at most 5"),
        ({"left": 1.0}, "grown_mm: expected values of label maps from 1"),
    ],
)
def test_growing_that_cannot_be_is_refused(grown, words):
    with pytest.raises(ConfigurationError, match=words):
        TrainingPlan.from_dict({"synthesis": {"classes": {"1": [2]}, "grown_mm": grown}})


def test_axes_are_turned_to_the_models(tmp_path):
    array = head_array()
    array[:, :10] = 0  # nothing at the front
    plain = a_head(tmp_path, array=array)
    turned = a_head(
        tmp_path,
        array=np.ascontiguousarray(array.transpose(1, 2, 0)),
        spacing=(1.0, 2.0, 3.0),
        # i runs to superior, j to left, k to posterior.
        direction=(0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0),
    )
    assert torch.equal(plain.tissues, turned.tissues)
    assert turned.spacing_mm == (1.0, 3.0, 2.0)


def test_the_brains_box_holds_all_labels_and_touches_them(tmp_path):
    head = a_head(tmp_path)
    low, high = (np.round(edge).astype(int) for edge in head.brain_box_mm)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    assert (head.labels != 0).sum() == (head.labels[box] != 0).sum()
    for axis in range(3):
        assert (head.labels[box] != 0).select(axis, 0).any()
        assert (head.labels[box] != 0).select(axis, -1).any()


def test_a_folder_of_label_maps_is_a_dataset_with_the_plans_names_and_licence(tmp_path):
    write_head(tmp_path / "b.nii.gz")
    write_head(tmp_path / "a.nrrd")
    plan = a_plan(source={"name": "Heads", "licence": "CC0", "reference": "nobody"})
    plan = dataclasses.replace(plan, labels={"1": {"name": "White matter"}})
    dataset = find_label_maps(tmp_path, plan)
    assert [case.name for case in dataset.cases] == ["a", "b"]
    assert dataset.labels == {1: "White matter", 2: "label 2", 3: "label 3"}
    assert (dataset.name, dataset.licence, dataset.classes) == ("Heads", "CC0", 4)


def test_what_is_no_label_map_is_told_in_a_sentence(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"expected label maps .* found none"):
        find_label_maps(tmp_path, a_plan())
    write_head(tmp_path / "a.nrrd")
    write_head(tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match="a: there more than once"):
        find_label_maps(tmp_path, a_plan())
    image = write_head(tmp_path / "image.nii.gz", array=head_array() + np.float32(0.5))
    with pytest.raises(InputError, match=r"image.nii.gz: expected whole numbers as labels"):
        read_label_map(image, a_plan())
    foreign = write_head(tmp_path / "foreign.nii.gz", array=(head_array() > 0) * np.int16(515))
    with pytest.raises(InputError, match=r"expected some of the values .* got 0, 515"):
        read_label_map(foreign, a_plan())
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match="damaged or cut short"):
        read_label_map(tmp_path / "broken.nii.gz", a_plan())


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ({"0": [2]}, "expected label values"),
        ({"1": 2}, "synthesis.classes.1: expected a list, got 2"),
        ({"1": [2], "3": [3]}, "without gaps"),
        ({"1": [2], "2": [2]}, "in one label only"),
    ],
)
def test_classes_that_cannot_be_are_refused(classes, sentence):
    with pytest.raises(Exception, match=sentence):
        TrainingPlan.from_dict({"synthesis": {"classes": classes}})


def test_a_plan_with_a_synthesis_survives_being_written():
    plan = a_plan(scale=(0.9, 1.2))
    assert TrainingPlan.from_dict(plan.to_dict()) == plan
    assert plan.synthetic
    assert not TrainingPlan().synthetic
