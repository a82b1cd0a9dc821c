"""Datasets of which some cases, or all, lack labels."""

import dataclasses

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.model.registry import load_model
from CompactSegLib.train.training import train
from Testing.Lib.dataset_files import a_case, write_dataset, write_image


def labelled_as(folder, change, *, cases=6):
    """A dataset whose labels are changed by a function."""
    write_dataset(folder, cases=cases)
    for number in range(cases):
        labels = a_case(number)[1]
        write_image(folder / "labelsTr" / f"ball_{number:03d}.nii.gz", change(number, labels))
    return folder


@pytest.mark.filterwarnings("error")
def test_a_label_that_no_case_has_is_told_and_the_run_ends_with_a_model(
    a_tiny_net, a_short_plan, tmp_path, capsys
):
    folder = labelled_as(tmp_path / "balls", lambda _, labels: (labels == 1).astype(np.uint8))
    plan = dataclasses.replace(a_short_plan, steps=2)
    model = load_model(train(plan, a_tiny_net, data=folder, output=tmp_path / "out", device="cpu"))
    assert set(model.levels[0].dice_by_label) == {"Front"}
    out = capsys.readouterr().out
    assert "no training case has Back" in out
    assert " – | " in out
    assert "nan" not in out + (tmp_path / "out" / "log.csv").read_text()


@pytest.mark.filterwarnings("error")
def test_held_out_cases_without_any_label_give_a_model_without_figures_of_them(
    a_tiny_net, a_short_plan, tmp_path
):
    held_out = (3, 5)
    folder = labelled_as(tmp_path / "balls", lambda n, labels: labels * (n not in held_out))
    plan = dataclasses.replace(a_short_plan, steps=2)
    model = load_model(train(plan, a_tiny_net, data=folder, output=tmp_path / "out", device="cpu"))
    assert model.provenance["split"]["validation_cases"] == ["ball_003", "ball_005"]
    assert model.levels[0].validation == {}


def test_cases_without_any_label_are_refused_before_a_run(a_tiny_net, a_short_plan, tmp_path):
    folder = labelled_as(tmp_path / "balls", lambda _, labels: labels * 0)
    with pytest.raises(InputError, match=r"balls: expected training cases with labels above 0"):
        train(a_short_plan, a_tiny_net, data=folder, output=tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()
