"""What the panel and scripts talk to: volumes of a scene in, a segmentation node for each level out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from CompactSegMRML.Results import Comparison, DeviceInfo, ModelInfo, Results, Run
from CompactSegMRML.Signal import Signal

__all__ = ["CompactSegLogic"]


class CompactSegLogic:
    """Segments volumes of a scene through the worker, and never blocks.

    Whoever has it calls `poll` every 30 ms or so on the main thread (the panel with a timer); all signals come from
    there, from the methods below, or from what happens in the scene: always on the main thread.

    Signals:
        modelsChanged(): `models` is another.
        devicesChanged(): `devices` is another.
        stateChanged(state): `state` or `problem` is another.
        progressed(level, levels, fraction, message): of the level being computed, fraction from 0 to 1. Level 0
            while the worker starts or the volume is on its way.
        levelReady(volumeNode, level): its node is in the scene and, if it was computed by a click, shown.
        resultsChanged(): what `results` returns may be another for any volume: nodes were deleted, shown or hidden
            by someone else, renamed, or the scene was closed or opened. Not said for what `levelReady` says.
        comparisonEnded(): by `endComparison`, or since a node of it or its layout is gone.
        finished(outcome): a RunOutcome; said once for each run, whatever happens.
        logged(line): of the worker's log, without line break.

    Args:
        scene: vtkMRMLScene.
        workerCommand: What starts the worker, parsed as by a shell, such as ``ssh gpu-host compactseg worker``; ""
            for the default, Slicer's own Python with this CompactSeg.
        environment: Variables added to the worker's environment.
    """

    def __init__(
        self,
        scene: Any,
        *,
        workerCommand: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._scene = scene
        self._workerCommand = workerCommand
        self._environment = dict(environment or {})
        self.modelsChanged = Signal()
        self.devicesChanged = Signal()
        self.stateChanged = Signal()
        self.progressed = Signal()
        self.levelReady = Signal()
        self.resultsChanged = Signal()
        self.comparisonEnded = Signal()
        self.finished = Signal()
        self.logged = Signal()

    # The worker

    @property
    def state(self) -> str:
        """``stopped``, ``starting``, ``ready``, ``running`` (from the call to `segment` on) or ``cancelling``."""
        return "stopped"

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """What the worker has; empty until it said so, and kept when it ends."""
        return ()

    @property
    def damagedModels(self) -> tuple[str, ...]:
        """Sentences about model folders that could not be read."""
        return ()

    @property
    def devices(self) -> tuple[DeviceInfo, ...]:
        """Where it can compute, the one that ``auto`` takes first; empty until torch is loaded."""
        return ()

    @property
    def problem(self) -> str | None:
        """Why nothing can run, as a sentence that says what to do; None where all is well."""
        return None

    @property
    def problemKind(self) -> str:
        """``torch`` (PyTorch is missing there), ``start`` (no worker), ``ended`` (it ended by itself) or ""."""
        return ""

    @property
    def workerCommand(self) -> str:
        """As given; "" for the default."""
        return self._workerCommand

    @property
    def usesDefaultWorker(self) -> bool:
        """Whether the worker runs in Slicer's own Python, so that packages can be installed for it."""
        return not self._workerCommand.strip()

    def startWorker(self) -> None:
        """Start the worker unless it runs; returns at once. What fails is in `problem`."""
        raise NotImplementedError

    def stopWorker(self) -> None:
        """End the worker; a run that is under way is cancelled. Does not wait for the process."""
        raise NotImplementedError

    def restartWorker(self, command: str | None = None) -> None:
        """End the worker and start it again, with another command where one is given; clears `problem`."""
        raise NotImplementedError

    def poll(self) -> None:
        """Handle what came from the worker, at most some 50 ms at a time."""
        raise NotImplementedError

    # Runs

    @property
    def run(self) -> Run | None:
        """The run that is under way."""
        return None

    def whyNotSegmentable(self, volumeNode: Any) -> str | None:
        """A sentence for the user where a node can not be segmented; None where it can."""
        raise NotImplementedError

    def segment(
        self,
        volumeNode: Any,
        *,
        model: str,
        levels: int | None = None,
        threshold: float | None = None,
        unit: str | None = None,
        allLevels: bool = False,
        device: str = "auto",
        region: Any = None,
        keptBytes: int | None = None,
    ) -> Run:
        """Start a run; the worker is started if it is not there. Returns at once.

        Levels of an earlier run on this volume stay until the new ones take their places, level by level; those
        deeper than the new run's last go when it is done. A cancelled or failed run leaves finished levels.

        Args:
            volumeNode: vtkMRMLScalarVolumeNode with one component.
            model: Name of a model or a folder on the worker's machine.
            levels: The most; None for all that the model has.
            threshold: Stop when the improvement, or what is still expected to be gained, is below it; None for the
                model's own.
            unit: Of the threshold: ``jaccard`` (None) or ``dice``.
            allLevels: Do not stop at a threshold.
            device: ``auto`` or a name of `devices`.
            region: vtkMRMLMarkupsROINode; only the voxels in its bounds are segmented. The result has the whole
                volume's geometry all the same.
            keptBytes: Memory for feature maps that wait for deeper levels; None for a third of what is free.

        Raises:
            InputError: The node can not be segmented, the region does not meet it, or a run is under way.
        """
        raise NotImplementedError

    def showOrCompute(self, volumeNode: Any, level: int) -> Run | None:
        """Show one level; where it is not in the scene, compute what is missing and show it then.

        The worker goes on from the feature maps it kept; where it no longer has them, the volume is sent again with
        the model and region of the last run, and all levels up to this one are computed anew.

        Returns:
            The run that was started; None where the level was there.

        Raises:
            InputError: The volume has no results, its model has no such level, or a run is under way.
        """
        raise NotImplementedError

    def cancel(self) -> None:
        """End the run that is under way; finished levels stay. Nothing happens where there is none."""
        raise NotImplementedError

    # What is in the scene

    def results(self, volumeNode: Any) -> Results | None:
        """What the scene holds of a volume, also of runs before it was saved and opened again; None for nothing."""
        raise NotImplementedError

    def volumeOf(self, node: Any) -> Any:
        """The volume to which a level's segmentation node (or results table) belongs; None for other nodes."""
        raise NotImplementedError

    def showLevel(self, volumeNode: Any, level: int) -> None:
        """Show exactly this level of the volume.

        Raises:
            InputError: It is not there.
        """
        raise NotImplementedError

    def hideAll(self, volumeNode: Any) -> None:
        """Show no level of the volume."""
        raise NotImplementedError

    def removeResults(self, volumeNode: Any) -> None:
        """Take the volume's levels, table and folder from the scene; edited copies stay."""
        raise NotImplementedError

    @property
    def comparison(self) -> Comparison | None:
        """The one that is on the screen."""
        return None

    def compare(self, volumeNode: Any, levelA: int, levelB: int) -> Comparison:
        """Show two levels side by side, A left and B right, slices linked, with outlines of where they differ.

        Called again it shows the other levels in the same layout.

        Raises:
            InputError: A level is not there, or both are the same.
        """
        raise NotImplementedError

    def endComparison(self) -> None:
        """Bring back the layout and what was shown before; nothing happens where nothing is compared."""
        raise NotImplementedError

    def editCopy(self, volumeNode: Any, level: int) -> Any:
        """Copy a level into a vtkMRMLSegmentationNode that no later run touches, and show that instead of levels.

        It is called ``<volume> level 2 (edited)``, with a number where that is taken.

        Raises:
            InputError: The level is not there.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Stop the worker, end the comparison and forget the scene; nothing is called afterwards."""
        raise NotImplementedError
