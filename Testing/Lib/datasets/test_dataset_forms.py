"""nnU-Net folders, and folders of images and of labels."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.errors import CompactSegError
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.Lib.dataset_files import a_case, write_image


@pytest.fixture
def an_nnunet_folder(tmp_path: Path) -> Path:
    """Three cases of two channels; the second channel is the first one upside down."""
    folder = tmp_path / "Dataset099_Balls"
    for number in range(3):
        image, labels = a_case(number)
        write_image(folder / "imagesTr" / f"ball_{number}_0000.nii.gz", image)
        write_image(folder / "imagesTr" / f"ball_{number}_0001.nii.gz", -image)
        write_image(folder / "labelsTr" / f"ball_{number}.nii.gz", labels)
    describe(folder)
    return folder


def describe(folder: Path, **changes: object) -> None:
    description: dict[str, object] = {
        "channel_names": {"0": "T1", "1": "T2"},
        "labels": {"background": 0, "Front": 1, "Back": 2},
        "numTraining": 3,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(description | changes), encoding="utf-8")


@pytest.fixture
def two_folders(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "mine" / "images", tmp_path / "mine" / "labels"
    for number in range(3):
        for folder, array, ending in zip(
            folders, a_case(number), (".nii.gz", ".nrrd"), strict=True
        ):
            write_image(folder / f"ball_{number}{ending}", array)
    return folders


def problems_of(read) -> str:
    with pytest.raises(CompactSegError) as caught:
        read()
    return str(caught.value)


def test_an_nnunet_folder_is_read_with_all_its_channels(an_nnunet_folder):
    dataset = read_dataset(an_nnunet_folder)
    assert dataset.name == "Dataset099_Balls"
    assert dataset.channels == ("T1", "T2")
    assert dataset.labels == {1: "Front", 2: "Back"}
    cases = load_cases(dataset, TrainingPlan())
    assert [case.name for case in cases] == ["ball_0", "ball_1", "ball_2"]
    image = cases[1].image
    assert image.shape[0] == 2
    torch.testing.assert_close(image[0], -image[1])
    assert np.array_equal(cases[1].labels.numpy(), a_case(1)[1])


def test_an_nnunet_folder_may_list_its_files(an_nnunet_folder):
    listed = {
        f"case {n}": {
            "images": [f"imagesTr/ball_{n}_000{channel}.nii.gz" for channel in range(2)],
            "label": f"labelsTr/ball_{n}.nii.gz",
        }
        for n in range(3)
    }
    describe(an_nnunet_folder, dataset=listed)
    assert [case.name for case in read_dataset(an_nnunet_folder).cases] == list(listed)
    listed["case 1"] = {"images": ["imagesTr/nothing.nii.gz"], "label": "labelsTr/ball_1.nii.gz"}
    del listed["case 2"]
    describe(an_nnunet_folder, dataset=listed)
    message = problems_of(lambda: read_dataset(an_nnunet_folder))
    assert "3 problems" in message
    assert "2 images for case case 1, got 1" in message
    assert "nothing.nii.gz: listed" in message
    assert "numTraining 3, but 2" in message
    listed["case 2"] = {"image": "imagesTr/ball_2_0000.nii.gz"}
    describe(an_nnunet_folder, dataset=listed)
    message = problems_of(lambda: read_dataset(an_nnunet_folder))
    assert "dataset.json, dataset.case 2: expected images, a list, but it is missing" in message


def test_every_problem_of_an_nnunet_folder_is_listed_with_its_file(an_nnunet_folder):
    images = an_nnunet_folder / "imagesTr"
    (images / "ball_0_0001.nii.gz").unlink()
    (an_nnunet_folder / "labelsTr" / "ball_1.nii.gz").unlink()
    write_image(images / "ball_2_0002.nii.gz", a_case(2)[0])
    write_image(images / "stray.nii.gz", a_case(2)[0])
    message = problems_of(lambda: read_dataset(an_nnunet_folder))
    assert "6 problems" in message
    for part in (
        "ball_0_0001: channel 1 of case ball_0 is not there",
        "ball_1_0000.nii.gz: expected labels of the same name,",
        f"labelsTr{os.sep}ball_1, which are not there",
        "ball_1_0001.nii.gz: expected labels",
        "ball_2_0002.nii.gz: expected 2 channels, got channel 2",
        "stray.nii.gz: expected labels",
        "numTraining 3, but 2",
    ):
        assert part in message


def test_channels_on_different_grids_are_named(an_nnunet_folder):
    image = a_case(1)[0]
    write_image(an_nnunet_folder / "imagesTr" / "ball_1_0001.nii.gz", image, origin=(4.0, 0.0, 0.0))
    message = problems_of(lambda: load_cases(read_dataset(an_nnunet_folder), TrainingPlan()))
    assert "1 problem:" in message
    assert "ball_1_000" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channel_names": {"0": "T1", "2": "T2"}}, "channel_names"),
        ({"channel_names": {}}, "channel_names"),
        ({"labels": {"background": 0, "whole": [1, 2], "Back": 2}}, r"regions\) for whole"),
        ({"labels": {"background": 0, "Front": 1, "ignore": 2}}, '"ignore"'),
        ({"labels": {"background": 0, "Front": 1, "Back": 3}}, "without gaps"),
        ({"labels": ["Front"]}, r"dataset\.json, labels: expected an object, got"),
        ({"file_ending": "gz"}, r"file_ending: expected an ending such as \.nii\.gz"),
        ({"file_ending": ".mha"}, r"end in \.mha, found none"),
    ],
)
def test_a_strange_nnunet_description_is_refused(an_nnunet_folder, changes, words):
    describe(an_nnunet_folder, **changes)
    with pytest.raises(CompactSegError, match=words):
        read_dataset(an_nnunet_folder)


def test_images_and_labels_are_paired_by_name(two_folders):
    images, labels = two_folders
    dataset = read_dataset(images, labels=labels)
    assert (dataset.name, dataset.classes) == ("mine", 3)
    cases = load_cases(dataset, TrainingPlan())
    assert [case.name for case in cases] == ["ball_0", "ball_1", "ball_2"]
    assert np.array_equal(cases[2].labels.numpy(), a_case(2)[1])


def test_images_of_several_channels_are_paired_with_their_labels(an_nnunet_folder):
    folders = an_nnunet_folder / "imagesTr", an_nnunet_folder / "labelsTr"
    paired = load_cases(read_dataset(folders[0], labels=folders[1]), TrainingPlan())
    theirs = load_cases(read_dataset(an_nnunet_folder), TrainingPlan())
    assert all(torch.equal(a.image, b.image) for a, b in zip(paired, theirs, strict=True))


def test_every_problem_of_two_folders_is_listed_with_its_file(two_folders):
    images, labels = two_folders
    image, truth = a_case(1)
    (images / "ball_0.nii.gz").unlink()
    write_image(images / "extra.nii.gz", image)
    write_image(images / "ball_1.mha", image)
    write_image(labels / "ball_2.nrrd", np.where(truth == 2, 4, truth).astype(np.uint8))
    write_image(images / "more.nii.gz", image)
    write_image(labels / "more.nii.gz", image)
    message = problems_of(lambda: read_dataset(images, labels=labels))
    assert "5 problems" in message
    for part in (
        "ball_0.nrrd: expected an image of the same name",
        "extra.nii.gz: expected labels of the same name",
        "one file of the name ball_1, got more",
        "ball_2.nrrd: expected label values without gaps over all files, got 4, but none has 3",
        "more.nii.gz: expected whole numbers as labels",
    ):
        assert part in message


def test_channels_that_differ_between_cases_are_listed(an_nnunet_folder):
    images = an_nnunet_folder / "imagesTr"
    (images / "ball_1_0000.nii.gz").unlink()
    (images / "ball_2_0001.nii.gz").unlink()
    message = problems_of(lambda: read_dataset(images, labels=an_nnunet_folder / "labelsTr"))
    assert "ball_1_0000: channel 0 of case ball_1 is not there" in message
    assert "ball_2_0001: channel 1 of case ball_2 is not there" in message


def test_folders_without_images_are_refused(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    message = problems_of(lambda: read_dataset(tmp_path / "a", labels=tmp_path / "b"))
    assert message.count("found none") == 2


def test_labels_that_are_all_background_are_refused(two_folders):
    for file in two_folders[1].iterdir():
        write_image(file, np.zeros_like(a_case(0)[1]))
    assert "no file has any" in problems_of(
        lambda: read_dataset(two_folders[0], labels=two_folders[1])
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"labels": {"0": "b", "1": "a"}, "training": [{"image": null, "label": []}]}',
        '{"labels": {"0": "b", "1": "a"}, "training": [{"image": {"a": 1}, "label": 3}]}',
        '{"labels": {"0": "b", "1": "a"}, "training": [{"image": "a\\u0000", "label": "x"}]}',
        '{"labels": [], "training": null, "modality": null}',
        '{"file_ending": [], "labels": null, "channel_names": null}',
        '{"file_ending": ".nii.gz", "labels": {"a": 1e400}, "channel_names": {"0": null}, "dataset": {"a": []}}',
        '{"labels": {"a": 1}, "channel_names": {"0": "a"}, "dataset": {"a": {"images": ["x\\u0000"], "label": "y"}}}',
        '{"labels": {"0": "b", "1": "a"}, "training": [{"image": "a"}]}',
        "[" * 100_000,
        "null",
        "",
    ],
)
def test_a_dataset_json_of_other_things_is_told_in_a_sentence(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    message = problems_of(lambda: read_dataset(tmp_path))
    assert message.startswith(str(tmp_path))
