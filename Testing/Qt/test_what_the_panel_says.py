"""Sentences of the panel: why a run stopped, what its tables and models tell when asked."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
import slicer

from CompactSegLib.model.model import ExpectedVolume, Stop
from CompactSegMRML.Results import LevelResult, Results
from CompactSegMRML.WorkerFace import ModelCard, ModelInfo
from CompactSegQt.ModelList import description, lineOf
from CompactSegQt.Texts import (
    changeSentence,
    findingsText,
    rowCells,
    stopSentence,
    volumeText,
    volumeTooltip,
)
from Testing.repository import REPOSITORY

EXPECTED = {"Pons": ExpectedVolume(mean=6.8, least=4.0, most=10.1)}

LEVEL_2 = LevelResult(
    level=2,
    levels=3,
    model="pons-mr",
    improvement=0.806,
    improvementByLabel={"Pons": 0.12, "Third ventricle": 0.806},
    seconds=1.0,
    millilitres={"Pons": 7.0, "Third ventricle": 2.0},
    blocksRun=1,
    stop="threshold",
    stopReason="as the engine says",
    stopThreshold=0.001,
)
LEVEL_1 = replace(LEVEL_2, level=1, improvement=None, improvementByLabel={}, stop="")

MODEL = ModelInfo(
    name="pons-mr",
    title="Pons",
    description="Segments the pons.",
    levels=3,
    labels=(),
    channels=1,
    modality="MR",
    licence="CC0",
    sizeBytes=1_000_000,
    folder="",
    stop=Stop(0.001),
    card=ModelCard(
        madeFrom="Brains (A. Body, 2020; CC0), 20 cases",
        dice=0.7727,
        cases=8,
        limits=("It has seen adults only.",),
    ),
)


def results(*levels: LevelResult) -> Results:
    return Results(None, "pons-mr", levels, 3, 2)


def said(last: LevelResult) -> str:
    return stopSentence(results(LEVEL_1, last))


def tooltip_of(level: LevelResult, expected=None) -> str:
    return volumeTooltip(results(level), level, "Pons", expected or {})


def test_a_run_that_stopped_says_by_which_rule():
    assert "changed every structure by less than the threshold of 0.1 %" in said(LEVEL_2)
    assert "the threshold was reached" in said(replace(LEVEL_2, stopThreshold=None))


def test_the_improvement_names_the_structure_that_changed_most():
    sentence = changeSentence(LEVEL_2)
    assert "“Third ventricle”, 80.6 %" in sentence
    assert "does not say that the result got better" in sentence
    assert "no level before it" in changeSentence(LEVEL_1)


def test_the_row_of_a_level_names_the_structure_that_changed_most():
    """Or 100 % would alarm, where a small structure came that the level before does not know."""

    def text(level):
        return rowCells(level)[1][0]

    assert text(LEVEL_2) == "80.6 % (Third ventricle)"
    assert text(LEVEL_1) == "–"
    assert text(replace(LEVEL_2, improvementByLabel={})) == "80.6 %", "an older scene"
    assert text(replace(LEVEL_2, improvement=0.0, improvementByLabel={"Pons": 0.0})) == "0.0 %"


def test_a_structures_cell_tells_its_own_change():
    assert "“Pons” changed by 12.0 % from level 1" in tooltip_of(LEVEL_2)
    assert "Level 1: 7.00 ml" in tooltip_of(LEVEL_1)


def test_a_level_that_was_edited_shows_no_figure_that_no_longer_holds():
    edited = replace(LEVEL_2, isEdited=True)
    texts = [text for text, _explanation in rowCells(edited)]
    assert texts[:2] == ["2 (edited)", "–"]
    assert "Counted anew" in tooltip_of(edited)
    assert "changed by" not in tooltip_of(edited)


def test_results_of_an_image_that_changed_say_so_beside_what_was_found():
    told = replace(results(LEVEL_1), messages=("Hardly anything was found.",), isOutdated=True)
    assert "The image was changed" in findingsText(told)
    assert "Hardly anything was found." in findingsText(told)


@pytest.mark.parametrize(
    ("millilitres", "text", "explained"),
    [
        (7.0, "7.00", None),
        (3.0, "3.00", None),
        (2.9, "↓ 2.90", "↓ Over a quarter less"),
        (12.6, "12.6", None),
        (12.7, "↑ 12.7", "↑ Over a quarter more"),
    ],
)
def test_a_volume_far_from_those_of_training_cases_is_marked(millilitres, text, explained):
    level = replace(LEVEL_2, millilitres={"Pons": millilitres})
    assert volumeText(level, "Pons", EXPECTED) == text
    tooltip = tooltip_of(level, EXPECTED)
    assert "Training cases: 6.80 ml (4.00 to 10.1)." in tooltip
    assert explained in tooltip if explained else "any training case" not in tooltip


def test_without_knowledge_of_training_cases_nothing_is_marked():
    assert volumeText(LEVEL_2, "Pons", {}) == "7.00"
    assert "Training" not in tooltip_of(LEVEL_2)


def test_a_models_tooltip_tells_its_data_figures_and_limits():
    tooltip = description(MODEL)
    for part in (
        "Brains (A. Body, 2020; CC0), 20 cases",
        "8 validation cases; mean Dice 0.77 at level 3",
        "It has seen adults only.",
        "stops when one changed every structure by less than 0.1 %",
    ):
        assert part in tooltip
    synthetic = description(replace(MODEL, card=replace(MODEL.card, isSynthetic=True)))
    assert "8 synthetic images" in synthetic
    assert "synthetic images: Brains" in synthetic


def test_a_models_tooltip_has_no_empty_lines():
    tooltip = description(replace(MODEL, card=ModelCard()))
    for title in ("Made from", "Checked on", "Limits"):
        assert title not in tooltip


def test_one_line_tells_what_must_be_known_of_a_model_before_the_click():
    line = lineOf(MODEL)
    for part in ("Brains", "20 cases", "It has seen adults only.", "not for diagnosis"):
        assert part in line
    assert lineOf(replace(MODEL, card=ModelCard())) == "For research, not for diagnosis."


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (
            ["It has seen adults only.", *[f"Limit {number} of many." for number in range(50)]],
            "It has seen adults only. Limit 0 of many. Limit 1 of many. …",
        ),
        (["It has seen adults only.", f"It never saw {'a lesion, ' * 20}a tumour."],
         "It has seen adults only. …"),
        (["It has seen adults only; a child's head is another thing, and so is that of an animal."],
         "It has seen adults only …"),
        (["It has seen the heads of adults only who lay still in a scanner of the kind that is used."],
         "It has seen the heads of adults only who lay still in a scanner of the …"),
    ],
    ids=["whole sentences", "the one that has room", "a clause", "words"],
)  # fmt: skip
def test_the_line_of_a_model_with_many_limits_has_as_many_as_have_room(limits, told):
    model = replace(MODEL, card=replace(MODEL.card, limits=tuple(limits)))
    line = f"Made from Brains, 20 cases. {told} For research, not for diagnosis."
    assert lineOf(model) == line
    assert " ".join(limits) in unescape(description(model)), "the tooltip has all"


def test_however_much_a_model_was_made_from_its_line_has_a_limit():
    made = "Heads, brains, and parts of these, of people of all ages and countries, " * 3
    line = lineOf(replace(MODEL, card=replace(MODEL.card, madeFrom=made)))
    assert line.startswith("Made from Heads, brains")
    assert "It has seen adults only." in line
    assert len(line) < 150


def test_a_threshold_of_0_says_that_all_levels_are_computed(desktop):
    assert "all are computed" in description(replace(MODEL, stop=Stop(0.0)))
    desktop.open()
    ui = slicer.util.getModuleWidget("CompactSeg").ui
    ui.thresholdSpinBox.value = 0
    assert ui.thresholdSpinBox.text == "never: all levels"
    assert "all levels are computed" in ui.thresholdSpinBox.toolTip
    ui.thresholdSpinBox.value = 0.1
    assert ui.thresholdSpinBox.text == "0.10 %"


def test_the_help_leads_to_the_projects_documents(desktop):
    desktop.open()
    build = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    homepage = re.search(r'EXTENSION_HOMEPAGE "(\S+)"', build).group(1)
    module = slicer.util.getModule("CompactSeg")
    assert f'href="{homepage}' in module.helpText


def test_a_model_that_needs_several_images_says_that_here_is_one():
    assert MODEL.whyNotUsable is None
    sentence = replace(MODEL, channels=2).whyNotUsable
    assert sentence == "Pons needs 2 images at once, and here is one; choose another model."
