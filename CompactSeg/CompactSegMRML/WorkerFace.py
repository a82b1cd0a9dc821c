"""The worker's part of the logic: its state, what it offers, and how it is started and ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from CompactSegLib.labels import Label
from CompactSegLib.model.model import ExpectedVolume, Region, Stop
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Signal import tr as _

if TYPE_CHECKING:
    from CompactSegMRML.Running import Running
    from CompactSegMRML.SeveralRuns import SeveralRuns
    from CompactSegMRML.WorkerClient import WorkerClient

_POLL_SECONDS = 0.03


@dataclass(frozen=True, eq=False)
class ModelCard:
    """Where a model comes from and what it is known to reach; what is not stated is empty.

    Attributes:
        madeFrom: The data, with source, licence and number of cases.
        dice: Of its last level, mean over structures and validation cases.
        cases: Number of these cases.
        isSynthetic: Whether it was trained on and judged by images made of label maps.
        limits: Sentences.
        expected: By label name, the millilitres that training cases have.
    """

    madeFrom: str = field(default="", metadata={"name": "made_from"})
    dice: float | None = None
    cases: int | None = None
    isSynthetic: bool = field(default=False, metadata={"name": "is_synthetic"})
    limits: tuple[str, ...] = ()
    expected: Mapping[str, ExpectedVolume] = field(
        default_factory=dict, metadata={"name": "expected_millilitres"}
    )


@dataclass(frozen=True)
class ModelInfo:
    """A model that the worker has.

    Attributes:
        name: By which `CompactSegLogic.segment` takes it; unique.
        title: For people.
        description: One or two sentences.
        levels: How many it has.
        labels: What it segments: ``value``, ``name``, ``color`` (0 to 255), ``terminology``. Of a whole that has
            a left and a right of it, a run may bring both.
        channels: Images that it takes; the module can use those with one.
        modality: Such as ``MR T1``.
        licence: Of the weights.
        sizeBytes: Of its folder.
        folder: Where it is, on the worker's machine.
        stop: When it stops by itself.
        fieldMm: What it is meant to see, right-left, front-back and up-down; None where it is not told.
        region: By which it looks for such a part itself in a larger image, with the help of another model; None where
            it does not.
        card: Empty where the worker is of a version that does not tell.
    """

    name: str
    title: str
    description: str
    levels: int
    labels: tuple[Label, ...]
    channels: int
    modality: str
    licence: str
    sizeBytes: int = field(metadata={"name": "size_bytes"})
    folder: str
    stop: Stop
    fieldMm: tuple[float, float, float] | None = field(default=None, metadata={"name": "field_mm"})
    region: Region | None = None
    card: ModelCard = field(default_factory=ModelCard, compare=False)

    @property
    def stopThreshold(self) -> float:
        """It stops by itself when a level changes less than this, 0 to 1; 0 for never."""
        return self.stop.threshold

    @property
    def whyNotUsable(self) -> str | None:
        """A sentence for the user where this module can not give it what it needs; None where it can."""
        if self.channels == 1:
            return None
        return _(
            "{title} needs {channels} images at once, and here is one; choose another model."
        ).format(title=self.title, channels=self.channels)

    def isCalled(self, name: str) -> bool:
        """Whether this is its name, or its folder."""
        return name in (self.name, self.folder)


@dataclass(frozen=True)
class DeviceInfo:
    """A device that the worker can compute on.

    Attributes:
        name: ``cpu``, ``cuda:0``, ``mps``.
        title: For people.
        precision: In which it computes by default.
    """

    name: str
    title: str
    precision: str


@dataclass(frozen=True)
class Offer:
    """What a worker says of itself when it is ready.

    Attributes:
        compactseg: Its version; "" before one answered.
        models: That it has.
        torch: Version of its PyTorch; None where it has none.
        damaged: Sentences about model folders that could not be read.
    """

    compactseg: str
    models: tuple[ModelInfo, ...]
    torch: str | None = None
    damaged: tuple[str, ...] = ()


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
        return self._client.offer.models

    @property
    def damagedModels(self) -> tuple[str, ...]:
        """Sentences about model folders that could not be read."""
        return self._client.offer.damaged

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
        return self._client.offer.compactseg, self._client.offer.torch or ""

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
        self._running.abandon(_("The worker was stopped."))
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
