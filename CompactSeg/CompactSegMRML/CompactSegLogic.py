"""What the panel and scripts talk to: volumes of a scene in, a segmentation node for each level out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from CompactSegLib.errors import Cancelled, CompactSegError, InputError
from CompactSegMRML.Labels import LabelPatch, VoxelBox
from CompactSegMRML.Results import LevelResult
from CompactSegMRML.Running import Running
from CompactSegMRML.RunRequest import Current, Run, RunOptions, RunOutcome
from CompactSegMRML.SceneFace import SceneFace, boxOfResults
from CompactSegMRML.SeveralRuns import SeveralRuns
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.VolumeInput import boxOf, whyNotSegmentable
from CompactSegMRML.WorkerClient import WorkerClient
from CompactSegMRML.WorkerFace import WorkerFace

_SCRIPT_SECONDS = 0.005
"""From poll to poll of a script that waits."""


class CompactSegLogic(WorkerFace, SceneFace):
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
        viewsChanged(): a slice view may show another volume.
        finished(outcome): a RunOutcome; said once for each run, whatever happens.
        logged(line): of the worker's log, without line break.

    Args:
        scene: vtkMRMLScene.
        workerCommand: What starts the worker, parsed as by a shell, such as ``ssh gpu-host compactseg worker``; ""
            for the default, Slicer's own Python with this CompactSeg.
    """

    def __init__(self, scene: Any, *, workerCommand: str = "") -> None:
        self._several = SeveralRuns(self)
        client = WorkerClient(workerCommand)
        WorkerFace.__init__(self, client, Running(client, place=self._place))
        SceneFace.__init__(self, scene)
        self.levelReady, self.finished = Signal(), Signal()
        self._running.finished.connect(self._finish)
        self._results.watch.nodeRemoved.connect(self._onRemoved)
        self._results.watch.closing.connect(self._onClosing)

    @property
    def run(self) -> Run | None:
        """The run that is under way."""
        return self._running.run

    def whyNotSegmentable(self, volumeNode: Any) -> str | None:
        """A sentence for the user where a node can not be segmented; None where it can."""
        return whyNotSegmentable(volumeNode)

    def segment(
        self,
        volumeNode: Any,
        *,
        model: str,
        levels: int | None = None,
        threshold: float | None = None,
        allLevels: bool = False,
        device: str = "auto",
        region: Any = None,
        keptBytes: int | None = None,
    ) -> Run:
        """Start a run; the worker is started if it is not there. Returns at once.

        Levels of an earlier run of this model on this volume stay until the new ones take their places, level by
        level; those deeper than the new run's last go when it is done. Other models' levels stay, hidden. A cancelled
        or failed run leaves finished levels.

        Args:
            volumeNode: vtkMRMLScalarVolumeNode with one component.
            model: Name of a model that the worker has, or the folder of one.
            levels: The most; None for all that the model has.
            threshold: Stop when a level changes less than this, 0 to 1; None for the model's own.
            allLevels: Do not stop at a threshold.
            device: ``auto`` or a name of `devices`.
            region: vtkMRMLMarkupsROINode; only the voxels in its bounds are segmented. The result has the whole
                volume's geometry all the same.
            keptBytes: Memory for feature maps that wait for deeper levels; None for a third of what is free.

        Raises:
            InputError: The node can not be segmented, the region does not meet it, or a run is under way.
        """
        self._checkReady(volumeNode)
        if self.models:
            self._client.modelNamed(model)
        box = boxOf(region, volumeNode)
        options = RunOptions(model, levels, threshold, allLevels, device, keptBytes)
        return self._begin(volumeNode, options, box=box)

    def segmentAll(self, nodes: Sequence[Any], **options: Any) -> None:
        """Segment several volumes one after the other; `finished` is said for each, and `cancel` ends them all.

        What was found goes into one table node. The results of a sequence's frames go into a sequence of their own,
        which its browser shows with the images.

        Args:
            nodes: Volumes, and vtkMRMLSequenceBrowserNodes whose volume is segmented at each frame.
            options: As of `segment`.

        Raises:
            InputError: There is nothing to be done, a browser has no volume, or a run is under way.
        """
        self._checkFree()
        self._several.begin(nodes, options)
        self._client.start()
        self._tellState()
        self._several.step()

    @property
    def place(self) -> tuple[int, int]:
        """Which of how many volumes is being segmented; (0, 0) where they are not several."""
        return self._several.place

    def poll(self) -> None:
        """Handle what came from the worker, at most some 50 ms at a time."""
        self._several.step()
        super().poll()

    def showOrCompute(self, volumeNode: Any, level: int) -> Run | None:
        """Show one level; where it is not in the scene, compute what is missing and show it then.

        The worker goes on from the feature maps it kept; where it no longer has them, the volume is sent again with
        the model and region of the last run, and all levels up to this one are computed anew.

        Returns:
            The run that was started; None where the level was there.

        Raises:
            InputError: The volume has no results, its model has no such level, or a run is under way.
        """
        results = self.results(volumeNode)
        if results is None:
            name = volumeNode.GetName() if volumeNode is not None else _("No volume")
            raise InputError(_("{name} has no levels yet; segment it first.").format(name=name))
        if results.level(level) is not None:
            self.showLevel(volumeNode, level)
            return None
        most = results.availableLevels
        if not 1 <= level <= most:
            text = _("level: expected 1 to {most}, the levels of {model}, got {level}.")
            raise InputError(text.format(most=most, model=results.model, level=level))
        self._checkReady(volumeNode)
        kept = self._running.keeps(volumeNode)
        if kept is not None and kept.options.model == results.model:
            return self._begin(volumeNode, kept.options, box=kept.box, level=level)
        options = replace(
            self._running.lastOptions or RunOptions(results.model),
            model=results.model,
            levels=level,
            allLevels=True,
            threshold=None,
        )
        return self._begin(volumeNode, options, box=boxOfResults(volumeNode))

    def cancel(self) -> None:
        """End the run that is under way, and those that wait; finished levels stay. Nothing where there is none."""
        self._several.stop()
        self._running.cancel()

    def close(self) -> None:
        """Stop the worker, end the comparison and forget the scene; nothing is called afterwards."""
        self._running.abandon(_("CompactSeg was closed."))
        self.endComparison()
        self._client.stop()
        self._results.watch.release()

    def _begin(
        self, volumeNode: Any, options: RunOptions, *, box: VoxelBox, level: int | None = None
    ) -> Run:
        self.endComparison()
        self._results.beginRun()
        return self._running.begin(volumeNode, options, box=box, level=level)

    def _place(self, current: Current, event: Mapping[str, Any], patch: LabelPatch) -> None:
        model = self._client.modelNamed(current.options.model)
        level = self._results.place(current, event, patch, model=model, sent=self._running.sent)
        self.levelReady(current.volumeNode, level)

    def _finish(self, outcome: RunOutcome) -> None:
        try:
            self._results.endRun(outcome.volumeNode)
        finally:
            self._several.finish(outcome)
            self._tellState()
            self.finished(outcome)

    def _checkReady(self, volumeNode: Any) -> None:
        self._checkFree()
        problem = whyNotSegmentable(volumeNode)
        if problem is not None:
            raise InputError(problem)

    def _checkFree(self) -> None:
        run = self._running.run
        if run is not None:
            text = _("{name} is being segmented; wait for its end, or cancel it.")
            raise InputError(text.format(name=run.volumeName))

    def _onRemoved(self, node: Any) -> None:
        if node is self._running.volumeNode:
            self._running.abandon(
                _("{name} was deleted; its run was cancelled.").format(name=node.GetName()),
                isGone=True,
            )
        if self._comparing.isOf(node):
            self.endComparison()

    def _onClosing(self) -> None:
        self._several.stop()
        self._running.abandon(_("The scene was closed; the run was cancelled."), isGone=True)
        self._running.forget(tell=True)
        self.endComparison()


def segment(
    volumeNode: Any,
    *,
    model: str,
    workerCommand: str = "",
    logic: CompactSegLogic | None = None,
    progress: Callable[[int, int, float, str], None] | None = None,
    **options: Any,
) -> list[LevelResult]:
    """Segment a volume node and wait; the result nodes are in its scene, the last level shown.

    Args:
        volumeNode: vtkMRMLScalarVolumeNode in a scene.
        model: Name of a model, or the folder of one.
        workerCommand: As of `CompactSegLogic`; used where no logic is given.
        logic: To be used, with its warm worker; None starts a worker and ends it.
        progress: Called as the signal ``progressed``.
        options: More of `CompactSegLogic.segment`: levels, threshold, allLevels, device, region, keptBytes.

    Returns:
        A LevelResult for each level of this run, in order.

    Raises:
        CompactSegError: With a sentence that says what to do.
    """
    if volumeNode is None or volumeNode.GetScene() is None:
        raise InputError(
            _("expected a volume node in a scene, got none; add the node to the scene first.")
        )
    used = logic or CompactSegLogic(volumeNode.GetScene(), workerCommand=workerCommand)
    outcomes: list[RunOutcome] = []
    used.finished.connect(outcomes.append)
    if progress is not None:
        used.progressed.connect(progress)
    try:
        used.segment(volumeNode, model=model, **options)
        while not outcomes:
            used.poll()
            time.sleep(_SCRIPT_SECONDS)
    except BaseException:
        used.cancel()
        raise
    finally:
        used.finished.disconnect(outcomes.append)
        used.progressed.disconnect(progress)
        if logic is None:
            used.close()
    if outcomes[0].kind == "cancelled":
        raise Cancelled(outcomes[0].sentence)
    if outcomes[0].kind != "done":
        raise CompactSegError(outcomes[0].sentence)
    results = used.results(volumeNode)
    return list(results.levels) if results is not None else []
