"""The panel as a whole: hands what the user does to the logic, and shows what the logic has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk

from CompactSegMRML.Display import applyStyle, placeRegion
from CompactSegQt.Actions import Actions
from CompactSegQt.Controls import Controls
from CompactSegQt.NoticeRules import showNotice
from CompactSegQt.Packages import Packages
from CompactSegQt.ParameterNode import thresholdInPercent
from CompactSegQt.PollTimer import PollTimer
from CompactSegQt.Settings import Settings

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import ModelInfo, RunOutcome
    from CompactSegQt.ParameterNode import CompactSegParameterNode

__all__ = ["Panel"]


class Panel(slicer.util.VTKObservationMixin):
    """Joins the controls, the logic and the parameter node.

    Args:
        ui: The widgets of CompactSeg.ui.
        panel: The widget that holds them.
        logic: Does the work; the panel polls it, and closes it with itself.
    """

    def __init__(self, ui: Any, panel: Any, logic: CompactSegLogic) -> None:
        super().__init__()
        self.ui, self.logic = ui, logic
        self.parameters: CompactSegParameterNode | None = None
        self.controls = Controls(ui, panel)
        self.actions = Actions(logic, Packages())
        self._settings = Settings()
        self._timer = PollTimer(logic.poll)
        self._guiConnection: int | None = None
        self._volume: Any = None
        self._outcome: RunOutcome | None = None
        self._isRefreshing = False
        self.controls.advanced.setCommand(logic.workerCommand)
        self._followLogic()
        self._followControls()
        self.refresh()

    def enter(self) -> None:
        """The panel is seen: have a worker warm before the first click, and a volume chosen."""
        if self.parameters is not None and self.parameters.volume is None:
            self.parameters.volume = _volumeOnView()
        if self.logic.state == "stopped" and self.logic.problem is None:
            self.logic.startWorker()

    def close(self) -> None:
        """Let go of the scene, the worker and the parameter node."""
        self._timer.stop()
        self.setParameterNode(None)
        self.removeObservers()
        self.logic.close()

    def refresh(self) -> None:
        """Bring all that is seen up to date."""
        if self._isRefreshing:
            return
        self._isRefreshing = True
        try:
            parameters, logic = self.parameters, self.logic
            self.controls.show(logic, parameters, self._volume, wanted=self.actions.wanted)
            self._applyStyle()
            showNotice(
                self.controls.notice,
                logic,
                self._volume,
                model=self.controls.models.current,
                hasRegion=parameters is not None and parameters.region is not None,
                outcome=self._outcome,
                declined=self.actions.declined,
                install=self.actions.install,
                addRegion=self._addRegion,
                useWholeImage=self._useWholeImage,
            )
        finally:
            self._isRefreshing = False

    # The parameter node

    def setParameterNode(self, parameters: CompactSegParameterNode | None) -> None:
        """Show the user's choices of this node and keep new ones there; None while there is none."""
        if self.parameters is not None:
            self.parameters.disconnectGui(self._guiConnection)
            self.removeObserver(
                self.parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersChanged
            )
        self.parameters = parameters
        if parameters is not None:
            self._guiConnection = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersChanged)
            self._onModels()
            self._onDevices()
        self._onParametersChanged()

    def _onParametersChanged(self, _caller: Any = None, _event: Any = None) -> None:
        volume = self.parameters.volume if self.parameters is not None else None
        if volume is not self._volume:
            self._watch(volume)
            self._outcome, self.actions.wanted = None, None
            self._lookAtChosen()
        self.refresh()

    def _lookAtChosen(self) -> None:
        """Where several models segmented the volume, show what the chosen one found."""
        if self._volume is not None and self.parameters.model and self.logic.run is None:
            self.logic.lookAt(self._volume, self.parameters.model)

    def _watch(self, volume: Any) -> None:
        """Follow what makes a volume segmentable, or no longer."""
        for event in (
            slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
            slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
        ):
            if self._volume is not None:
                self.removeObserver(self._volume, event, self._onVolumeChanged)
            if volume is not None:
                self.addObserver(volume, event, self._onVolumeChanged)
        self._volume = volume

    def _onVolumeChanged(self, _caller: Any, _event: Any) -> None:
        self.refresh()

    # What the logic says

    def _followLogic(self) -> None:
        logic = self.logic
        logic.modelsChanged.connect(self._onModels)
        logic.devicesChanged.connect(self._onDevices)
        logic.stateChanged.connect(self._onState)
        logic.progressed.connect(self.controls.run.setProgress)
        logic.levelReady.connect(self._onLevelReady)
        logic.resultsChanged.connect(self.refresh)
        logic.comparisonEnded.connect(self.refresh)
        logic.finished.connect(self._onFinished)
        logic.logged.connect(self.controls.log.append)

    def _onModels(self) -> None:
        self.controls.models.setModels(self.logic.models)
        if self.parameters is not None and not self.parameters.model and self.logic.models:
            self._choose(self.logic.models[0])
        self.refresh()

    def _onDevices(self) -> None:
        current = self.parameters.device if self.parameters is not None else "auto"
        self.controls.advanced.setDevices(self.logic.devices, current)

    def _onState(self, state: str) -> None:
        self._timer.follow(state)
        self.refresh()

    def _onLevelReady(self, volume: Any, _level: int) -> None:
        if volume is self._volume:
            self.actions.keepWanted(volume)
            self.refresh()

    def _onFinished(self, outcome: RunOutcome) -> None:
        if outcome.volumeNode is not None and outcome.volumeNode is self._volume:
            self._outcome = outcome
        self.refresh()
        # Later, since a window that waits for its button would hold up the logic, which is in the middle of saying so.
        qt.QTimer.singleShot(0, lambda: self._afterRun(outcome))

    def _afterRun(self, outcome: RunOutcome) -> None:
        if outcome.volumeNode is not None and outcome.volumeNode is self._volume:
            self.actions.afterRun(self._volume, isDone=outcome.kind == "done")
            self.refresh()
        if outcome.kind == "failed":
            slicer.util.errorDisplay(outcome.sentence)

    # What the user does

    def _followControls(self) -> None:
        controls, actions = self.controls, self.actions
        actions.changed.connect(self.refresh)
        controls.models.chosen.connect(self._onModelChosen)
        controls.stop.unitChosen.connect(self._onUnitChosen)
        controls.run.segmentRequested.connect(self._onSegment)
        controls.run.cancelRequested.connect(self.logic.cancel)
        controls.level.levelChosen.connect(self._onLevelChosen)
        controls.results.levelChosen.connect(self._onLevelChosen)
        controls.level.overlayToggled.connect(self._onOverlay)
        controls.comparison.compareRequested.connect(self._onCompare)
        controls.comparison.endRequested.connect(self.logic.endComparison)
        controls.advanced.deviceChosen.connect(self._onDeviceChosen)
        controls.advanced.commandChosen.connect(self._onCommandChosen)
        controls.advanced.restartRequested.connect(self.logic.restartWorker)
        controls.advanced.regionCreated.connect(self._onRegionCreated)
        self.ui.editButton.connect("clicked(bool)", self._onEdit)
        self.ui.statisticsButton.connect("clicked(bool)", self._onStatistics)

    def _onSegment(self) -> None:
        self._outcome = None
        self.actions.segment(self.parameters)

    def _onLevelChosen(self, level: int) -> None:
        self.actions.show(self._volume, level)

    def _onOverlay(self, isVisible: bool) -> None:
        self.actions.toggleOverlay(self._volume, isVisible, level=self.controls.level.level)

    def _onCompare(self, left: int, right: int) -> None:
        self.actions.compare(self._volume, left, right)

    def _onEdit(self, _checked: bool = False) -> None:
        self.actions.edit(self._volume)

    def _onStatistics(self, _checked: bool = False) -> None:
        self.actions.measure(self._volume)

    def _onModelChosen(self, name: str) -> None:
        model = next(each for each in self.logic.models if each.name == name)
        self._choose(model)
        self._lookAtChosen()
        self.refresh()

    def _choose(self, model: ModelInfo) -> None:
        """Take a model, and with it the threshold by which it stops by itself."""
        parameters = self.parameters
        with slicer.util.NodeModify(parameters.parameterNode):
            parameters.model = model.name
            parameters.unit = model.stop.unit
            parameters.thresholdPercent = thresholdInPercent(model.stop.threshold)

    def _onUnitChosen(self, unit: str) -> None:
        self.parameters.unit = unit

    def _onDeviceChosen(self, name: str) -> None:
        self.parameters.device = name

    def _onCommandChosen(self, command: str) -> None:
        self._settings.workerCommand = command
        self.logic.restartWorker(command)

    def _addRegion(self) -> None:
        self.controls.advanced.open()
        self.controls.advanced.newRegion()

    def _useWholeImage(self) -> None:
        self.parameters.region = None

    def _onRegionCreated(self, region: Any) -> None:
        model = self.controls.models.current
        placeRegion(region, self._volume, sizeMm=getattr(model, "fieldMm", None))
        self.parameters.region = region

    def _applyStyle(self) -> None:
        results = self.logic.results(self._volume) if self._volume is not None else None
        if results is None or self.parameters is None:
            return
        for each in results.levels:
            applyStyle(
                each.segmentationNode,
                outlineOnly=self.parameters.outlineOnly,
                show3D=self.parameters.show3D,
            )


def _volumeOnView() -> Any:
    """The volume that the slice views show, or else the first there is; None without one."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    active = selection.GetActiveVolumeID() if selection is not None else None
    scene = slicer.mrmlScene
    return (scene.GetNodeByID(active) if active else None) or scene.GetFirstNodeByClass(
        "vtkMRMLScalarVolumeNode"
    )
