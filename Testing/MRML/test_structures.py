"""Left and right of a structure stand beside each other, with how much they differ."""

from __future__ import annotations

import pytest

from CompactSegMRML.LevelDisplay import structuresOf

NAMES = ["Left hippocampus", "Brain stem", "Right hippocampus", "Left thalamus"]


def test_a_pair_is_one_row_where_its_first_side_was_and_all_else_stays():
    structures = structuresOf(NAMES)
    assert [each.name for each in structures] == ["Hippocampus", "Brain stem", "Left thalamus"]
    assert structures[0].segments == ("Left hippocampus", "Right hippocampus")
    assert structures[1].segments == ("Brain stem",)
    assert structures[2].left is None, "a side without its other is no pair"


@pytest.mark.parametrize(
    ("left", "right", "asymmetry"),
    [(1.1, 0.9, 0.2), (0.9, 1.1, -0.2), (1.0, 1.0, 0.0), (2.0, 0.0, 2.0)],
)
def test_the_asymmetry_is_a_share_of_the_mean(left, right, asymmetry):
    pair = structuresOf(NAMES)[0]
    millilitres = {"Left hippocampus": left, "Right hippocampus": right}
    assert pair.asymmetry(millilitres) == pytest.approx(asymmetry)


def test_nothing_has_no_asymmetry():
    pair, single, _side = structuresOf(NAMES)
    assert pair.asymmetry({}) is None
    assert single.asymmetry({"Brain stem": 30.0}) is None
