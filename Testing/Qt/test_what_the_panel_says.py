"""Sentences of the panel: why a run stopped, what its tables and models tell when asked."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import slicer

from CompactSegLib.model.expected import ExpectedVolume
from CompactSegMRML.Results import LevelResult, ModelCard, ModelInfo, Results, StopInfo
from CompactSegQt.ModelList import description
from CompactSegQt.ResultsTable import improvementSentence, stopSentence
from CompactSegQt.StopControls import StopControls
from CompactSegQt.StructureCells import volumeText, volumeTooltip

REPOSITORY = Path(__file__).resolve().parents[2]
EXPECTED = {"Pons": ExpectedVolume(mean=6.8, least=4.0, most=10.1)}

LEVEL_2 = LevelResult(
    level=2,
    improvement=0.806,
    improvementByLabel={"Pons": 0.12, "Third ventricle": 0.806},
    seconds=1.0,
    millilitres={"Pons": 7.0, "Third ventricle": 2.0},
    expectedGain=0.0004,
    blocksRun=1,
    stop="threshold",
    stopReason="as the engine says",
    stopUnit="dice",
    stopThreshold=0.001,
    segmentationNode=None,
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
    stop=StopInfo(0.001, "dice", ("jaccard", "dice")),
    card=ModelCard(
        madeFrom="Brains (A. Body, 2020; CC0), 20 cases",
        dice=0.7727,
        cases=8,
        limits=("It has seen adults only.",),
    ),
)


def said(last: LevelResult) -> str:
    return stopSentence(Results(None, "pons-mr", (LEVEL_1, last), 3, None, 0, 2))


def test_a_run_that_stopped_says_by_which_rule():
    assert "level 3 is expected to gain less than the threshold of 0.1 % in Dice" in said(LEVEL_2)
    changed = replace(LEVEL_2, stopUnit="jaccard", stopThreshold=0.01)
    assert "changed every structure by less than the threshold of 1 %" in said(changed)
    unknown = said(replace(LEVEL_2, stopUnit="", stopThreshold=None))
    assert "threshold" in unknown
    assert "Dice" not in unknown


def test_the_improvement_names_the_structure_that_changed_most():
    sentence = improvementSentence(LEVEL_2)
    assert "“Third ventricle”, 80.6 %" in sentence
    assert "does not say that the result got better" in sentence
    assert "no level before it" in improvementSentence(LEVEL_1)


def test_a_structures_cell_tells_its_own_change():
    assert "“Pons” changed by 12.0 % from level 1" in volumeTooltip(LEVEL_2, "Pons", {})
    assert "no level before it" in volumeTooltip(LEVEL_1, "Pons", {})


@pytest.mark.parametrize(
    ("millilitres", "text", "explained"),
    [
        (7.0, "7.00", None),
        (3.0, "3.00", None),
        (2.9, "↓ 2.90", "↓ Over a quarter less"),
        (12.6, "12.60", None),
        (12.7, "↑ 12.70", "↑ Over a quarter more"),
    ],
)
def test_a_volume_far_from_those_of_training_cases_is_marked(millilitres, text, explained):
    level = replace(LEVEL_2, millilitres={"Pons": millilitres})
    assert volumeText(level, "Pons", EXPECTED) == text
    tooltip = volumeTooltip(level, "Pons", EXPECTED)
    assert "Training cases: 6.8 ml (4.0 to 10.1)." in tooltip
    assert explained in tooltip if explained else "any training case" not in tooltip


def test_without_knowledge_of_training_cases_nothing_is_marked():
    assert volumeText(LEVEL_2, "Pons", {}) == "7.00"
    assert "Training" not in volumeTooltip(LEVEL_2, "Pons", {})


def test_a_models_tooltip_tells_its_data_figures_and_limits():
    tooltip = description(MODEL)
    for part in (
        "Brains (A. Body, 2020; CC0), 20 cases",
        "8 validation cases; mean Dice 0.77 at level 3",
        "It has seen adults only.",
        "less than 0.1 % Dice is expected",
    ):
        assert part in tooltip
    synthetic = description(replace(MODEL, card=replace(MODEL.card, isSynthetic=True)))
    assert "8 synthetic images" in synthetic
    assert "label maps" in synthetic


def test_a_models_tooltip_has_no_empty_lines():
    tooltip = description(replace(MODEL, card=ModelCard()))
    for title in ("Made from", "Checked on", "Limits"):
        assert title not in tooltip


def test_a_threshold_of_0_says_that_all_levels_are_computed(desktop):
    never = replace(MODEL, stop=StopInfo(0.0, "dice", ("jaccard", "dice")))
    assert "all are computed" in description(never)
    desktop.open()
    ui = slicer.util.getModuleWidget("CompactSeg").ui
    stop = StopControls(ui.unitComboBox, ui.thresholdSpinBox, ui.allLevelsCheckBox)
    ui.thresholdSpinBox.value = 0
    stop.explain(never.stop, running=False)
    stop.setUnits(("jaccard", "dice"), "dice")
    desktop.wait(0.1)
    assert ui.thresholdSpinBox.text == "never"
    assert ui.unitComboBox.width >= ui.unitComboBox.sizeHint.width(), "it takes the unit's room"
    assert "all levels are computed" in ui.thresholdSpinBox.toolTip
    ui.thresholdSpinBox.value = 0.1
    stop.explain(never.stop, running=False)
    assert ui.thresholdSpinBox.text == "0.10 %"
    assert "all levels are computed" not in ui.thresholdSpinBox.toolTip


def test_the_help_leads_to_the_projects_documents(desktop):
    desktop.open()
    build = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    homepage = re.search(r'EXTENSION_HOMEPAGE "(\S+)"', build).group(1)
    module = slicer.util.getModule("CompactSeg")
    assert f'href="{homepage}' in module.helpText
