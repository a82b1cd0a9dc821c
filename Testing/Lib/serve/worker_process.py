"""A worker as a process of its own, and what a test says to it and hears from it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.serve.protocol import BadFrame, Frame, read_frames, write_frame
from Testing import forked
from Testing.repository import REPOSITORY
from Testing.waiting import LONGEST_SECONDS

if TYPE_CHECKING:
    from CompactSegLib.volume.volume import Volume

COMMAND = (sys.executable, "-m", "CompactSegLib.cli", "worker")
BUSY = {"all_levels": True, "tile": 8}
"""With tiles this small, `make_large_volume` keeps a worker busy for much longer than a test may take."""

LAST = {"done", "error", "cancelled", "models", "devices", "ready", "forgotten"}


def make_large_volume() -> Volume:
    from CompactSegLib.volume.geometry import Geometry
    from CompactSegLib.volume.volume import Volume

    noise = np.random.default_rng(0).normal(size=(1, 96, 96, 96)).astype(np.float32)
    return Volume(noise, Geometry((96, 96, 96), (1, 1, 1)), name="large")


class WorkerProcess:
    """Started at once, ended on leaving the context; events are read by a thread, as Slicer's side does.

    Unless it is to begin cold, or elsewhere, PyTorch is imported when it begins.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        cold: bool = False,
        cwd: Path = REPOSITORY,
        **environment: str,
    ) -> None:
        begin = subprocess.Popen if cold or command[0] != sys.executable else forked.start
        self.process = begin(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
        )
        self.events: queue.Queue[Frame] = queue.Queue()
        self.log = b""
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._log)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        code = self.process.wait(LONGEST_SECONDS)
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                continue
        return code

    def _read(self) -> None:
        for frame in read_frames(self.process.stdout):
            # What is no frame has no place on stdout.
            broken = isinstance(frame, BadFrame)
            self.events.put(Frame({"event": "broken", "said": str(frame)}) if broken else frame)

    def _log(self) -> None:
        for line in self.process.stderr:
            self.log += line

    def send(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, request: str, array: np.ndarray | None = None, **fields: Any) -> None:
        write_frame(self.process.stdin, {"request": request, **fields}, array)

    def segment(self, volume: Any, model: Any, **fields: Any) -> None:
        """Ask for a volume's levels, with its geometry as Slicer states it."""
        matrix = volume.geometry.ijk_to_ras.tolist()
        self.ask("segment", volume.array, ijk_to_ras=matrix, model=str(model.folder), **fields)

    def next(self, *names: str) -> Frame:
        """The next event, or the next with one of these names."""
        end = time.monotonic() + LONGEST_SECONDS
        while True:
            frame = self.events.get(timeout=max(0.0, end - time.monotonic()))
            assert frame.message["event"] != "broken", frame.message
            if not names or frame.message["event"] in names:
                return frame

    def until_last(self, wanted: str | int) -> Iterator[Frame]:
        """Events of a request, but for progress, up to its last."""
        while True:
            frame = self.next()
            if frame.message["id"] == wanted and frame.message["event"] != "progress":
                yield frame
                if frame.message["event"] in LAST:
                    return
