"""Workers that one test leaves to the next: each start would load PyTorch anew, which takes seconds."""

from __future__ import annotations

import uuid
from typing import Any

from CompactSegLib.serve.protocol import Frame
from CompactSegMRML.WorkerProcess import Ended, WorkerProcess
from Testing.waiting import LONGEST_SECONDS

MOST_IDLE = 2  # each takes some 340 MB
# Another one in each test, and nothing to a worker.
OF_PYTEST = "PYTEST_CURRENT_TEST"


class WarmWorkers:
    """Stands for the class WorkerProcess; a default worker that was stopped is given to whoever starts one next."""

    def __init__(self) -> None:
        self._idle: list[tuple[Any, _Kept]] = []

    def __call__(self, launch: Any) -> WorkerProcess:
        if not launch.isDefault:
            return WorkerProcess(launch)
        environment = {k: v for k, v in launch.environment.items() if k != OF_PYTEST}
        key = (launch.arguments, environment)
        for entry in [each for each in self._idle if each[0] == key]:
            self._idle.remove(entry)
            if entry[1].greet():
                return entry[1]
        process = _Kept(launch)
        process.given_back = lambda: self._keep(key, process)
        return process

    def close(self) -> None:
        self._end_all_but(0)

    def _keep(self, key: Any, process: _Kept) -> None:
        self._idle.append((key, process))
        self._end_all_but(MOST_IDLE)

    def _end_all_but(self, most: int) -> None:
        """The oldest ones end first."""
        while len(self._idle) > most:
            WorkerProcess.stop(self._idle.pop(0)[1])


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
