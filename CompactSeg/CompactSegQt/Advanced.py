"""What is rarely needed: where to compute, which part of the image, how much memory, which worker, and its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal
from CompactSegMRML.WorkerFace import DeviceInfo
from CompactSegQt.Texts import plain

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic


_WORKER_COMMAND = "CompactSeg/WorkerCommand"


class Settings:
    """What is kept from one start of the application to the next."""

    @property
    def workerCommand(self) -> str:
        """What starts the worker; "" for Slicer's own Python."""
        return str(qt.QSettings().value(_WORKER_COMMAND) or "")

    @workerCommand.setter
    def workerCommand(self, command: str) -> None:
        if command.strip():
            qt.QSettings().setValue(_WORKER_COMMAND, command.strip())
        else:
            qt.QSettings().remove(_WORKER_COMMAND)


_MOST_LOG_LINES, _LEAST_LOG_LINES = 2000, 8


class Advanced:
    """The fields of the section that is folded at first; those not named here belong to the parameter node alone.

    Args:
        ui: The panel's widgets.

    Attributes:
        deviceChosen: Signal with the name of a device.
        commandChosen: Signal with the worker command; "" for Slicer's own Python.
        testRequested: Signal.
        regionCreated: Signal with a vtkMRMLMarkupsROINode that the user just made.
    """

    def __init__(self, ui) -> None:
        self.deviceChosen, self.commandChosen = Signal(), Signal()
        self.testRequested, self.regionCreated = Signal(), Signal()
        self._ui = ui
        self._command = ""
        self._deviceTip = ui.deviceComboBox.toolTip
        ui.deviceComboBox.addItem(_("Automatic"), "auto")
        ui.deviceComboBox.connect("activated(int)", self._onDevice)
        ui.regionSelector.connect("nodeAddedByUser(vtkMRMLNode*)", self.regionCreated.emit)
        ui.newRegionButton.connect("clicked(bool)", lambda _: self.newRegion())
        ui.workerCommandEdit.connect("editingFinished()", self._onCommand)
        ui.testWorkerButton.connect("clicked(bool)", lambda _: self.testRequested())
        ui.workerText.textFormat = qt.Qt.PlainText
        ui.workerText.hide()
        ui.logView.maximumBlockCount = _MOST_LOG_LINES
        ui.logView.minimumHeight = _LEAST_LOG_LINES * ui.logView.fontMetrics().lineSpacing()
        ui.copyLogButton.connect("clicked(bool)", self._onCopyLog)

    def open(self) -> None:
        self._ui.advancedButton.collapsed = False

    def setDevices(self, devices: tuple[DeviceInfo, ...], current: str) -> None:
        """Offer these; what was chosen stays, also while it is not known yet."""
        box = self._ui.deviceComboBox
        box.clear()
        best = f" ({titleOf(devices[0])})" if devices else ""
        box.addItem(_("Automatic") + best, "auto")
        for device in devices:
            box.addItem(titleOf(device), device.name)
        if box.findData(current) < 0:
            box.addItem(_("{device} (not there)").format(device=current), current)
        self.setDevice(current)

    def setDevice(self, current: str) -> None:
        box = self._ui.deviceComboBox
        index = box.findData(current)
        if index >= 0:
            box.currentIndex = index
        # A narrow panel cuts the name.
        box.toolTip = plain(f"{box.currentText}\n{self._deviceTip}")

    def setCommand(self, command: str) -> None:
        self._command = command
        self._ui.workerCommandEdit.text = command

    def setRunning(self, running: bool) -> None:
        """Take no input that a run under way would not follow."""
        ui = self._ui
        for widget in (
            ui.deviceComboBox,
            ui.regionSelector,
            ui.newRegionButton,
            ui.keptMemorySpinBox,
            ui.workerCommandEdit,
            ui.testWorkerButton,
        ):
            widget.enabled = not running

    def appendLog(self, line: str) -> None:
        """A line that the worker wrote down, for whoever helps."""
        self._ui.logView.appendPlainText(line)

    def showWorker(self, sentence: str) -> None:
        """What a test of the worker came to."""
        self._ui.workerText.text = sentence
        self._ui.workerText.visible = bool(sentence)

    def newRegion(self) -> None:
        """Make a region and choose it, as the selector's own menu does."""
        self._ui.regionSelector.addNode()

    def _onCopyLog(self, _checked: bool = False) -> None:
        qt.QApplication.clipboard().setText(self._ui.logView.plainText)

    def _onDevice(self, index: int) -> None:
        self.deviceChosen(self._ui.deviceComboBox.itemData(index))

    def _onCommand(self) -> None:
        command = self._ui.workerCommandEdit.text.strip()
        if command != self._command:
            self._command = command
            self.commandChosen(command)


def workerSentence(logic: CompactSegLogic) -> str:
    """What answered when the worker was tested, or why nothing did; "" while that is not known."""
    if logic.problem is not None:
        return logic.problem
    version, torch = logic.workerVersions
    if logic.state == "starting" or not logic.devices:
        return _("The worker is being started.")
    return _(
        "CompactSeg {version} answers, with PyTorch {torch}, on {device}. Models: {models}."
    ).format(
        version=version,
        torch=torch,
        device=", ".join(titleOf(device) for device in logic.devices),
        models=", ".join(model.name for model in logic.models) or _("none"),
    )


def titleOf(device: DeviceInfo) -> str:
    """What a device is called; processors name themselves in ways that help nobody."""
    return _("processor") if device.name == "cpu" else device.title
