import csv

import pytest

from CompactSegLib.datasets.folds import FOLDS, fold_of
from CompactSegLib.errors import CompactSegError

NAMES = [f"case_{n:03d}" for n in range(23)]


def test_each_case_is_held_out_exactly_once():
    held_out = [name for fold in range(FOLDS) for name in fold_of(NAMES, fold)[1]]
    assert sorted(held_out) == NAMES
    for fold in range(FOLDS):
        training, validation = fold_of(NAMES, fold)
        assert sorted(training + validation) == NAMES


def test_the_order_of_the_names_does_not_matter():
    assert fold_of(NAMES[::-1], 2) == fold_of(NAMES, 2)


# Of scikit-learn 1.9's KFold(5, shuffle=True, random_state=12345), by the number of cases.
STORED = {
    5: [[0], [4], [3], [1], [2]],
    7: [[3, 6], [0, 4], [1], [5], [2]],
    16: [[0, 7, 8, 11], [3, 6, 12], [10, 14, 15], [1, 4, 9], [2, 5, 13]],
    20: [[3, 8, 13, 16], [0, 10, 12, 15], [6, 7, 11, 17], [9, 14, 18, 19], [1, 2, 4, 5]],
    23: [
        [3, 8, 10, 17, 19],
        [0, 7, 12, 15, 16],
        [6, 11, 14, 18, 20],
        [9, 13, 21, 22],
        [1, 2, 4, 5],
    ],
}


@pytest.mark.parametrize("cases", STORED)
def test_folds_stay_what_scikit_learn_made_them(cases: int):
    names = [f"{n:03d}" for n in range(cases)]
    assert [fold_of(names, fold)[1] for fold in range(FOLDS)] == [
        [names[place] for place in places] for places in STORED[cases]
    ]


def test_the_rule_gives_the_folds_that_nnunet_used_on_all_260_hippocampi(the_hippocampus_data):
    """The 208 cases at hand are those of its folds 1 to 4, so their order tells; ours are folds of the 208."""
    table = the_hippocampus_data / "nnunet_dice_per_case.csv"
    places = [f"{n:03d}" for n in range(260)]
    fold_of_place = {place: fold for fold in range(FOLDS) for place in fold_of(places, fold)[1]}
    expected = [fold_of_place[place] for place in places if fold_of_place[place] != 0]
    with table.open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["case"])
    assert [int(row["fold"]) for row in rows] == expected


def test_all_cases_can_be_trained_on():
    assert fold_of(NAMES, None) == (NAMES, [])


@pytest.mark.parametrize(("names", "fold"), [(NAMES, 5), (NAMES, -1), (NAMES[:4], 0)])
def test_impossible_folds_are_refused(names, fold):
    with pytest.raises(CompactSegError, match="fold"):
        fold_of(names, fold)
