"""Workers that one test leaves to the next: each start would load PyTorch anew, which takes seconds."""

from __future__ import annotations

import uuid
from typing import Any

from CompactSegLib.serve.protocol import Frame
from CompactSegMRML.WorkerProcess import Ended, WorkerProcess

LONGEST_SECONDS = 60


class WarmWorkers:
    """Stands for the class WorkerProcess; a default worker that was stopped is given to whoever starts one next."""

    def __init__(self) -> None:
        self._idle: list[tuple[Any, _Kept]] = []

    def __call__(self, launch: Any, *, prepare: Any) -> WorkerProcess:
        if not launch.isDefault:
            return WorkerProcess(launch, prepare=prepare)
        key = (launch.arguments, tuple(sorted(launch.environment.items())))
        for entry in [each for each in self._idle if each[0] == key]:
            self._idle.remove(entry)
            if entry[1].greet():
                return entry[1]
        process = _Kept(launch, prepare=prepare)
        process.given_back = lambda: self._idle.append((key, process))
        return process

    def close(self) -> None:
        for _, process in self._idle:
            WorkerProcess.stop(process)


class _Kept(WorkerProcess):
    given_back: Any = None

    def stop(self) -> None:
        self.given_back()

    def greet(self) -> bool:
        """Let it say again what it says at its start, and nothing of what the last test asked; False if it is gone."""
        greeting = uuid.uuid4().hex
        self.send({"request": "forget", "id": f"forget {greeting}"})
        self.send({"request": "hello", "id": greeting})
        while True:
            received = self.received.get(timeout=LONGEST_SECONDS)
            if isinstance(received, Ended):
                return False
            if isinstance(received, Frame) and received.message.get("id") == greeting:
                self.received.put(received)
                self.send({"request": "devices", "id": f"devices {greeting}"})
                return True
