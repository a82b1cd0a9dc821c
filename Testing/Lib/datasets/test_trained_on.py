"""Which cases a model was trained on, and which are taken to judge it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.datasets.folds import fold_of
from CompactSegLib.datasets.trained_on import choose_cases, training_membership
from CompactSegLib.errors import ConfigurationError, InputError

NAMES = [f"ball_{number:03d}" for number in range(6)]


@pytest.fixture
def balls(a_dataset_folder):
    return read_dataset(a_dataset_folder)


def a_model(split: dict, **dataset) -> SimpleNamespace:
    """All that is asked of a model here."""
    return SimpleNamespace(provenance={"dataset": {"name": "Balls"} | dataset, "split": split})


def test_cases_are_told_by_the_names_that_the_model_keeps(balls):
    split = {"training_case_names": NAMES[:4], "validation_cases": NAMES[4:5]}
    trained_on = training_membership(a_model(split), balls)
    assert list(trained_on) == NAMES
    assert list(trained_on.values()) == ["yes"] * 4 + ["no"] * 2


def test_cases_of_another_dataset_with_the_same_names_are_unknown(balls):
    split = {"training_case_names": NAMES[:4], "validation_cases": NAMES[4:]}
    trained_on = training_membership(a_model(split, name="Other balls"), balls)
    assert list(trained_on.values()) == ["unknown"] * 4 + ["no"] * 2


def test_a_model_that_names_its_validation_cases_alone_is_understood_by_its_fold(balls):
    _, held_out = fold_of(NAMES, 2)
    split = {"fold": 2, "validation_cases": held_out, "training_cases": 5}
    trained_on = training_membership(a_model(split, cases=6), balls)
    assert [name for name in NAMES if trained_on[name] == "no"] == held_out
    assert "unknown" not in trained_on.values()
    everything = training_membership(
        a_model({"fold": "all", "validation_cases": []}, cases=6), balls
    )
    assert set(everything.values()) == {"yes"}


@pytest.mark.parametrize(
    "split", [{}, {"fold": 0, "validation_cases": ["x"]}, {"fold": 9}, {"validation_cases": "ball"}]
)
def test_what_the_model_does_not_say_is_unknown(balls, split: dict):
    assert set(training_membership(a_model(split, cases=6), balls).values()) == {"unknown"}
    assert set(training_membership(SimpleNamespace(provenance={"split": 3}), balls).values()) == {
        "unknown"
    }


def names_of(cases) -> list[str]:
    return [case.name for case in cases]


SEEN = dict(zip(NAMES, ["yes", "yes", "no", "no", "unknown", "no"], strict=True))


def test_by_default_cases_of_the_training_are_left_out(balls):
    assert names_of(choose_cases(balls, SEEN, which=None)) == NAMES[2:]
    everything = choose_cases(balls, SEEN, which=None, with_training_cases=True)
    assert names_of(everything) == NAMES


def test_a_fold_all_or_names_may_be_asked_for(balls):
    new = dict.fromkeys(NAMES, "no")
    assert names_of(choose_cases(balls, new, which="all")) == NAMES
    assert names_of(choose_cases(balls, new, which="1")) == fold_of(NAMES, 1)[1]
    chosen = choose_cases(balls, new, which="ball_004, ball_002")
    assert names_of(chosen) == ["ball_002", "ball_004"]


def test_training_cases_that_are_asked_for_are_refused_unless_wanted(balls):
    with pytest.raises(InputError, match=r"2 of 6 that it was \(ball_000, ball_001\)"):
        choose_cases(balls, SEEN, which="all")
    assert len(choose_cases(balls, SEEN, which="all", with_training_cases=True)) == 6
    with pytest.raises(InputError, match="trained on all 6"):
        choose_cases(balls, dict.fromkeys(NAMES, "yes"), which=None)


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("5", "expected 0 to 4"),
        ("ball_02", "did you mean ball_0"),
        ("ball_001,cube", "got cube; the dataset has ball_000"),
        (",", "got ','"),
    ],
)
def test_cases_that_are_not_there_are_refused(balls, which: str, words: str):
    with pytest.raises(ConfigurationError, match=words):
        choose_cases(balls, SEEN, which=which)
