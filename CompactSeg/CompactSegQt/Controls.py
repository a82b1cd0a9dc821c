"""All parts of the panel, brought to what the logic and the parameter node say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CompactSegQt.Advanced import Advanced
from CompactSegQt.CompareControls import CompareControls
from CompactSegQt.Explanations import (
    whyNoLevel,
    whyNoResult,
    whyNotComparable,
    whyNotSegmentable,
)
from CompactSegQt.LevelControls import LevelControls
from CompactSegQt.LogView import LogView
from CompactSegQt.ModelList import ModelList
from CompactSegQt.Notice import Notice
from CompactSegQt.ResultsTable import ResultsTable
from CompactSegQt.RunControls import RunControls
from CompactSegQt.StopControls import StopControls
from CompactSegQt.StructuresTable import StructuresTable

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import Comparison, ModelInfo, Results
    from CompactSegQt.ParameterNode import CompactSegParameterNode

__all__ = ["Controls"]


class Controls:
    """Each part shows one thing and decides nothing.

    Args:
        ui: The widgets of CompactSeg.ui.
        panel: The widget that holds them.
    """

    def __init__(self, ui: Any, panel: Any) -> None:
        self.ui = ui
        self.models = ModelList(ui.modelSearchBox, ui.modelTable)
        self.level = LevelControls(ui.levelSlider, ui.levelText, ui.overlayCheckBox)
        self.stop = StopControls(ui.unitComboBox, ui.thresholdSpinBox, ui.allLevelsCheckBox)
        self.run = RunControls(ui.segmentButton, ui.progressBar, ui.progressText, panel=panel)
        self.notice = Notice(ui.noticeFrame, ui.noticeIcon, ui.noticeText, ui.noticeButton)
        self.results = ResultsTable(ui.resultsTable, ui.stopText)
        self.structures = StructuresTable(ui.structuresTable)
        self.comparison = CompareControls(
            ui.compareButton, ui.leftComboBox, ui.rightComboBox, ui.compareText
        )
        self.advanced = Advanced(ui)
        self.log = LogView(ui.logView, ui.copyLogButton)

    def show(
        self,
        logic: CompactSegLogic,
        parameters: CompactSegParameterNode | None,
        volume: Any,
        *,
        wanted: int | None,
    ) -> None:
        """Bring all parts but the notice up to date.

        Args:
            logic: Asked for its state and for the results.
            parameters: The user's choices; None while the scene has none.
            volume: That is chosen.
            wanted: The level that was chosen although it is not there yet.
        """
        running = logic.state in ("running", "cancelling")
        self.models.setCurrent(parameters.model if parameters is not None else "")
        reason = _("Can be changed when the segmentation is finished or cancelled.")
        self.models.setEnabled(not running, reason if running else "")
        model = self.models.current
        self.run.setState(logic.state, reason=whyNotSegmentable(logic, volume, model=model))
        stop = model.stop if model is not None else None
        if parameters is not None:
            self.stop.setUnits(stop.units if stop else ("jaccard",), parameters.unit)
            self.advanced.setDevice(parameters.device)
        self.stop.explain(stop, running=running)
        self.advanced.setRunning(running)
        self._showResults(logic, volume, wanted=wanted, running=running)

    def _showResults(
        self, logic: CompactSegLogic, volume: Any, *, wanted: int | None, running: bool
    ) -> None:
        results = logic.results(volume) if volume is not None else None
        hasVolume = volume is not None
        computed = tuple(each.level for each in results.levels) if results else ()
        compared = logic.comparison
        if compared is not None and compared.volumeNode is not volume:
            compared = None
        model = self.models.current
        maker = _makerOf(logic, results)
        expected = maker.card.expected if maker is not None else {}
        self.results.setResults(
            results,
            isComplete=not running,
            expected=expected,
            otherModel=_otherModel(maker, results, model),
        )
        self.structures.setResults(results, expected=expected)
        available = model.levels if model is not None else 1
        shown = results.shownLevel if results is not None else None
        self.level.setLevels(
            results.availableLevels if results is not None else available,
            computed=frozenset(computed),
            level=wanted or shown,
            isVisible=shown is not None,
        )
        self.level.explain(_whileComparing(compared) or whyNoLevel(results, hasVolume=hasVolume))
        self.comparison.setLevels(computed)
        self.comparison.setComparing(
            compared, reason=whyNotComparable(results, hasVolume=hasVolume)
        )
        nothing = _whileComparing(compared) or whyNoResult(results, hasVolume=hasVolume)
        for button, tooltip in (
            (
                self.ui.editButton,
                _(
                    "Copy the shown level and open the copy in the Segment Editor. No later run changes it."
                ),
            ),
            (self.ui.statisticsButton, _("Open Segment Statistics on the shown level.")),
        ):
            button.enabled = nothing is None
            button.toolTip = nothing or tooltip


def _makerOf(logic: CompactSegLogic, results: Results | None) -> ModelInfo | None:
    """The model that made the results; None where the worker does not have it."""
    made = results.model if results is not None else ""
    return next((each for each in logic.models if made in (each.name, each.folder)), None)


def _otherModel(maker: ModelInfo | None, results: Results | None, model: ModelInfo | None) -> str:
    """Title of the model that made the results, where it is not the chosen one."""
    if results is None or model is None or results.model in (model.name, model.folder):
        return ""
    return maker.title if maker is not None else results.model


def _whileComparing(comparison: Comparison | None) -> str | None:
    return _("End the comparison first.") if comparison is not None else None
