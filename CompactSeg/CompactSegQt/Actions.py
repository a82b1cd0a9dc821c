"""What the user's clicks do: from choices to calls of the logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal
from CompactSegQt.Failures import errorsShown
from CompactSegQt.Handover import openSegmentEditor, openSegmentStatistics

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegQt.Packages import Packages
    from CompactSegQt.ParameterNode import CompactSegParameterNode

__all__ = ["Actions"]

_MEGABYTE = 2**20


class Actions:
    """Carries out what buttons and sliders ask for; failures are shown, not raised.

    Args:
        logic: Does it.
        packages: What the worker needs.

    Attributes:
        wanted: The level that the user chose although it is not there yet, or while a run shows others; None where
            the newest level is to be seen.
        declined: Whether the user said "not now" to installing what the worker needs.
        changed: Signal after `wanted` or `declined` changed.
    """

    def __init__(self, logic: CompactSegLogic, packages: Packages) -> None:
        self._logic, self._packages = logic, packages
        self.wanted: int | None = None
        self.declined = False
        self.changed = Signal()

    def segment(self, parameters: CompactSegParameterNode) -> None:
        """Begin a run on the chosen volume."""
        with errorsShown(_("The segmentation could not be started.")):
            if not self.ensurePackages():
                return
            self._want(None)
            self._logic.segment(
                parameters.volume,
                model=parameters.model,
                threshold=parameters.thresholdPercent / 100,
                unit=parameters.unit,
                allLevels=parameters.allLevels,
                device=parameters.device,
                region=parameters.region,
                keptBytes=parameters.keptMegabytes * _MEGABYTE or None,
            )

    def show(self, volumeNode: Any, level: int) -> None:
        """Show a level; compute it where it is not there."""
        logic = self._logic
        with errorsShown(_("The level could not be shown.")):
            results = logic.results(volumeNode)
            isThere = results is not None and results.level(level) is not None
            isRunning = logic.run is not None and logic.run.volumeID == volumeNode.GetID()
            if isThere:
                self._want(level if isRunning else None)
                logic.showLevel(volumeNode, level)
            elif isRunning:
                # It comes by itself, or is asked for when the run ends before it.
                self._want(level)
            elif self.ensurePackages():
                self._want(level)
                logic.showOrCompute(volumeNode, level)
        self.changed()

    def keepWanted(self, volumeNode: Any) -> None:
        """Show the wanted level again where a run has just shown a newer one."""
        results = self._logic.results(volumeNode)
        if self.wanted is None or results is None or results.level(self.wanted) is None:
            return
        if results.shownLevel != self.wanted:
            self._logic.showLevel(volumeNode, self.wanted)

    def afterRun(self, volumeNode: Any, *, isDone: bool) -> None:
        """Compute the wanted level where the run ended before it; forget it where the run failed."""
        wanted, results = self.wanted, self._logic.results(volumeNode)
        self._want(None)
        if isDone and wanted is not None and results is not None and results.level(wanted) is None:
            self.show(volumeNode, wanted)

    def toggleOverlay(self, volumeNode: Any, isVisible: bool, *, level: int) -> None:
        """Show or hide the segmentation."""
        with errorsShown(_("The segmentation could not be shown.")):
            if isVisible:
                self._logic.showLevel(volumeNode, level)
            else:
                self._logic.hideAll(volumeNode)
        self.changed()

    def compare(self, volumeNode: Any, levelA: int, levelB: int) -> None:
        """Show two levels side by side."""
        with errorsShown(_("The levels could not be compared.")):
            self._logic.compare(volumeNode, levelA, levelB)
        self.changed()

    def edit(self, volumeNode: Any) -> None:
        """Copy the shown level and open the Segment Editor on the copy."""
        with errorsShown(_("The copy could not be opened in the Segment Editor.")):
            level = self._logic.results(volumeNode).shownLevel
            openSegmentEditor(self._logic.editCopy(volumeNode, level), volumeNode)

    def measure(self, volumeNode: Any) -> None:
        """Open Segment Statistics on the shown level."""
        with errorsShown(_("Segment Statistics could not be opened.")):
            results = self._logic.results(volumeNode)
            openSegmentStatistics(results.level(results.shownLevel).segmentationNode, volumeNode)

    def install(self) -> None:
        """Install what the worker needs, asked for by itself."""
        with errorsShown(_("PyTorch could not be installed.")):
            self.ensurePackages()

    def ensurePackages(self) -> bool:
        """See to it that the worker can compute: ask for what is missing, and start it again where it failed.

        Returns:
            False when the user said not now.

        Raises:
            PackagesError: Something could not be installed.
        """
        logic = self._logic
        if logic.usesDefaultWorker and self._packages.missing():
            self.declined = not self._packages.offer()
            self.changed()
            if self.declined:
                return False
            logic.restartWorker()
        elif logic.problem is not None:
            logic.restartWorker()
        return True

    def _want(self, level: int | None) -> None:
        self.wanted = level
