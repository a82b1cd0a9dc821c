"""The worker's part of the logic: its state, what it offers, and how it is started and ended."""

from __future__ import annotations

import time
from typing import Any

from CompactSegMRML.Results import DeviceInfo, ModelInfo
from CompactSegMRML.Running import Running
from CompactSegMRML.SeveralRuns import SeveralRuns
from CompactSegMRML.Signal import Signal
from CompactSegMRML.WorkerClient import WorkerClient

__all__ = ["WorkerFace"]

_POLL_SECONDS = 0.03


class WorkerFace:
    """What `CompactSegLogic` shows of the worker; the signals are described there."""

    _several: SeveralRuns

    def __init__(self, client: WorkerClient, running: Running) -> None:
        self.modelsChanged, self.devicesChanged = Signal(), Signal()
        self.stateChanged, self.progressed, self.logged = Signal(), Signal(), Signal()
        self._client, self._running = client, running
        self._told: tuple[Any, ...] = (self.state, self.problem, self.models, self.devices)
        client.logged.connect(self.logged)
        client.changed.connect(self._tellState)
        running.changed.connect(self._tellState)
        running.progressed.connect(self.progressed)

    @property
    def state(self) -> str:
        """``stopped``, ``starting``, ``ready``, ``running`` (from the call to `segment` on) or ``cancelling``."""
        if self._running.run is None:
            return "running" if self._several.isActive else self._client.state
        return "cancelling" if self._running.isCancelling else "running"

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """What the worker has; empty until it said so, and kept when it ends."""
        return self._client.models

    @property
    def damagedModels(self) -> tuple[str, ...]:
        """Sentences about model folders that could not be read."""
        return self._client.damaged

    @property
    def devices(self) -> tuple[DeviceInfo, ...]:
        """Where it can compute, the one that ``auto`` takes first; empty until torch is loaded."""
        return self._client.devices

    @property
    def problem(self) -> str | None:
        """Why nothing can run, as a sentence that says what to do; None where all is well."""
        return self._client.problem

    @property
    def problemKind(self) -> str:
        """``torch`` (PyTorch is missing there), ``start`` (no worker), ``ended`` (it ended by itself) or ""."""
        return self._client.problemKind

    @property
    def workerVersions(self) -> tuple[str, str]:
        """Of CompactSeg and PyTorch, where the worker runs; "" for what is not known or not there."""
        return self._client.version, self._client.torchVersion

    @property
    def workerCommand(self) -> str:
        """As given; "" for the default."""
        return self._client.command

    @property
    def usesDefaultWorker(self) -> bool:
        """Whether the worker runs in Slicer's own Python, so that packages can be installed for it."""
        return not self._client.command.strip()

    @property
    def workerProcessId(self) -> int | None:
        """Of the process that was started; None where none runs."""
        return self._client.pid

    def startWorker(self) -> None:
        """Start the worker unless it runs; returns at once. What fails is in `problem`."""
        self._client.start()

    def stopWorker(self) -> None:
        """End the worker; a run that is under way is cancelled. Does not wait for the process."""
        self._running.abandon("The worker was stopped.")
        self._running.forget()
        self._client.stop()

    def restartWorker(self, command: str | None = None) -> None:
        """End the worker and start it again, with another command where one is given; clears `problem`."""
        self.stopWorker()
        if command is not None:
            self._client.command = command
        self._client.start()

    def poll(self) -> None:
        """Handle what came from the worker, at most some 50 ms at a time."""
        end = time.monotonic() + _POLL_SECONDS
        self._running.step()
        self._client.letThreadsRun(_POLL_SECONDS)
        while self._client.handleNext():
            # A level has the views drawn anew, which takes its time after this call.
            if self._running.takeLevelHandled() or time.monotonic() > end:
                break

    def _tellState(self) -> None:
        before = self._told
        self._told = now = (self.state, self.problem, self.models, self.devices)
        if now[2] is not before[2]:
            self.modelsChanged()
        if now[3] is not before[3]:
            self.devicesChanged()
        if now[:2] != before[:2]:
            self.stateChanged(now[0])
