"""The worker as a process: four threads and a queue, so that the main thread never waits for a pipe.

Slicer's event loop keeps Python's lock (the GIL) whenever no slot of Python's runs, so these threads run only while the
main thread lets them: `letThreadsRun`, which each poll calls.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from CompactSegLib.serve.protocol import BadFrame, Frame, encode_frame, read_frames, write_parts
from CompactSegMRML.Labels import cropLevels
from CompactSegMRML.WorkerCommand import Launch

_CHUNK = 2**20
_MOST_NOISE = 2**20
_GRACE_SECONDS = 6.0  # the worker ends itself 5 s after its stdin did, whatever it is doing
_LONGEST_LINE = 2000
_NAP_SECONDS = 0.002
_LAST_SECONDS = 0.02
_FLOWS_BYTES = 2**18  # in a nap: 128 MB/s, which is more than a network brings


@dataclass(frozen=True)
class Ended:
    """The process is gone; nothing follows.

    Attributes:
        code: As `subprocess.Popen.returncode`; negative for a signal.
        wasNoise: Whether it was ended since what it wrote was no worker's.
    """

    code: int
    wasNoise: bool = False


Received = Frame | BadFrame | str | Ended
"""A text is a line that the worker wrote to stderr."""


class WorkerProcess:
    """A worker that was started.

    Args:
        launch: How.

    Raises:
        OSError: The program could not be started.
    """

    def __init__(self, launch: Launch) -> None:
        self.received: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._outgoing: queue.SimpleQueue[tuple[list[Any], threading.Event] | None] = (
            queue.SimpleQueue()
        )
        self._wasNoise = self._isKnown = False
        self._bytesRead = 0
        self._process = subprocess.Popen(
            launch.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(launch.environment),
            **_apart(),
        )
        self._threads = {
            name: threading.Thread(target=target, name=f"compactseg {name}", daemon=True)
            for name, target in {
                "reader": self._read,
                "log": self._readLog,
                "writer": self._write,
                "waiter": self._wait,
            }.items()
        }
        for thread in self._threads.values():
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Mapping[str, Any], array: np.ndarray | None = None) -> threading.Event:
        """Send a request; returns at once. The array must not change until it is sent, which the event says."""
        isSent = threading.Event()
        self._outgoing.put((encode_frame(message, array), isSent))
        return isSent

    def letThreadsRun(self, mostSeconds: float) -> None:
        """Sleep a moment, and on while much is coming, so that an array is not read piece by piece over many polls."""
        end = time.monotonic() + mostSeconds
        while True:
            before = self._bytesRead
            time.sleep(_NAP_SECONDS)
            if self._bytesRead - before < _FLOWS_BYTES or time.monotonic() >= end:
                return

    def stop(self) -> None:
        """Let the worker end, and end it if it does not; returns after a moment, in which the message leaves."""
        isSent = self.send({"request": "shutdown"})
        self._outgoing.put(None)
        isSent.wait(_LAST_SECONDS)  # nobody may poll afterwards
        timer = threading.Timer(_GRACE_SECONDS, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """End it now; returns at once."""
        self._outgoing.put(None)
        if self._process.poll() is None:
            with suppress(OSError):
                if os.name == "nt":
                    self._process.kill()
                else:  # with what it started: a command may be a script around the worker
                    os.killpg(self._process.pid, signal.SIGKILL)

    def join(self, timeout: float) -> bool:
        """Wait for the end; whether it came."""
        self._threads["waiter"].join(timeout)
        return not self._threads["waiter"].is_alive()

    def read(self, size: int) -> bytes:
        """What the worker wrote, for the thread that reads; nothing more of a program that is none."""
        if not self._isKnown and self._bytesRead > _MOST_NOISE:
            self._wasNoise = True
            self.kill()
            return b""
        data = os.read(self._process.stdout.fileno(), size)
        self._bytesRead += len(data)
        return data

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            for frame in read_frames(self):
                self._isKnown = self._isKnown or isinstance(frame, Frame)
                # Cropped here, as it would take the main thread too long.
                self.received.put(cropLevels(frame) if isinstance(frame, Frame) else frame)
        # A worker that says no more is of no use.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
            return
        self.kill()

    def _readLog(self) -> None:
        with suppress(OSError, ValueError):
            rest = b""
            # Not readline, which asks an unbuffered stream for one byte at a time, and the GIL for each.
            while data := os.read(self._process.stderr.fileno(), _CHUNK):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._putLog(line)
                if len(rest) > _LONGEST_LINE:
                    self._putLog(rest)
                    rest = b""
            self._putLog(rest)

    def _putLog(self, line: bytes) -> None:
        text = line[:_LONGEST_LINE].decode("utf-8", errors="replace").rstrip()
        if text:
            self.received.put(text)

    def _write(self) -> None:
        with suppress(OSError, ValueError):
            while (item := self._outgoing.get()) is not None:
                parts, isSent = item
                write_parts(self._process.stdin, parts)
                isSent.set()
        with suppress(OSError):
            self._process.stdin.close()

    def _wait(self) -> None:
        code = self._process.wait()
        self._outgoing.put(None)
        # Not for long: what the process started may still hold the pipes, as ssh's shared connections do.
        self._threads["reader"].join(1.0)
        self._threads["log"].join(0.5)
        self.received.put(Ended(code, self._wasNoise))
        for name, stream in (("reader", self._process.stdout), ("log", self._process.stderr)):
            if not self._threads[name].is_alive():
                with suppress(OSError):
                    stream.close()


def _apart() -> dict[str, Any]:
    """No console window on Windows; elsewhere no terminal that ssh could ask for a password on, where nobody looks."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
