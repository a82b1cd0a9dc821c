"""What the user's clicks do: from choices to calls of the logic, and to Slicer's other modules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from CompactSegLib.errors import CompactSegError
from CompactSegMRML.LevelDisplay import (
    colorStructures,
    fadeStructures,
    jumpTo,
    showStructures,
)
from CompactSegMRML.Signal import Signal
from CompactSegQt.Packages import PackagesError
from CompactSegQt.Texts import plain

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegQt.Packages import Packages
    from CompactSegQt.ParameterNode import CompactSegParameterNode

_MEGABYTE = 2**20


@contextmanager
def errorsShown(message: str) -> Iterator[None]:
    """Show what the body raises: a sentence where it was foreseen, the details where it was not.

    Args:
        message: What did not work, said of errors that nobody foresaw; these are raised again.
    """
    with slicer.util.tryWithErrorDisplay(message):
        try:
            yield
        except (CompactSegError, PackagesError) as error:
            slicer.util.errorDisplay(plain(str(error)))


def openSampleData() -> None:
    """Open the module that downloads images to try things on."""
    slicer.util.selectModule("SampleData")


def restartSlicer() -> None:
    """Start the application again, if the user says so: it asks nothing about what was not saved."""
    if slicer.util.confirmOkCancelDisplay(
        _(
            "Slicer will be closed and started again. Save the scene first: what is not saved is lost."
        )
    ):
        slicer.util.restart()


class Actions:
    """Carries out what buttons and sliders ask for; failures are shown, not raised.

    Args:
        logic: Does it.
        packages: What the worker needs.

    Attributes:
        packages: These.
        volume: The chosen one, which clicks are about; None for none.
        parameters: The user's choices; None while the scene has none.
        wanted: The level that the user chose although it is not there yet, or while a run shows others; None where
            the newest level is to be seen.
        changed: Signal after `wanted` or what is installed changed.
    """

    def __init__(self, logic: CompactSegLogic, packages: Packages) -> None:
        self._logic, self.packages = logic, packages
        self._wasDeclined = False
        self.volume: Any = None
        self.parameters: CompactSegParameterNode | None = None
        self.wanted: int | None = None
        self.changed = Signal()
        packages.changed.connect(self._followPackages)

    @property
    def declined(self) -> bool:
        """Whether the user said "not now" to installing what the worker needs, and it is still not there."""
        if self._wasDeclined and not self.packages.missing():
            self._wasDeclined = False
        return self._wasDeclined

    def segment(self) -> None:
        """Begin a run on the chosen volume."""
        with errorsShown(_("The segmentation could not be started.")):
            if not self.ensurePackages():
                return
            self.wanted = None
            self._logic.segment(self.volume, **optionsOf(self.parameters))

    def segmentAll(self, nodes: list[Any]) -> None:
        """Begin runs on several volumes, or frames of sequences, one after the other."""
        with errorsShown(_("The segmentation could not be started.")):
            if self.ensurePackages():
                self.wanted = None
                self._logic.segmentAll(nodes, **optionsOf(self.parameters))

    def show(self, level: int) -> None:
        """Show a level; compute it where it is not there."""
        logic = self._logic
        with errorsShown(_("The level could not be shown.")):
            results = logic.results(self.volume)
            isThere = results is not None and results.level(level) is not None
            isRunning = logic.run is not None and logic.run.volumeID == self.volume.GetID()
            if isThere:
                self.wanted = level if isRunning else None
                logic.showLevel(self.volume, level)
            elif isRunning:
                # It comes by itself, or is asked for when the run ends before it.
                self.wanted = level
            elif self.ensurePackages():
                self.wanted = level
                logic.showOrCompute(self.volume, level)
        self.changed()

    def keepWanted(self) -> None:
        """Show the wanted level again where a run has just shown a newer one."""
        results = self._logic.results(self.volume)
        if self.wanted is None or results is None or results.level(self.wanted) is None:
            return
        if results.shownLevel != self.wanted:
            self._logic.showLevel(self.volume, self.wanted)

    def afterRun(self, *, isDone: bool) -> None:
        """Compute the wanted level where the run ended before it; forget it where the run failed."""
        wanted, results = self.wanted, self._logic.results(self.volume)
        self.wanted = None
        if isDone and wanted is not None and results is not None and results.level(wanted) is None:
            self.show(wanted)

    def toggleOverlay(self, isVisible: bool, *, level: int) -> None:
        """Show or hide the segmentation."""
        with errorsShown(_("The segmentation could not be shown.")):
            if isVisible:
                self._logic.showLevel(self.volume, level)
            else:
                self._logic.hideAll(self.volume)
        self.changed()

    def showCopy(self, copy: Any) -> None:
        """Show an edited copy in the place of the level that is seen."""
        with errorsShown(_("The copy could not be shown.")):
            self._logic.showCopy(self.volume, copy)
        self.changed()

    def compare(self, left: Any, right: Any) -> None:
        """Show two segmentations side by side: each the number of a level, or a node."""
        with errorsShown(_("They could not be compared.")):
            self._logic.compare(self.volume, left, right)
        self.changed()

    def edit(self, _checked: bool = False) -> None:
        """Copy the shown level and open the Segment Editor on the copy."""
        with errorsShown(_("The copy could not be opened in the Segment Editor.")):
            copy = self._logic.editCopy(self.volume, self._logic.results(self.volume).shownLevel)
            slicer.util.selectModule("SegmentEditor")
            parameters = slicer.util.getModuleWidget("SegmentEditor").parameterSetNode
            # What painting was limited to before is about other segments and another image: nothing could be painted.
            parameters.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
            parameters.SetSourceVolumeIntensityMask(False)
            parameters.SetSourceVolumeIntensityMaskRange(0, 0)  # until it is wanted again
            parameters.SetAndObserveSegmentationNode(copy)
            parameters.SetAndObserveSourceVolumeNode(self.volume)

    def measure(self, _checked: bool = False) -> None:
        """Open Segment Statistics on the shown level, with the volume's intensities."""
        with errorsShown(_("Segment Statistics could not be opened.")):
            node = self._shownNode()
            slicer.util.selectModule("SegmentStatistics")
            widget = slicer.util.getModuleWidget("SegmentStatistics")
            widget.segmentationSelector.setCurrentNode(node)
            widget.scalarSelector.setCurrentNode(self.volume)

    def export(self, _checked: bool = False) -> None:
        """Open Slicer's module for segmentations on the shown level, which writes files and label maps of it."""
        with errorsShown(_("The module Segmentations could not be opened.")):
            slicer.app.openNodeModule(self._shownNode())

    def showStructures(self, names: Any, isVisible: bool) -> None:
        """Show or hide structures, on all levels."""
        showStructures(self._drawn(), names, isVisible)
        self.changed()

    def _drawn(self) -> list[Any]:
        """What a click on a structure is about: the volume's levels, and what is compared."""
        return self._logic.drawnNodes(self.volume)

    def colorStructures(self, names: Any, color: tuple[int, int, int]) -> None:
        """Give structures another colour, on all levels."""
        colorStructures(self._drawn(), names, color)
        self.changed()

    def fadeStructures(self, names: Any, opacity: float) -> None:
        """Let structures cover more or less of the image, on all levels."""
        fadeStructures(self._drawn(), names, opacity)
        self.changed()

    def goTo(self, name: str) -> None:
        """Take the slice views to a structure of the level that is shown, or the last."""
        comparison, results = self._logic.comparison, self._logic.results(self.volume)
        if comparison is not None:
            nodes = [comparison.a.node, comparison.b.node]
        else:
            nodes = [
                (results.level(results.shownLevel or 0) or results.levels[-1]).segmentationNode
            ]
        any(jumpTo(node, name) for node in nodes)

    def showDifferencesOnly(self, wanted: bool) -> None:
        """Fill what differs in a comparison and hide the rest, or not."""
        self._logic.differencesOnly = wanted

    def remove(self, _checked: bool = False) -> None:
        """Take the volume's levels and tables away; what a user edited stays."""
        with errorsShown(_("The results could not be removed.")):
            self._logic.removeResults(self.volume)
        self.changed()

    def install(self) -> None:
        """Install what the worker needs, asked for by itself."""
        with errorsShown(_("PyTorch could not be installed.")):
            self.ensurePackages()

    def ensurePackages(self) -> bool:
        """See to it that the worker can compute: ask for what is missing, and start it again where it failed.

        Returns:
            False when the user said not now, or an installation is under way.

        Raises:
            PackagesError: Something could not be installed.
        """
        logic = self._logic
        if self.packages.isInstalling:
            return False
        if logic.usesDefaultWorker and self.packages.missing():
            self._wasDeclined = not self.packages.offer()
            self.changed()
            if self._wasDeclined:
                return False
        if logic.problem is not None:
            logic.restartWorker()
        return True

    def _followPackages(self) -> None:
        """No worker runs while something is installed: Windows replaces no file of what a process has loaded."""
        if self.packages.isInstalling:
            self._logic.stopWorker()
        else:
            self._logic.startWorker()
        self.changed()

    def _shownNode(self) -> Any:
        results = self._logic.results(self.volume)
        return results.level(results.shownLevel).segmentationNode


def optionsOf(parameters: CompactSegParameterNode) -> dict[str, Any]:
    """The user's choices as the logic takes them."""
    return {
        "model": parameters.model,
        "threshold": parameters.thresholdPercent / 100,
        "allLevels": not parameters.thresholdPercent,
        "device": parameters.device,
        "region": parameters.region,
        "keptBytes": parameters.keptMegabytes * _MEGABYTE or None,
    }
