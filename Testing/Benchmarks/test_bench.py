"""What ``make bench`` is asked to measure."""

from __future__ import annotations

import pytest

from benchmarks.bench import PARTS, chosen


def test_only_what_has_one_of_the_names_is_measured():
    assert {part: [*each] for part, each in chosen(["peers", "sizes"], ["SegResNet"]).items()} == {
        "peers": ["SegResNet"],
        "sizes": [],
    }
    assert all(chosen(PARTS, None).values())


def test_a_name_that_no_part_has_ends_it_and_says_which_there_are():
    with pytest.raises(SystemExit, match=r"'SegResNet'.*got 'Segresnet'") as ended:
        chosen(["peers"], ["Segresnet", "SegResNet"])
    assert "320³" not in str(ended.value)
