"""One run at a time: the volume's way to the worker, and the worker's answers until the last."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from CompactSegLib.errors import CompactSegError
from CompactSegMRML.Labels import LabelPatch, VoxelBox
from CompactSegMRML.RunRequest import Current, Kept, Run, RunOptions, RunOutcome, VolumeCopy
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.VolumeInput import stampOf
from CompactSegMRML.WorkerClient import WorkerClient

_LOG = logging.getLogger("compactseg.scene")
_CANCEL_SECONDS = 5.0


class Running:
    """Carries runs out, and never blocks.

    Signals:
        changed(): a run began, is being cancelled, or ended.
        progressed(level, levels, fraction, message).
        finished(outcome).

    Attributes:
        lastOptions: Of the last volume that was sent.

    Args:
        client: Talks to the worker.
        place: Called with the run, a ``level`` event and its LabelPatch; what it raises fails the run.
    """

    def __init__(
        self,
        client: WorkerClient,
        *,
        place: Callable[[Current, Mapping[str, Any], LabelPatch], None],
    ) -> None:
        self.changed, self.progressed, self.finished = Signal(), Signal(), Signal()
        self._client, self._place = client, place
        self._current: Current | None = None
        self._kept: Kept | None = None
        self.lastOptions: RunOptions | None = None
        self._isLevelHandled = self._isBeginning = False
        self._lostAtOnce = ""
        client.heard.connect(self._hear)
        client.lost.connect(self._lose)

    @property
    def run(self) -> Run | None:
        return self._current.run if self._current else None

    @property
    def volumeNode(self) -> Any:
        return self._current.volumeNode if self._current else None

    @property
    def sent(self) -> Kept | None:
        """The volume that was sent last."""
        return self._kept

    @property
    def isCancelling(self) -> bool:
        return self._current is not None and self._current.cancelledAt is not None

    def keeps(self, volumeNode: Any) -> Kept | None:
        """What the worker keeps of a volume, where that is still what the volume is."""
        kept = self._kept
        isSame = kept is not None and kept.volumeID == volumeNode.GetID()
        return kept if isSame and kept.stamp == stampOf(volumeNode) else None

    def begin(
        self, volumeNode: Any, options: RunOptions, *, box: VoxelBox, level: int | None = None
    ) -> Run:
        """Start a run.

        Args:
            volumeNode: One that can be segmented.
            options: What is wanted.
            box: The voxels to be sent.
            level: One level of the volume that the worker keeps; None to send the volume.
        """
        assert self._current is None, "a run is under way"
        kept = self.keeps(volumeNode) if level is not None else None
        most = level or options.levels or self._client.levelsOf(options.model)
        name = volumeNode.GetName()
        run = Run(volumeNode.GetID(), name, options.model, most, level or 1)
        request, of = uuid.uuid4().hex[:12], kept and kept.request
        self._current = Current(run, volumeNode, options, box, request, of, time.monotonic())
        if kept is None:
            self._copyVolume()
        self._isBeginning, self._lostAtOnce = True, ""
        self._client.start()
        self._isBeginning = False
        self.changed()
        waits = (
            _("Preparing the volume") if self._client.state == "ready" else _("Starting the worker")
        )
        self.progressed(0, run.levels or 0, 0.0, waits)
        if not self._lostAtOnce:
            self.step()
        return run

    def step(self) -> None:
        """What is to be done between the worker's answers; takes milliseconds."""
        current = self._current
        if current is None:
            return
        if self._lostAtOnce:
            self._finish("failed", self._lostAtOnce)
            return
        try:
            current.copySome()
        except CompactSegError as error:
            self._finish("failed", str(error))
            return
        if current.sending is None and current.steps is None and self._client.state == "ready":
            self._send(current)
        late = (
            current.cancelledAt is not None
            and time.monotonic() - current.cancelledAt > _CANCEL_SECONDS
        )
        if late:
            self._finish("cancelled", _("Cancelled; the worker did not answer and was ended."))
            self._client.kill()

    def cancel(self) -> None:
        """End the run. It ends at once where the worker has not got all of it yet."""
        current = self._current
        if current is None or current.cancelledAt is not None:
            return
        if current.sending is not None:
            self._client.send({"request": "cancel", "id": current.request})
        if current.sending is None or not current.sending.is_set():
            self._finish("cancelled", _("Cancelled; finished levels stay."))
        else:
            current.cancelledAt = time.monotonic()
            self.changed()

    def abandon(self, sentence: str, *, isGone: bool = False) -> None:
        """End the run at once, as its volume (which then is gone) or its worker is being taken away."""
        current = self._current
        if current is not None:
            if current.sending is not None and self._client.state == "ready":
                self._client.send({"request": "cancel", "id": current.request})
            self._finish("cancelled", sentence, isGone=isGone)

    def forget(self, *, tell: bool = False) -> None:
        """Nothing that the worker keeps is of use any more; tell it, so that it gives the memory back."""
        self._kept = None
        if tell and self._client.state == "ready":
            self._client.send({"request": "forget", "id": uuid.uuid4().hex[:12]})

    def takeLevelHandled(self) -> bool:
        """Whether a level arrived since this was asked last: time to let the views be drawn."""
        isHandled, self._isLevelHandled = self._isLevelHandled, False
        return isHandled

    def _copyVolume(self) -> None:
        current = self._current
        current.of = None
        current.copy = VolumeCopy(current.volumeNode, current.box)
        current.steps = current.copy.steps()

    def _send(self, current: Current) -> None:
        try:  # a scene may name any folder
            self._client.modelNamed(current.options.model)
        except CompactSegError as error:
            self._finish("failed", str(error))
            return
        array = current.copy.array if current.copy is not None else None
        current.sending = self._client.send(current.message, array)
        if current.copy is None:
            return
        self.lastOptions = current.options
        run, copy = current.run, current.copy
        kept = (copy.stamp, current.options, current.box, copy.checksum)
        self._kept = Kept(current.request, run.volumeID, *kept)
        current.copy = None  # the copy lives until it is sent, and no longer
        self.progressed(0, current.run.levels or 0, 0.0, _("Sending the volume"))

    def _hear(self, event: Mapping[str, Any], array: np.ndarray | None) -> None:
        current = self._current
        if current is None or event["id"] != current.request:
            return
        try:
            self._handle(current, event, array)
        except Exception as error:  # noqa: BLE001 - a run must end whatever is wrong with an answer
            _LOG.exception("An answer of the worker could not be handled")
            if self._current is current:
                self._client.send({"request": "cancel", "id": current.request})
                self._finish(
                    "failed",
                    _("The result could not be shown ({kind}: {error}).").format(
                        kind=type(error).__name__, error=error
                    ),
                )

    def _handle(self, current: Current, event: Mapping[str, Any], array: np.ndarray | None) -> None:
        kind, isCancelled = event["event"], current.cancelledAt is not None
        if isCancelled and kind in ("progress", "level"):
            return  # what was under way when the user cancelled
        if kind == "progress":
            self.progressed(event["level"], event["levels"], event["fraction"], event["message"])
        elif kind == "level":
            self._takeLevel(current, event, array)
        elif kind == "cancelled" or (isCancelled and kind == "done"):
            self._finish("cancelled", _("Cancelled; finished levels stay."))
        elif kind == "done":
            reason = event.get("stop_reason")
            sentence = _("Done at level {level}").format(level=event.get("level"))
            sentence += f": {reason}." if reason else "."
            self._finish("done", sentence, event)
        elif kind == "error" and event.get("kind") == "volume-gone" and current.of is not None:
            self._sendAgain(current)
        elif kind in ("error", "broken"):
            self._finish("failed", event["sentence"])

    def _takeLevel(
        self, current: Current, event: Mapping[str, Any], array: np.ndarray | None
    ) -> None:
        shape = tuple(event.get("shape", ()))
        if array is None or shape != current.box.size[::-1]:
            self._finish(
                "failed",
                _(
                    "The worker sent labels of shape {shape} for a volume of shape {expected}; install the same "
                    "version of CompactSeg there."
                ).format(shape=shape, expected=current.box.size[::-1]),
            )
            return
        start = tuple(a + b for a, b in zip(current.box.start, event["start"], strict=True))
        patch = LabelPatch(array, VoxelBox(start, array.shape[::-1]), event["crc"])  # type: ignore[arg-type]
        self._isLevelHandled = True
        self._place(current, event, patch)

    def _sendAgain(self, current: Current) -> None:
        """The worker no longer has the volume, as another one was segmented through it since."""
        current.options = replace(
            current.options, levels=current.run.firstLevel, allLevels=True, threshold=None
        )
        current.request, current.sending = uuid.uuid4().hex[:12], None
        self._copyVolume()

    def _lose(self, sentence: str) -> None:
        self._kept = None
        if self._isBeginning:  # whoever began the run shall hear of its end afterwards
            self._lostAtOnce = sentence
        elif self._current is not None:
            wasCancelling = self._current.cancelledAt is not None
            self._finish(
                "cancelled" if wasCancelling else "failed", sentence or _("The worker ended.")
            )

    def _finish(
        self,
        kind: str,
        sentence: str,
        event: Mapping[str, Any] | None = None,
        *,
        isGone: bool = False,
    ) -> None:
        current, self._current, self._lostAtOnce = self._current, None, ""
        event = event or {}
        outcome = RunOutcome(
            volumeNode=None if isGone or not current.volumeNode.GetScene() else current.volumeNode,
            kind=kind,
            sentence=sentence,
            stop=event.get("stop") or "",
            stopReason=event.get("stop_reason") or "",
            blocksRun=event.get("blocks_run", 0),
            seconds=time.monotonic() - current.began,
        )
        self.finished(outcome)
        self.changed()
