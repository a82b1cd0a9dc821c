import json
import os

import numpy as np
import pytest

from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.errors import CompactSegError, InputError
from CompactSegLib.synthesis.label_maps import find_label_maps
from CompactSegLib.synthesis.synthesis_plan import SynthesisPlan
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.Lib.dataset_files import a_case, write_image


def test_cases_are_prepared_as_inference_prepares_images(a_dataset_folder):
    dataset = read_dataset(a_dataset_folder)
    cases = load_cases(dataset, TrainingPlan())
    assert [case.name for case in cases] == [f"ball_{n:03d}" for n in range(6)]
    assert dataset.classes == 3
    image, labels = a_case(0)
    assert np.array_equal(cases[0].labels.numpy(), labels)
    expected = (image - image.mean()) / image.std()
    np.testing.assert_allclose(cases[0].image.numpy()[0], expected, atol=1e-5)


def test_labels_are_resampled_with_their_image(a_dataset_folder):
    dataset = read_dataset(a_dataset_folder)
    fine = load_cases(dataset, TrainingPlan(spacing_mm=(0.5, 0.5, 0.5)))[0]
    coarse = load_cases(dataset, TrainingPlan())[0]
    assert fine.labels.shape == tuple(2 * n for n in coarse.labels.shape)
    volumes = [float((case.labels == 1).sum()) for case in (fine, coarse)]
    assert volumes[0] / 8 == pytest.approx(volumes[1], rel=0.1)


def test_every_missing_and_unlisted_file_is_named(a_dataset_folder):
    (a_dataset_folder / "labelsTr" / "ball_001.nii.gz").unlink()
    (a_dataset_folder / "imagesTr" / "ball_004.nii.gz").unlink()
    write_image(a_dataset_folder / "imagesTr" / "extra.nii.gz", a_case(9)[0])
    with pytest.raises(CompactSegError) as caught:
        read_dataset(a_dataset_folder)
    message = str(caught.value).replace(os.sep, "/")
    assert "3 problems" in message
    for name in ("labelsTr/ball_001", "imagesTr/ball_004", "imagesTr/extra"):
        assert name in message


def test_a_file_of_an_impossible_name_is_one_that_is_not_there(a_dataset_folder):
    listed = json.loads((a_dataset_folder / "dataset.json").read_text())
    listed["training"][0]["image"] = f"imagesTr/{'x' * 300}.nii.gz"
    (a_dataset_folder / "dataset.json").write_text(json.dumps(listed))
    with pytest.raises(CompactSegError, match="x" * 300):
        read_dataset(a_dataset_folder)


def test_every_broken_case_is_listed_with_its_file(a_dataset_folder):
    images, labels = a_dataset_folder / "imagesTr", a_dataset_folder / "labelsTr"
    image, truth = a_case(0)
    write_image(labels / "ball_000.nii.gz", truth[:-1])
    write_image(labels / "ball_001.nii.gz", truth, origin=(3.0, 0.0, 0.0))
    write_image(labels / "ball_002.nii.gz", np.where(truth == 2, 7, truth).astype(np.uint8))
    image[3, 3, 3] = np.nan
    write_image(images / "ball_003.nii.gz", image)
    (images / "ball_004.nii.gz").write_bytes(b"no image")
    with pytest.raises(CompactSegError) as caught:
        load_cases(read_dataset(a_dataset_folder), TrainingPlan())
    message = str(caught.value).replace(os.sep, "/")
    assert "5 problems" in message
    for name in ("labelsTr/ball_000", "labelsTr/ball_001", "labelsTr/ball_002"):
        assert name in message
    for name in ("imagesTr/ball_003", "imagesTr/ball_004"):
        assert name in message
    assert "got also 7" in message


def test_a_case_without_structures_is_a_case(a_dataset_folder):
    truth = np.zeros_like(a_case(0)[1])
    write_image(a_dataset_folder / "labelsTr" / "ball_000.nii.gz", truth)
    assert load_cases(read_dataset(a_dataset_folder), TrainingPlan())[0].labels.max() == 0


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere", "there is nothing of this name; check the path"),
        ("file", "this is a file; pass a folder"),
        ("empty", "it is empty; choose another"),
    ],
)
def test_a_folder_that_is_none_is_told_in_one_sentence(a_dataset_folder, tmp_path, place, told):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    asked = tmp_path / place
    synthesis = SynthesisPlan(classes={"1": (17,)})
    reads = {
        "a Decathlon folder, or one of nnU-Net": lambda: read_dataset(asked),
        "a folder of images": lambda: read_dataset(asked, labels=a_dataset_folder / "labelsTr"),
        "a folder of labels": lambda: read_dataset(a_dataset_folder / "imagesTr", labels=asked),
        "a folder of label maps, as the plan has a synthesis": lambda: find_label_maps(
            asked, TrainingPlan(synthesis=synthesis)
        ),
    }
    for expected, read in reads.items():
        with pytest.raises(InputError) as caught:
            read()
        assert str(caught.value) == f"{asked}: expected {expected}, but {told}."


def test_a_folder_that_is_no_dataset_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CompactSegError, match="Decathlon folder"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {}},
        {"labels": {"1": "A", "3": "B"}},
        {"labels": {"one": "A"}},
        {"labels": ["A"]},
        {"labels": {"1": None, "2": "B"}},
        {"labels": {"1": json.loads("[" * 600 + "]" * 600)}},
        {"labels": {"1": {"name": "A"}}},
        {"labels": {"1": 5}},
        {"labels": {"1": ""}},
        {"labels": {"1": "A\nB"}},
        {"labels": {"1": "A" * 5000}},
        {"labels": {"1" * 5000: "A"}},
        {"labels": {"٣": "A"}},
        {"modality": {"9" * 5000: "MRI"}},
        {"modality": {"0": None}},
        {"modality": {"0": "M" * 5000}},
        {"modality": json.loads("[" * 600 + "]" * 600)},
        {"training": [{"image": "\ud800", "label": "\ud800"}]},
    ],
    ids=lambda changes: ascii(changes)[:40],
)
def test_a_description_that_makes_no_sense_is_refused(a_dataset_folder, changes):
    path = a_dataset_folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CompactSegError, match=r"dataset\.json") as raised:
        read_dataset(a_dataset_folder)
    assert "training" in changes or len(str(raised.value)) < 1000  # it lists each file


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for permission to make links")
def test_a_link_to_itself_is_told_as_any_file_that_is_not_listed(a_dataset_folder):
    link = a_dataset_folder / "imagesTr" / "loop.nii.gz"
    link.symlink_to(link.name)
    with pytest.raises(CompactSegError, match=r"loop\.nii\.gz: not listed in dataset\.json"):
        read_dataset(a_dataset_folder)
