"""How the worker ends: asked to, left alone by its parent, or killed; in the middle of a computation each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from CompactSegLib.serve.protocol import write_frame
from Testing import forked
from Testing.Lib.serve.worker_process import BUSY, COMMAND, WorkerProcess, make_large_volume
from Testing.repository import REPOSITORY
from Testing.waiting import LONGEST_SECONDS

if TYPE_CHECKING:
    from CompactSegLib.volume.volume import Volume

# Hands its stdin on through a pipe of its own, as Slicer would; its stdout and stderr are the worker's.
PARENT = """
import os, subprocess, sys
worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
while data := os.read(0, 2**20):
    worker.stdin.write(data)
    worker.stdin.flush()
"""


@pytest.fixture(scope="module")
def a_large_volume() -> Volume:
    return make_large_volume()


@pytest.mark.parametrize("end", ["close", "truncated", "shutdown", "terminate"])
def test_it_ends_in_the_middle_of_a_computation(end, the_tiny_model, a_large_volume):
    with WorkerProcess() as worker:
        worker.segment(a_large_volume, the_tiny_model, id=1, **BUSY)
        worker.next("progress")
        if end == "truncated":
            worker.send(b'{"id": 2, "array": {"shape": [9], "dtype": "int8", "bytes": 9}}\nabc')
        if end == "shutdown":
            worker.ask("shutdown")
        elif end == "terminate":
            worker.process.terminate()
        else:
            worker.process.stdin.close()
        code = worker.wait()
        terminated = 128 + signal.SIGTERM if os.name == "posix" else 1
        assert code == (terminated if end == "terminate" else 0)
        assert b"Traceback" not in worker.log


def test_it_ends_in_a_computation_that_asks_nobody(the_tiny_model, a_large_volume):
    code = (
        "import time; from CompactSegLib.serve import worker\n"
        "def hang(*_, tell, **__): tell({'event': 'progress'}); time.sleep(600)\n"
        "worker.Session.segment = hang\nworker.run_worker()"
    )
    with WorkerProcess(command=[sys.executable, "-c", code]) as worker:
        worker.segment(a_large_volume, the_tiny_model, id=1)
        worker.next("progress")
        worker.process.stdin.close()
        assert worker.wait() == 1


def test_closed_while_torch_is_still_being_imported_it_ends_well(tmp_path: Path):
    (tmp_path / "torch.py").write_text("import time; time.sleep(600)\n")
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    with WorkerProcess(cold=True, PYTHONPATH=path) as worker:
        worker.next("ready")
        worker.process.stdin.close()
        assert worker.wait() == 0
        assert b"Traceback" not in worker.log


def test_it_ends_when_nobody_takes_its_events(the_tiny_model, a_large_volume):
    events, taken = os.pipe()
    with forked.start(
        COMMAND, stdin=subprocess.PIPE, stdout=taken, stderr=subprocess.PIPE, cwd=REPOSITORY
    ) as process:
        os.close(taken)
        matrix = a_large_volume.geometry.ijk_to_ras.tolist()
        request = {"request": "segment", "id": 1, "ijk_to_ras": matrix, **BUSY}
        request["model"] = str(the_tiny_model.folder)
        write_frame(process.stdin, request, a_large_volume.array)
        os.read(events, 10)
        os.close(events)
        assert process.wait(LONGEST_SECONDS) == 0
        assert b"nobody takes events" in process.stderr.read()


def test_it_ends_when_its_parent_is_killed(the_tiny_model, a_large_volume):
    import psutil

    with WorkerProcess(command=[sys.executable, "-c", PARENT, *COMMAND]) as parent:
        parent.segment(a_large_volume, the_tiny_model, id=1, **BUSY)
        parent.next("progress")
        (worker,) = psutil.Process(parent.process.pid).children()
        parent.process.kill()
        worker.wait()


def test_killed_it_leaves_nothing(tmp_path: Path, the_tiny_model, a_large_volume):
    import psutil

    places = [tmp_path / name for name in ("cwd", "tmp", "home")]
    for place in places:
        place.mkdir()
    with WorkerProcess(cwd=places[0], TMPDIR=str(places[1]), HOME=str(places[2])) as worker:
        worker.segment(a_large_volume, the_tiny_model, id=1, **BUSY)
        worker.next("progress")
        children = psutil.Process(worker.process.pid).children(recursive=True)
        worker.process.kill()
        assert worker.wait() == (-signal.SIGKILL if os.name == "posix" else 1)
        assert not any(child.is_running() for child in children)
        assert {*tmp_path.rglob("*")} == {*places}
