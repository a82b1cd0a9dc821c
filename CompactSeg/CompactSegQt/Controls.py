"""All parts of the panel, brought to what the logic and the parameter node say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CompactSegQt.Advanced import Advanced
from CompactSegQt.Levels import CompareControls, LevelSlider, LevelsTable
from CompactSegQt.ModelList import ModelList
from CompactSegQt.Notices import Notice
from CompactSegQt.RunControls import RunControls, SeveralVolumes
from CompactSegQt.Structures import StructuresTable
from CompactSegQt.Texts import plain, whyNoResult, whyNotComparable, whyNotSegmentable

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import Results
    from CompactSegMRML.WorkerFace import ModelInfo
    from CompactSegQt.Actions import Actions
    from CompactSegQt.ParameterNode import CompactSegParameterNode


class Controls:
    """Each part shows one thing and decides nothing.

    Args:
        ui: The widgets of CompactSeg.ui.
        panel: The widget that holds them.
    """

    def __init__(self, ui: Any, panel: Any) -> None:
        self.ui = ui
        self.models = ModelList(ui.modelSearchBox, ui.modelTable, ui.modelText)
        self.run = RunControls(
            ui.segmentButton, ui.progressBar, ui.progressText, ui.thresholdSpinBox, panel=panel
        )
        self.notice = Notice(ui.noticeFrame, ui.noticeIcon, ui.noticeText, ui.noticeButton)
        self.level = LevelSlider(ui.levelSlider, ui.levelText, ui.overlayCheckBox)
        self.levels = LevelsTable(ui.resultsTable, ui.stopText, ui.findingsText)
        self.structures = StructuresTable(ui.structuresTable, ui.opacitySlider, ui.opacityLabel)
        self.comparison = CompareControls(ui)
        self.several = SeveralVolumes(ui.severalButton, ui.severalList, ui.segmentSeveralButton)
        self.advanced = Advanced(ui)

    def show(
        self,
        logic: CompactSegLogic,
        parameters: CompactSegParameterNode | None,
        volume: Any,
        actions: Actions,
    ) -> None:
        """Bring all parts but the notice up to date.

        Args:
            logic: Asked for its state and for the results.
            parameters: The user's choices; None while the scene has none.
            volume: That is chosen.
            actions: Asked for the level that is wanted, and whether packages are being installed.
        """
        running = logic.state in ("running", "cancelling")
        self.models.setCurrent(parameters.model if parameters is not None else "")
        reason = _("Can be changed when the segmentation is finished or cancelled.")
        self.models.setEnabled(not running, reason if running else "")
        model = self.models.current
        why = whyNotSegmentable(logic, volume, model=model)
        if actions.packages.isInstalling:
            why = _("PyTorch is being installed.")
        own = model.stopThreshold if model is not None else None
        self.run.setState(logic.state, reason=why, ownThreshold=own)
        if parameters is not None:
            self.advanced.setDevice(parameters.device)
        self.advanced.setRunning(running)
        self.several.setRunning(running or actions.packages.isInstalling or model is None)
        self._showResults(logic, volume, wanted=actions.wanted, running=running)

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
        self.levels.setResults(
            results, isComplete=not running, otherModel=_otherModel(maker, results, model)
        )
        self.structures.setResults(
            results, expected=maker.card.expected if maker else {}, comparison=compared
        )
        available = model.levels if model is not None else 1
        shown = results.shownLevel if results is not None else None
        self.level.setLevels(
            results.availableLevels if results is not None else available,
            computed=frozenset(computed),
            level=wanted or shown,
            isVisible=shown is not None,
        )
        nothing = whyNoResult(results, hasVolume=hasVolume, comparison=compared)
        hasLevels = results is not None and compared is None
        self.level.explain(None if hasLevels else nothing)
        sides = logic.comparable(volume) if hasVolume else ()
        self.comparison.setSides(sides)
        reason = whyNotComparable(len(sides), results, hasVolume=hasVolume)
        self.comparison.setComparing(compared, reason=reason)
        self._explainButtons(nothing, hasLevels=bool(computed), running=running)
        node = results.level(shown).segmentationNode if shown is not None else None
        button = self.ui.show3DButton
        button.setSegmentationNode(node)
        button.enabled = node is not None
        if node is None:  # else it stays down, as it was for the last
            button.checked = False

    def _explainButtons(self, nothing: str | None, *, hasLevels: bool, running: bool) -> None:
        tooltips = (
            (
                self.ui.editButton,
                _(
                    "Copy the shown level and open the copy in the Segment Editor. No later run changes it."
                ),
            ),
            (self.ui.statisticsButton, _("Open Segment Statistics on the shown level.")),
            (
                self.ui.exportButton,
                _("Open the module that writes files and label maps of the shown level."),
            ),
        )
        for button, tooltip in tooltips:
            button.enabled = nothing is None
            button.toolTip = plain(nothing or tooltip)
        remove = self.ui.removeButton
        remove.enabled = hasLevels and not running
        remove.toolTip = (
            _("Take the levels and tables of this volume out of the scene. What you edited stays.")
            if remove.enabled
            else _("Can be done when the segmentation is finished or cancelled.")
            if running
            else plain(nothing or "")
        )


def _makerOf(logic: CompactSegLogic, results: Results | None) -> ModelInfo | None:
    """The model that made the results; None where the worker does not have it."""
    made = results.model if results is not None else ""
    return next((each for each in logic.models if each.isCalled(made)), None)


def _otherModel(maker: ModelInfo | None, results: Results | None, model: ModelInfo | None) -> str:
    """Title of the model that made the results, where it is not the chosen one."""
    if results is None or model is None or model.isCalled(results.model):
        return ""
    return maker.title if maker is not None else results.model
