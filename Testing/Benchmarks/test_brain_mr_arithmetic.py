"""What brain-mr is judged by: overlap, changes of volumes, and tables in a document."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.brain_mr.document import PARTS, fill, markdown, start_document
from benchmarks.brain_mr.scores import dice_by_class, dice_of_masks, mean, percent_changes
from CompactSegLib.errors import InputError
from CompactSegLib.inference.stop import overlap_counts
from CompactSegLib.judge.metrics import score_mask


def test_dice_of_classes_is_that_of_their_masks():
    random = np.random.default_rng(0)
    truth, found = random.integers(0, 4, (2, 5, 6, 7)).astype(np.uint8)
    dice = dice_by_class(overlap_counts(truth, found, classes=4))
    assert len(dice) == 3
    for value, one in enumerate(dice, start=1):
        masks = truth == value, found == value
        assert one == pytest.approx(dice_of_masks(*masks))
        assert one == pytest.approx(score_mask(*masks, spacing_mm=(1, 1, 1)).dice, abs=1e-6)


def test_a_class_that_neither_has_is_no_case_to_judge():
    truth = np.array([0, 1, 1], np.uint8)
    dice = dice_by_class(overlap_counts(truth, truth, classes=3))
    assert dice[0] == 1
    assert math.isnan(dice[1])
    assert math.isnan(dice_of_masks(truth == 2, truth == 2))
    assert mean(dice) == 1


def test_a_class_that_only_one_has_counts_as_missed():
    truth, found = np.array([0, 1, 1], np.uint8), np.zeros(3, np.uint8)
    assert dice_by_class(overlap_counts(truth, found, classes=2)) == [0]


def test_volumes_change_in_percent_of_what_was_there():
    before = {"Thalamus": 10.0, "Caudate": 8.0, "Amygdala": 0.0}
    after = {"Thalamus": 11.0, "Caudate": 6.0, "Amygdala": 1.0}
    changes = percent_changes(before, after)
    assert changes["Thalamus"] == pytest.approx(10)
    assert changes["Caudate"] == pytest.approx(-25)
    assert math.isnan(changes["Amygdala"])


def test_a_table_has_a_line_per_row_and_marks_what_is_unknown():
    lines = markdown([{"a": "x", "b": -0.5}, {"a": "y", "b": math.nan}], digits=2).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| x | −0.50 |", "| y | – |"]


def test_filling_a_document_keeps_the_words_around(tmp_path: Path):
    document = tmp_path / "a.md"
    document.write_text("before\n<!-- aims -->old<!-- /aims -->\nafter\n", encoding="utf-8")
    for content in ("| new | \\1 |", "newer"):
        fill(document, {"aims": content})
        text = document.read_text(encoding="utf-8")
        assert text == f"before\n<!-- aims -->\n\n{content}\n\n<!-- /aims -->\nafter\n"


def test_a_document_without_the_marks_is_left_as_it_was(tmp_path: Path):
    document = tmp_path / "a.md"
    document.write_text("<!-- aims --><!-- /aims -->", encoding="utf-8")
    with pytest.raises(InputError, match="<!-- setup -->"):
        fill(document, {"aims": "x", "setup": "y"})
    assert document.read_text(encoding="utf-8") == "<!-- aims --><!-- /aims -->"


def test_a_new_document_has_a_place_for_every_part_and_an_old_one_stays(tmp_path: Path):
    document = tmp_path / "a.md"
    start_document(document, title="first")
    start_document(document, title="second")
    fill(document, {name: f"content of {name}" for name in PARTS})
    text = document.read_text(encoding="utf-8")
    assert text.startswith("# first\n")
    assert all(f"content of {name}" in text for name in PARTS)


def test_the_document_that_ships_has_a_place_for_every_part(tmp_path: Path):
    shipped = Path(__file__).resolve().parents[2] / "docs" / "brain-mr.md"
    copy = tmp_path / "brain-mr.md"
    copy.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    fill(copy, dict.fromkeys(PARTS, "filled"))
    assert copy.read_text(encoding="utf-8").count("\n\nfilled\n\n") == len(PARTS)
