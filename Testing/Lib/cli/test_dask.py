"""Many cases on several workers: the commands of the README, and a worker killed in the middle."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing import forked
from Testing.repository import REPOSITORY
from Testing.waiting import LONGEST_SECONDS

CASES = 5
DASK = [sys.executable, "-m", "dask"]
WITH_DASK = (*forked.USUAL, "distributed")


@pytest.fixture
def cases(a_volume_file: Path, tmp_path: Path) -> Path:
    """Five cases, each a different image, and one that is none."""
    import SimpleITK

    folder = tmp_path / "cases"
    folder.mkdir()
    for number in range(CASES):
        image = SimpleITK.ReadImage(a_volume_file)
        image[3, 4, 5] += number + 1
        SimpleITK.WriteImage(image, folder / f"case{number}.nii.gz")
    (folder / "bad.nii.gz").write_bytes(b"no image")
    return folder


@pytest.fixture
def a_cluster(tmp_path: Path) -> Iterator[tuple[str, list[forked.Forked]]]:
    """A scheduler and two workers: its address, and their processes."""
    facts = tmp_path / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    options = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options["imported"] = WITH_DASK
    place = ["--scheduler-file", str(facts)]
    scheduler = [*DASK, "scheduler", "--port", "0", "--no-dashboard", *place]
    worker = [*DASK, "worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", *place]
    worker += ["--local-directory", str(tmp_path / "scratch")]
    processes = [forked.start(scheduler, **options)]
    deadline = time.monotonic() + LONGEST_SECONDS
    while not facts.is_file() or not facts.stat().st_size:
        assert processes[0].poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    processes += [forked.start(worker, **options) for _ in range(2)]
    yield json.loads(facts.read_text())["address"], processes[1:]
    for process in processes:
        process.kill()
        process.wait()


def labels_of(output: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in output.glob("*.seg.nrrd")}


@pytest.mark.skipif(os.name != "posix", reason="a worker is killed as in POSIX")
def test_no_case_is_lost_with_a_worker_and_outputs_are_those_of_one_process(
    cases: Path, the_tiny_model, tmp_path: Path, a_cluster, segment
):
    address, workers = a_cluster
    command = [sys.executable, "-m", "CompactSegLib.cli", "segment", cases, "--level", "1"]
    command += ["--model", the_tiny_model.folder, "--output", tmp_path / "many"]
    process = forked.start([*command, "--device", "cpu", "--dask", address], imported=WITH_DASK)
    deadline = time.monotonic() + LONGEST_SECONDS
    while not list((tmp_path / "many").glob("*_report.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    workers[0].send_signal(signal.SIGKILL)
    told, errors = (each.decode() for each in process.communicate(timeout=LONGEST_SECONDS))
    assert process.returncode == 1, "for the case that is no image"
    # Done as well is what the lost worker had finished: then it is found there, and skipped.
    done, skipped, failed = map(int, re.findall(r"\d+", told.splitlines()[-1]))
    assert (done + skipped, failed) == (CASES, 1), errors
    assert "bad.nii.gz: expected" in errors
    segment("--level", 1, "--output", tmp_path / "one", volume=cases)
    assert len(labels_of(tmp_path / "one")) == CASES
    assert labels_of(tmp_path / "many") == labels_of(tmp_path / "one")
    again = segment("--level", 1, "--output", tmp_path / "many", volume=cases)
    assert again.stdout.splitlines()[-1].startswith(f"0 done, {CASES} skipped")
    shutil.rmtree(tmp_path / "many")


def test_without_a_scheduler_it_is_told_in_a_sentence(segment, cases: Path, tmp_path, monkeypatch):
    monkeypatch.setattr("CompactSegLib.cli.cluster._SECONDS_TO_CONNECT", 0.5)
    result = segment("--dask", "nowhere", volume=cases)
    assert result.exit_code == 2
    assert "expected the address of a scheduler such as tcp://host:8786" in result.stderr
    result = segment("--dask", "tcp://127.0.0.1:1")
    assert "only for a folder or a table of cases, got one volume" in result.stderr
