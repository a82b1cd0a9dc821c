"""The command as a process of its own: what a shell sees of it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from Testing import forked
from Testing.Lib.cli.signalled import (
    each_signal,
    told_in_a_finalizer,
    with_signals,
)
from Testing.waiting import LONGEST_SECONDS

COMMAND = [sys.executable, "-m", "CompactSegLib.cli"]


@pytest.fixture
def a_large_volume_file(tmp_path: Path) -> Path:
    """Large enough that small tiles keep the command busy for much longer than a test may take."""
    noise = np.random.default_rng(0).normal(size=(96, 96, 96)).astype(np.float32)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(noise), str(tmp_path / "large.nrrd"))
    return tmp_path / "large.nrrd"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return forked.run([*COMMAND, *arguments])


def test_a_volume_goes_in_and_json_comes_out(the_tiny_model, a_volume_file: Path, tmp_path: Path):
    """As a shell starts it; for what only its start tells apart, the other tests begin with PyTorch imported."""
    given = ["segment", a_volume_file, "--model", the_tiny_model.folder, "--json"]
    (tmp_path / "file").touch()
    result = subprocess.run(
        [*COMMAND, *given, "--output", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
        # In a container the home folder, where fonts are cached, may often not be written to.
        env=os.environ | {"MPLCONFIGDIR": str(tmp_path / "file" / "matplotlib")},
    )
    assert result.returncode == 0
    assert json.loads(result.stdout)["case"] == "brain"
    assert result.stderr == ""


def test_with_debug_there_is_a_traceback(tmp_path: Path):
    result = run("info", tmp_path, "--debug")
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "ModelError" in result.stderr


def test_a_terminal_that_knows_only_ascii_is_no_reason_to_fail(the_tiny_model):
    result = subprocess.run(
        [*COMMAND, "info", str(the_tiny_model.folder)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert result.returncode == 0, result.stderr
    assert b"A tiny model" in result.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes break as in POSIX")
def test_a_batch_goes_on_when_nobody_reads_its_output(
    the_tiny_model, a_volume_file: Path, tmp_path: Path
):
    """As in ``compactseg segment cases | head -1``."""
    (tmp_path / "cases").mkdir()
    for name in "abc":
        (tmp_path / "cases" / f"{name}.nii.gz").write_bytes(a_volume_file.read_bytes())
    arguments = ["segment", tmp_path / "cases", "--model", the_tiny_model.folder, "--level", 1]
    with forked.start([*COMMAND, *arguments, "--output", tmp_path / "out"]) as process:
        process.stdout.close()
        told = process.stderr.read().decode()
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert len(list((tmp_path / "out").glob("*_report.json"))) == 3


@with_signals
@each_signal
def test_a_stopped_run_leaves_nothing(
    the_tiny_model, a_large_volume_file: Path, tmp_path: Path, number: int, code: int
):
    output = tmp_path / "out"
    arguments = ["segment", a_large_volume_file, "--tile", 2, "--device", "cpu"]
    arguments += ["--model", the_tiny_model.folder, "--output", output]
    process = forked.start([*COMMAND, *arguments])
    deadline = time.monotonic() + LONGEST_SECONDS
    while not (output.exists() and list(output.iterdir())):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == code
    assert b"Traceback" not in told
    assert not output.exists()


@with_signals
@each_signal
def test_a_signal_that_python_drops_ends_the_run_at_its_next_step(
    the_tiny_model, a_volume_file: Path, tmp_path: Path, number: int, code: int
):
    output = tmp_path / "out"
    arguments = ["segment", a_volume_file, "--model", the_tiny_model.folder, "--output", output]
    start = "CompactSegLib.inference.segmenter Segmenter start"
    assert told_in_a_finalizer(number, start, *arguments) == code
    assert not output.exists()


_TOLD_WHILE_TWO_THREADS_IMPORT = """
import _imp, faulthandler, os, signal, threading, time
from concurrent.futures import ThreadPoolExecutor
from CompactSegLib.cli.signals import heed_signals

faulthandler.dump_traceback_later(60, exit=True)  # a thread that waits for ever
heed_signals()
held = threading.Event()

def drawing():
    _imp.acquire_lock()
    held.set()
    time.sleep(1)
    _imp.release_lock()
    time.sleep(0.5)
    import colorsys

with ThreadPoolExecutor(1) as threads:
    threads.submit(drawing)
    held.wait()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    import cmd
"""


@with_signals
def test_a_signal_while_two_threads_import_leaves_neither_waiting():
    """An import that a signal's handler ends at the wrong place keeps its lock, and all others wait for it."""
    done = forked.run([sys.executable, "-c", _TOLD_WHILE_TWO_THREADS_IMPORT])
    assert done.returncode == 128 + signal.SIGTERM, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_on_a_terminal_there_are_progress_bars_and_rows_still_go_to_stdout(
    the_tiny_model, a_volume_file: Path, tmp_path: Path
):
    import pty

    ours, theirs = pty.openpty()
    arguments = ["segment", a_volume_file, "--level", 1, "--model", the_tiny_model.folder]
    process = forked.start(
        [*COMMAND, *arguments, "--output", tmp_path / "out"],
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
    rows = process.communicate(timeout=LONGEST_SECONDS)[0].decode()
    os.close(ours)
    assert process.returncode == 0
    assert "brain.nii.gz: level 1" in shown.decode()
    assert "Finished: level 1 was the deepest asked for." in rows
    assert "\x1b" not in rows


def test_without_its_packages_the_command_says_what_to_install(tmp_path: Path):
    code = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name in ('typer', 'rich') else find(name)\n"
        "from CompactSegLib.cli import main\nmain()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr == (
        "Error: compactseg: expected its command packages, but typer, rich are not installed; install them with "
        "pip install 'compactseg[command]'.\n"
    )
