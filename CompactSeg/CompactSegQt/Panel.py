"""The panel as a whole: hands what the user does to the logic, and shows what the logic has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk

from CompactSegMRML.SliceViews import showInViews, volumeOnView
from CompactSegMRML.VolumeInput import hideHandles, placeRegion
from CompactSegQt.Actions import Actions
from CompactSegQt.Advanced import Settings, workerSentence
from CompactSegQt.Controls import Controls
from CompactSegQt.Notices import Situation, showNotice
from CompactSegQt.Packages import Packages
from CompactSegQt.ParameterNode import thresholdInPercent
from CompactSegQt.Texts import plain

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.RunRequest import RunOutcome
    from CompactSegMRML.WorkerFace import ModelInfo
    from CompactSegQt.ParameterNode import CompactSegParameterNode

_BUSY_MS, _IDLE_MS = 30, 250
"""How often the logic is polled: while something is under way, and while the worker waits."""


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
        self._timer = qt.QTimer()
        self._timer.connect("timeout()", logic.poll)
        self._isTestingWorker = False
        self._guiConnection: int | None = None
        self._volume: Any = None
        self._outcome: RunOutcome | None = None
        self._isRefreshing = False
        self._isSeen = True
        self.controls.advanced.setCommand(logic.workerCommand)
        self._followLogic()
        self._followControls()
        self.refresh()

    def enter(self) -> None:
        """The panel is seen: have a worker warm before the first click, and the volume chosen that the views show."""
        self._isSeen = True
        self._followViews()
        self.refresh()
        isFree = not self.actions.packages.isInstalling
        if isFree and self.logic.state == "stopped" and self.logic.problem is None:
            self.logic.startWorker()

    def _followViews(self) -> None:
        """Choose what the slice views show, unless they show what is chosen."""
        volume = volumeOnView(slicer.mrmlScene, chosen=self._volume)
        isFree = self._isSeen and self.logic.run is None
        if isFree and self.parameters is not None and volume is not None:
            self.parameters.volume = volume

    def exit(self) -> None:
        """Another module is seen; it gets the layout as it was."""
        self._isSeen = False
        self.logic.endComparison()

    def close(self) -> None:
        """Let go of the scene, the worker and the parameter node."""
        self._timer.stop()
        self.setParameterNode(None)
        self.removeObservers()
        self.logic.close()

    def refresh(self, *_: Any) -> None:
        """Bring all that is seen up to date."""
        if self._isRefreshing or not self._isSeen:
            return
        self._isRefreshing = True
        try:
            parameters, logic, actions = self.parameters, self.logic, self.actions
            self.controls.show(logic, parameters, self._volume, actions)
            now = Situation(
                volumeNode=self._volume,
                model=self.controls.models.current,
                region=parameters.region if parameters is not None else None,
                outcome=self._outcome,
                actions=actions,
                addRegion=self._addRegion,
                useWholeImage=self._useWholeImage,
            )
            showNotice(self.controls.notice, logic, now)
            if self._isTestingWorker:
                self.controls.advanced.showWorker(workerSentence(logic))
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
        self.parameters = self.actions.parameters = parameters
        if parameters is not None:
            self._guiConnection = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersChanged)
            self.logic.setOutlineOnly(parameters.outlineOnly)
            self._onModels()
            self._onDevices()
        self._onParametersChanged()

    def _onParametersChanged(self, _caller: Any = None, _event: Any = None) -> None:
        volume = self.parameters.volume if self.parameters is not None else None
        if volume is not self._volume:
            self._watch(volume)
            self._outcome, self.actions.wanted = None, None
            self.logic.choose(volume)
            showInViews(volume)
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
                self.removeObserver(self._volume, event, self.refresh)
            if volume is not None:
                self.addObserver(volume, event, self.refresh)
        self._volume = self.actions.volume = volume

    # What the logic says

    def _followLogic(self) -> None:
        logic = self.logic
        logic.modelsChanged.connect(self._onModels)
        logic.devicesChanged.connect(self._onDevices)
        logic.stateChanged.connect(self._onState)
        logic.progressed.connect(self._onProgress)
        logic.levelReady.connect(self._onLevelReady)
        logic.resultsChanged.connect(self.refresh)
        logic.comparisonEnded.connect(self.refresh)
        logic.viewsChanged.connect(self._followViews)
        logic.finished.connect(self._onFinished)
        logic.logged.connect(self.controls.advanced.appendLog)

    def _onModels(self) -> None:
        self.controls.models.setModels(self.logic.models)
        if self.parameters is not None and not self.parameters.model and self.logic.models:
            self._choose(self.logic.models[0])
        self.refresh()

    def _onDevices(self) -> None:
        current = self.parameters.device if self.parameters is not None else "auto"
        self.controls.advanced.setDevices(self.logic.devices, current)
        self.refresh()

    def _onState(self, state: str) -> None:
        interval = _IDLE_MS if state == "ready" else _BUSY_MS
        if state == "stopped":
            self._timer.stop()
        elif not self._timer.active or self._timer.interval != interval:
            self._timer.start(interval)
        self.refresh()

    def _onProgress(self, level: int, levels: int, fraction: float, message: str) -> None:
        run = self.logic.run
        volume = run.volumeName if run is not None else ""
        number, total = self.logic.place
        if total > 1:
            volume = f"{volume} ({number}/{total})"
        self.controls.run.setProgress(level, levels, fraction, message, volume=volume)

    def _onLevelReady(self, volume: Any, _level: int) -> None:
        if volume is self._volume:
            self.actions.keepWanted()
            self.refresh()

    def _onFinished(self, outcome: RunOutcome) -> None:
        if outcome.volumeNode is not None and outcome.volumeNode is self._volume:
            self._outcome = outcome
            if self.parameters is not None and self.parameters.region is not None:
                hideHandles(self.parameters.region)
        self.refresh()
        # Later, since a window that waits for its button would hold up the logic.
        qt.QTimer.singleShot(0, lambda: self._afterRun(outcome))

    def _afterRun(self, outcome: RunOutcome) -> None:
        if outcome.volumeNode is not None and outcome.volumeNode is self._volume:
            self.actions.afterRun(isDone=outcome.kind == "done")
            self.refresh()
        if outcome.kind == "failed":
            slicer.util.errorDisplay(plain(outcome.sentence))

    # What the user does
    def _followControls(self) -> None:
        controls, actions = self.controls, self.actions
        actions.changed.connect(self.refresh)
        controls.models.chosen.connect(self._onModelChosen)
        controls.run.segmentRequested.connect(self._onSegment)
        controls.run.cancelRequested.connect(self.logic.cancel)
        controls.level.levelChosen.connect(actions.show)
        controls.levels.levelChosen.connect(actions.show)
        controls.level.overlayToggled.connect(self._onOverlay)
        controls.comparison.compareRequested.connect(actions.compare)
        controls.comparison.endRequested.connect(self.logic.endComparison)
        controls.advanced.deviceChosen.connect(self._onDeviceChosen)
        controls.advanced.commandChosen.connect(self._onCommandChosen)
        controls.advanced.testRequested.connect(self._onTestWorker)
        controls.advanced.regionCreated.connect(self._onRegionCreated)
        self.ui.outlineCheckBox.connect("clicked(bool)", self._onOutline)
        controls.comparison.differencesOnlyChosen.connect(actions.showDifferencesOnly)
        controls.several.segmentRequested.connect(self._onSegmentSeveral)
        structures = controls.structures
        structures.visibilityChosen.connect(actions.showStructures)
        structures.colorChosen.connect(actions.colorStructures)
        structures.opacityChosen.connect(actions.fadeStructures)
        structures.jumpRequested.connect(actions.goTo)
        for button, action in (
            (self.ui.editButton, actions.edit),
            (self.ui.statisticsButton, actions.measure),
            (self.ui.exportButton, actions.export),
            (self.ui.removeButton, actions.remove),
        ):
            button.connect("clicked(bool)", action)

    def _onSegment(self) -> None:
        self._outcome = None
        self.actions.segment()

    def _onSegmentSeveral(self, nodes: list[Any]) -> None:
        self._outcome = None
        self.actions.segmentAll(nodes)

    def _onOverlay(self, isVisible: bool) -> None:
        self.actions.toggleOverlay(isVisible, level=self.controls.level.level)

    def _onModelChosen(self, name: str) -> None:
        self._choose(next(each for each in self.logic.models if each.name == name))
        self._lookAtChosen()
        self.refresh()

    def _choose(self, model: ModelInfo) -> None:
        """Take a model, and with it the threshold by which it stops by itself."""
        parameters = self.parameters
        with slicer.util.NodeModify(parameters.parameterNode):
            parameters.model = model.name
            parameters.thresholdPercent = thresholdInPercent(model.stopThreshold)

    def _onDeviceChosen(self, name: str) -> None:
        self.parameters.device = name

    def _onCommandChosen(self, command: str) -> None:
        self._settings.workerCommand = command
        self.logic.restartWorker(command)

    def _onTestWorker(self) -> None:
        self._isTestingWorker = True
        self.logic.restartWorker()
        self.refresh()

    def _addRegion(self) -> None:
        self.controls.advanced.open()
        self.controls.advanced.newRegion()

    def _useWholeImage(self) -> None:
        self.parameters.region = None

    def _onRegionCreated(self, region: Any) -> None:
        model = self.controls.models.current
        placeRegion(region, self._volume, sizeMm=getattr(model, "fieldMm", None))
        self.parameters.region = region

    def _onOutline(self, outlineOnly: bool) -> None:
        self.logic.setOutlineOnly(outlineOnly, self._volume)
