"""Processes that begin with PyTorch imported: forked from one that has done that, which else takes seconds each time.

All else is a process's own: its arguments, environment and folder, stdin, stdout and stderr, signals, exit code. On
other systems than Linux they are started as usual: Windows does not fork, and libraries of macOS do not bear it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from Testing.repository import REPOSITORY

USUAL = (
    "torch",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "matplotlib.patheffects",
    *(["pydantic"] if find_spec("pydantic") else []),  # typer does the same
    "CompactSegLib.cli.app",
    "CompactSegLib.cli.runner",
    "CompactSegLib.cli.segment",
    "CompactSegLib.inference.segmenter",
    "CompactSegLib.output.picture",
    "CompactSegLib.output.report",
    "CompactSegLib.serve.worker",
)
TRAINING = (*USUAL, "torch._dynamo", "CompactSegLib.train.training")
_LONGEST_REQUEST = 2**20


def start(
    command: Sequence[object],
    *,
    imported: tuple[str, ...] = USUAL,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    bufsize: int = -1,
    start_new_session: bool = False,
) -> subprocess.Popen[bytes] | Forked:
    """As ``subprocess.Popen``, of a command that begins with ``sys.executable`` and ``-m``, ``-c`` or a script.

    Args:
        command: Its words.
        imported: Modules that are there when it begins.
        cwd: Its folder.
        env: Its environment.
        stdin: A descriptor, ``PIPE`` or ``DEVNULL``; the others likewise.
        stdout: See `stdin`.
        stderr: See `stdin`.
        bufsize: Of the streams' ends here, as of `open`.
        start_new_session: Whether it is alone in a group of processes.
    """
    python, *words = map(str, command)
    assert python == sys.executable
    streams = (stdin, stdout, stderr)
    if sys.platform != "linux":
        names = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
        names |= {"bufsize": bufsize, "start_new_session": start_new_session}
        return subprocess.Popen([python, *words], cwd=cwd, env=env, **names)
    request = {
        "words": words,
        "cwd": str(cwd or Path.cwd()),
        "env": env or {**os.environ},
        "is_apart": start_new_session,
    }
    return Forked(_Server.of(imported), request, streams, bufsize=bufsize)


def run(command: Sequence[object], **options: Any) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run``: wait, and return the exit code and what was written."""
    process = start(command, **options)
    told, errors = (each.decode() for each in process.communicate())
    return subprocess.CompletedProcess(command, process.returncode, told, errors)


class Forked:
    """What a test needs of ``subprocess.Popen``."""

    def __init__(
        self,
        server: _Server,
        request: dict[str, Any],
        streams: tuple[int, ...],
        *,
        bufsize: int = -1,
    ) -> None:
        self.returncode: int | None = None
        self._status, status = os.pipe()
        self._once = threading.Lock()
        theirs, ours, close = [], [], [status]
        for number, stream in enumerate(streams):
            end: IO[bytes] | None = None
            if stream == subprocess.PIPE:
                read, write = os.pipe()
                stream, mine = (read, write) if number == 0 else (write, read)
                end = os.fdopen(mine, "wb" if number == 0 else "rb", bufsize)
                close.append(stream)
            elif stream == subprocess.DEVNULL:
                stream = os.open(os.devnull, os.O_RDWR)
                close.append(stream)
            theirs.append(stream)
            ours.append(end)
        self.stdin, self.stdout, self.stderr = ours
        self.pid = server.fork(request, [*theirs, status])
        for descriptor in close:
            os.close(descriptor)

    def __del__(self) -> None:
        os.close(self._status)

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.wait()

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Several threads may."""
        if not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        with self._once:
            if self.returncode is None:
                told = os.read(self._status, 100)
                assert told, "the process that forks has ended"
                self.returncode = os.waitstatus_to_exitcode(int(told))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """What is written until the end, to stdout and to stderr."""
        streams = [each for each in (self.stdout, self.stderr) if each is not None]
        written = dict.fromkeys(streams, b"")
        while streams:
            ready = select.select(streams, [], [], timeout)[0]
            if not ready:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0)
            for each in ready:
                data = os.read(each.fileno(), 2**16)
                written[each] += data
                if not data:
                    streams.remove(each)
                    each.close()
        self.wait(timeout)
        return written.get(self.stdout, b""), written.get(self.stderr, b"")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class _Server:
    """The process that is forked; it ends with this one."""

    def __init__(self, imported: tuple[str, ...]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", __name__, *imported]
        begin = start if set(imported) > set(USUAL) else subprocess.Popen
        self._process = begin(command, stdin=theirs.fileno(), stdout=1, stderr=2, cwd=REPOSITORY)
        theirs.close()
        atexit.register(self._close)

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()

    @classmethod
    @functools.cache
    def of(cls, imported: tuple[str, ...]) -> _Server:
        return cls(imported)

    def fork(self, request: dict[str, Any], descriptors: list[int]) -> int:
        socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
        return int(self._socket.recv(100))


def _forked(connection: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; return it in the process that is to carry it out, and None at the end, with none left."""
    running: dict[int, int] = {}

    def reap(pid: int, options: int) -> None:
        ended, status = os.waitpid(pid, options)
        if ended:
            with contextlib.suppress(BrokenPipeError):  # nobody asks
                os.write(running[pid], str(status).encode())
            os.close(running.pop(pid))

    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select.select([connection, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 2**10)
            for pid in list(running):
                reap(pid, os.WNOHANG)
        if connection not in ready:
            continue
        request, descriptors, *_ = socket.recv_fds(connection, _LONGEST_REQUEST, 4)
        if not request:
            for pid in list(running):
                os.kill(pid, signal.SIGKILL)
                reap(pid, 0)
            return None
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (woken, wake, descriptors[3], *running.values()):
                os.close(descriptor)
            for place, descriptor in enumerate(descriptors[:3]):
                os.dup2(descriptor, place)
                os.close(descriptor)
            connection.close()
            return json.loads(request)
        for descriptor in descriptors[:3]:
            os.close(descriptor)
        running[pid] = descriptors[3]
        connection.send(str(pid).encode())


def _begin_anew(request: dict[str, Any]) -> None:
    """Make of this process what the interpreter would have made of it."""
    if request["is_apart"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    backslashed = {"encoding": encoding, "errors": "backslashreplace"}
    sys.stderr = open(2, "w", buffering=1, **backslashed, closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.freeze()  # each process would copy what it looks at
    asked = _forked(socket.socket(fileno=os.dup(0)))
    if asked:
        _begin_anew(asked)
        kind, *words = asked["words"]
        if kind == "-m":
            sys.argv[1:] = words[1:]
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        elif kind == "-c":
            sys.argv[1:] = words[1:]
            exec(words[0], {"__name__": "__main__"})  # noqa: S102 - as python -c does
        else:
            sys.argv[:] = asked["words"]
            sys.path[0] = str(Path(kind).parent)
            runpy.run_path(kind, run_name="__main__")
