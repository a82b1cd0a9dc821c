"""The worker as the logic sees it: not there, starting or ready, and what it offers; without threads of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

import CompactSegLib
from CompactSegLib.errors import CompactSegError, InputError
from CompactSegLib.json_data import build
from CompactSegLib.labels import Label
from CompactSegLib.serve.protocol import PROTOCOL, BadFrame, Frame
from CompactSegMRML import WorkerCommand
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.WorkerCommand import Launch, launchOf
from CompactSegMRML.WorkerFace import DeviceInfo, ModelInfo, Offer
from CompactSegMRML.WorkerProcess import Ended, WorkerProcess

_READY_SECONDS = 60.0
_T = TypeVar("_T")


class WorkerClient:
    """Starts the worker, ends it, and sorts what it says.

    Signals:
        changed(): `state`, `offer`, `devices` or `problem` is another.
        heard(message, array): an event of a request.
        lost(sentence): the worker is gone; nothing that was asked will be answered.
        logged(line): of its stderr.

    Attributes:
        state: ``stopped``, ``starting`` or ``ready``.
        command: As given; "" for the default.
        problem: A sentence, or None.
        problemKind: ``torch``, ``start``, ``ended`` or "".
        offer: Of the worker that answered last.
    """

    def __init__(self, command: str = "", *, readySeconds: float = _READY_SECONDS) -> None:
        self.changed, self.heard, self.lost, self.logged = Signal(), Signal(), Signal(), Signal()
        self.command = command
        self._readySeconds = readySeconds
        self.state = "stopped"
        self.offer = Offer("", ())
        self.devices: tuple[DeviceInfo, ...] = ()
        self.problem: str | None = None
        self.problemKind = ""
        self._process: WorkerProcess | None = None
        self._launch: Launch | None = None
        self._began = 0.0
        self._lastLines: deque[str] = deque(maxlen=10)

    @property
    def pid(self) -> int | None:
        """Of the process that was started; None where none runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the worker unless it runs."""
        if self._process is not None:
            return
        self._lastLines.clear()
        self.problem, self.problemKind = None, ""
        try:
            self._launch = launchOf(self.command)
            self._process = WorkerProcess(self._launch)
        except CompactSegError as error:
            self._fail("start", str(error))
            return
        except OSError as error:
            self._fail("start", WorkerCommand.didNotStart(self._launch, error))
            return
        self._began = time.monotonic()
        self.state = "starting"
        self.changed()

    def stop(self) -> None:
        """Let it end; does not wait."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()
            self.state = "stopped"
            self.changed()

    def kill(self, kind: str = "", sentence: str = "") -> None:
        """End it now; does not wait."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._fail(kind, sentence)

    def send(self, message: Mapping[str, Any], array: np.ndarray | None = None) -> threading.Event:
        """Send a request, the worker must be ready; the event says that all of it was handed over."""
        assert self._process is not None, "the worker is not there"
        return self._process.send(message, array)

    def levelsOf(self, model: str) -> int | None:
        """How many levels a model has; None where that is not known yet."""
        return next((each.levels for each in self.offer.models if each.isCalled(model)), None)

    def modelNamed(self, name: str) -> ModelInfo:
        """A model that the worker has, by its name or folder.

        Raises:
            InputError: It has none, or one that needs several images.
        """
        found = next((each for each in self.offer.models if each.isCalled(name)), None)
        if found is None:
            known = ", ".join(each.name for each in self.offer.models) or _("none is installed")
            raise InputError(
                _(
                    "{name}: expected a model that the worker has ({known}); choose one of them."
                ).format(name=name, known=known)
            )
        if found.whyNotUsable is not None:
            raise InputError(found.whyNotUsable)
        return found

    def letThreadsRun(self, mostSeconds: float) -> None:
        """See to it that what the worker said is read; takes a few milliseconds, or more where much is coming."""
        if self._process is not None:
            self._process.letThreadsRun(mostSeconds)

    def handleNext(self) -> bool:
        """Handle one thing that the worker said; False where there is none."""
        if self._process is None:
            return False
        try:
            received = self._process.received.get_nowait()
        except queue.Empty:
            self._checkTime()
            return False
        if isinstance(received, str):
            self._lastLines.append(received)
            self.logged(received)
        elif isinstance(received, Ended):
            self._process = None
            wasReady = self.state == "ready"
            say = WorkerCommand.endedLater if wasReady else WorkerCommand.endedBeforeReady
            self._fail(
                "ended" if wasReady else "start", say(self._launch, received, self._lastLines)
            )
        elif isinstance(received, BadFrame):
            # Before it is ready it may be a greeting of the host where it runs.
            self._lastLines.append(received.sentence)
            self.logged(received.sentence)
            if self.state == "ready":
                self.heard(
                    {"event": "broken", "id": received.id, "sentence": received.sentence}, None
                )
        else:
            self._take(received)
        return True

    def _take(self, frame: Frame) -> None:
        message = frame.message
        event, request = message.get("event"), message.get("id")
        if self.state == "starting" and event == "ready":
            self._begin(message)
            return
        if event == "devices":
            self.devices = tuple(_built(DeviceInfo, each) for each in message["devices"])
            self.changed()
        elif event == "error" and message.get("kind") == "torch":
            self.problem, self.problemKind = message["sentence"], "torch"
            self.changed()
        if request is not None:
            self.heard(message, frame.array)
        elif event == "error":
            self.logged(message["sentence"])

    def _begin(self, message: Mapping[str, Any]) -> None:
        """Take what a worker offers, or end one that this module does not understand."""
        version, theirs = CompactSegLib.__version__, message.get("protocol")
        try:
            if theirs == PROTOCOL:
                self.offer = _built(Offer, message)
                self.state = "ready"
                self.changed()
                return
            sentence = WorkerCommand.speaksAnother(
                self._launch, theirs, ours=PROTOCOL, version=version
            )
        except InputError as error:
            sentence = WorkerCommand.tellsOtherwise(self._launch, error, version=version)
        self.kill("start", sentence)

    def _checkTime(self) -> None:
        if self.state == "starting" and time.monotonic() - self._began > self._readySeconds:
            self.kill("start", WorkerCommand.isLate(self._launch, self._readySeconds))

    def _fail(self, kind: str, sentence: str) -> None:
        self.state, self.devices = "stopped", ()
        if sentence:
            self.problem, self.problemKind = sentence, kind
            self.logged(sentence)
        self.changed()
        self.lost(sentence)


def _built(cls: type[_T], told: object) -> _T:
    """Of what the worker told; what a newer one tells beyond it is left out.

    Raises:
        InputError: It is not as expected.
    """
    return build(cls, told, where="ready", error=InputError, others=True)


def labelsOf(event: Mapping[str, Any], model: ModelInfo) -> tuple[Label, ...]:
    """The labels of a ``level`` event: those of its run, which may tell sides apart that the model's do not."""
    stated = event.get("labels")
    return tuple(map(Label.from_dict, stated)) if stated is not None else model.labels
