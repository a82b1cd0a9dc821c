from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.judge.assessment import CaseResult, LevelScore
from CompactSegLib.judge.comparison import DiceDifference, Reference, read_reference
from CompactSegLib.judge.metrics import MaskScore
from CompactSegLib.output.level import RunInfo

LABELS = {1: ("Anterior", "Anterior hippocampus"), 2: ("Posterior", "Posterior hippocampus")}


def a_level(level: int, *dice: float) -> LevelScore:
    masks = tuple(MaskScore(value, value, 1.0, 1.0, 1.0) for value in dice)
    return LevelScore(level, masks, masks[0], None, (), 0.1)


def a_result(name: str, *levels: tuple[float, float]) -> CaseResult:
    scores = tuple(a_level(number, *dice) for number, dice in enumerate(levels, start=1))
    return CaseResult(name, "no", scores, RunInfo("cpu", "a processor", "fp32", 32))


def test_the_interval_is_that_of_students_t_for_pairs():
    """By hand: differences 1, 3 and 2 points, so SD 1, standard error 1/sqrt(3), and t = 4.302653 for 2 degrees."""
    difference = DiceDifference.of([0.81, 0.73, 0.92], [0.80, 0.70, 0.90])
    half = 4.302653 / math.sqrt(3)
    assert difference.points == pytest.approx(2)
    assert (difference.low, difference.high) == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert difference.cases == 3


def test_pairs_that_lack_a_value_are_left_out():
    nan = math.nan
    assert DiceDifference.of([0.9, nan, 0.8], [0.8, 0.7, nan]) == DiceDifference(
        10.0, None, None, 1
    )
    assert DiceDifference.of([nan], [0.7]) == DiceDifference(None, None, None, 0)


def test_levels_and_labels_are_compared_case_by_case():
    reference = Reference(
        Path("them.csv"), {"a": (0.80, 0.70), "b": (0.90, 0.60), "elsewhere": (0.1, 0.1)}
    )
    results = [
        a_result("a", (0.79, 0.70), (0.82, 0.74)),
        a_result("unknown to them", (0.0, 0.0), (0.0, 0.0)),
        a_result("b", (0.89, 0.60), (0.94, 0.62)),
    ]
    first, second = reference.compare(results, ["front", "back"])
    assert reference.matched([result.name for result in results]) == ["a", "b"]
    assert first["mean_over_labels"]["points"] == pytest.approx(-0.5)
    assert [each["points"] for each in first["labels"].values()] == pytest.approx([-1, 0])
    assert second["mean_over_labels"]["points"] == pytest.approx(3)
    assert [each["points"] for each in second["labels"].values()] == pytest.approx([3, 3])
    assert second["mean_over_labels"]["cases"] == 2


def test_means_are_over_the_labels_that_both_have():
    reference = Reference(Path("them.csv"), {"a": (0.80, math.nan)})
    (difference,) = reference.compare([a_result("a", (0.81, 0.30))], ["front", "back"])
    assert difference["mean_over_labels"]["points"] == pytest.approx(1)


@pytest.mark.parametrize(
    "header",
    [
        "case,fold,dice_anterior,dice_posterior",
        "\ufeffcase,fold,Dice_Anterior_Hippocampus,Dice_Posterior_Hippocampus",
        "case,fold,dice_1,dice_2",
    ],
)
def test_columns_are_found_by_the_labels_names_or_values(tmp_path: Path, header: str):
    (tmp_path / "them.csv").write_text(f"{header}\na,0,0.8,0.7\nb,1,,0.6\n", encoding="utf-8")
    reference = read_reference(tmp_path / "them.csv", LABELS)
    assert reference.dice["a"] == (0.8, 0.7)
    np.testing.assert_equal(reference.dice["b"], (math.nan, 0.6))


def test_of_a_table_of_another_evaluation_the_deepest_level_counts(tmp_path: Path):
    (tmp_path / "table.csv").write_text(
        "case,level,label,label_value,dice\n"
        "a,1,Anterior,1,0.1\na,1,Posterior,2,0.2\na,1,all labels as one,,0.3\n"
        "a,2,Anterior,1,0.8\na,2,Posterior,2,\na,2,all labels as one,,0.9\n"
    )
    np.testing.assert_equal(
        read_reference(tmp_path / "table.csv", LABELS).dice, {"a": (0.8, math.nan)}
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected the columns case, dice_anterior, dice_posterior .* got no row"),
        (b"case,dice_anterior\na,0.5\n", "got case, dice_anterior"),
        (b"case,dice_anterior,dice_posterior\na,0.5,88.2\n", "got '88.2' in line 2"),
        (b"case,dice_anterior,dice_posterior\na,0.5,good\n", "got 'good' in line 2"),
        (b"case,dice_anterior,dice_posterior\na,0.5,0.5\na,0.5,0.5\n", "a again in line 3"),
        (b"\x1f\x8b\x08\xff", "expected a CSV file"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, content: bytes, words: str):
    (tmp_path / "them.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_reference(tmp_path / "them.csv", LABELS)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"them\.csv: expected a CSV file"):
        read_reference(tmp_path / "them.csv", LABELS)


def test_a_file_about_other_cases_is_refused():
    with pytest.raises(InputError, match="none of them is there"):
        Reference(Path("them.csv"), {"b": (0.8, 0.7)}).matched(["a"])


def test_nnunet_on_the_hippocampus_is_read(the_hippocampus_data: Path):
    file = the_hippocampus_data / "nnunet_dice_per_case.csv"
    reference = read_reference(file, LABELS)
    assert len(reference.dice) == 208
    assert 0.88 < np.mean(list(reference.dice.values())) < 0.9
