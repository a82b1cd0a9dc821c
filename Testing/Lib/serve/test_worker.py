"""The worker as the Slicer module meets it: a process, its frames, and its end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from Testing.Lib.serve.worker_process import BUSY, COMMAND, WorkerProcess, make_large_volume
from Testing.repository import REPOSITORY

if TYPE_CHECKING:
    from CompactSegLib.volume.volume import Volume


@pytest.fixture(scope="module")
def the_worker(the_tiny_model) -> Iterator[WorkerProcess]:
    """One for all tests that leave it alive: that it survives them is part of what they test."""
    with WorkerProcess(COMPACTSEG_MODELS=str(the_tiny_model.folder.parent)) as worker:
        assert worker.next().message["event"] == "ready"
        assert worker.next().message["event"] == "devices"
        yield worker
        worker.ask("shutdown")
        assert worker.wait() == 0
        assert b"Traceback" not in worker.log


@pytest.fixture(scope="module")
def a_large_volume() -> Volume:
    return make_large_volume()


def test_it_says_what_it_is_before_torch_is_loaded(the_tiny_model):
    with WorkerProcess(cold=True, COMPACTSEG_MODELS=str(the_tiny_model.folder.parent)) as worker:
        ready = worker.next().message
        assert ready["event"] == "ready"
        assert ready["protocol"] == 1
        model = next(model for model in ready["models"] if model["name"] == "tiny")
        assert model["levels"] == 3
        assert model["labels"][0]["terminology"]["modifier"]["meaning"] == "Anterior"
        assert model["licence"] == "CC-BY-SA-4.0"
        assert model["size_bytes"] == the_tiny_model.size_bytes
        assert model["stop"] == {"threshold": the_tiny_model.threshold}
        devices = worker.next().message
        assert devices["event"] == "devices"
        assert devices["devices"][-1]["name"] == "cpu"


@pytest.mark.parametrize("name", ["an_oblique_volume", "a_left_handed_volume", "a_sagittal_volume"])
def test_levels_are_those_of_the_library(the_worker, the_tiny_model, name, request):
    from CompactSegLib import Geometry, Segmenter, Volume

    volume = request.getfixturevalue(name)
    geometry = Geometry.from_ijk_to_ras(volume.geometry.size_ijk, volume.geometry.ijk_to_ras)
    same = Volume(volume.array, geometry)
    expected = [*Segmenter(the_tiny_model).start(same).levels(all_levels=True)]
    the_worker.segment(volume, the_tiny_model, id=name, all_levels=True)
    *levels, done = the_worker.until_last(name)
    assert [frame.message["level"] for frame in levels] == [1, 2, 3]
    for frame, level in zip(levels, expected, strict=True):
        assert np.array_equal(frame.array, level.labels)
        assert frame.array.dtype == np.uint8
        for key in ("improvement", "improvement_by_label", "millilitres", "stop"):
            assert frame.message[key] == getattr(level, key)
    assert done.message["event"] == "done"
    assert done.message["stop"] == "last-level"


def test_a_deeper_level_costs_one_block_and_a_known_one_none(
    the_worker, the_tiny_model, an_oblique_volume
):
    the_worker.segment(an_oblique_volume, the_tiny_model, id=1, levels=1)
    first, done = the_worker.until_last(1)
    assert first.message["blocks_run"] == done.message["blocks_run"] == 2
    assert done.message["stop"] == "levels-requested"
    for request, level, blocks in ((2, 2, 1), (3, 2, 0), (4, 3, 1), (5, 1, 0)):
        the_worker.ask("level", id=request, of=1, level=level)
        frame, done = the_worker.until_last(request)
        assert frame.message["level"] == level
        assert frame.message["blocks_run"] == done.message["blocks_run"] == blocks
    assert np.array_equal(frame.array, first.array)


def test_a_level_of_a_volume_that_is_gone_is_refused(the_worker, the_tiny_model, an_oblique_volume):
    for request in ("first", "second"):
        the_worker.segment(an_oblique_volume, the_tiny_model, id=request, levels=1)
        assert [*the_worker.until_last(request)][-1].message["event"] == "done"
    the_worker.ask("level", id="late", of="first", level=2)
    (error,) = the_worker.until_last("late")
    assert error.message["kind"] == "volume-gone"
    assert "segment it again" in error.message["sentence"]


def test_what_is_forgotten_is_gone_and_the_next_volume_is_taken(
    the_worker, the_tiny_model, an_oblique_volume
):
    the_worker.segment(an_oblique_volume, the_tiny_model, id="kept", levels=1)
    assert [*the_worker.until_last("kept")][-1].message["event"] == "done"
    the_worker.ask("forget", id="forget")
    (answer,) = the_worker.until_last("forget")
    assert answer.message["event"] == "forgotten"
    the_worker.ask("level", id="after", of="kept", level=2)
    assert [*the_worker.until_last("after")][-1].message["kind"] == "volume-gone"
    the_worker.segment(an_oblique_volume, the_tiny_model, id="next", levels=1)
    assert [*the_worker.until_last("next")][-1].message["event"] == "done"


def test_the_threshold_stops(the_worker, the_tiny_model, an_oblique_volume):
    the_worker.segment(an_oblique_volume, the_tiny_model, id="t", threshold=1)
    *levels, done = the_worker.until_last("t")
    assert len(levels) == 2
    assert done.message["stop"] == "threshold"
    assert "below the threshold" in done.message["stop_reason"]


def test_cancel_is_answered_at_once_and_finished_levels_stay(
    the_worker, the_tiny_model, a_large_volume
):
    the_worker.segment(a_large_volume, the_tiny_model, id="long", **BUSY)
    the_worker.next("progress")
    the_worker.ask("cancel", id="long")
    (cancelled,) = the_worker.until_last("long")
    assert cancelled.message["event"] == "cancelled"
    the_worker.ask("hello", id="after")
    (ready,) = the_worker.until_last("after")
    assert ready.message["event"] == "ready"


def test_a_request_that_waits_can_be_cancelled(the_worker, the_tiny_model, a_large_volume):
    the_worker.segment(a_large_volume, the_tiny_model, id="runs", **BUSY)
    the_worker.ask("models", id="waits")
    the_worker.ask("cancel", id="waits")
    (cancelled,) = the_worker.until_last("waits")
    assert cancelled.message["event"] == "cancelled"
    the_worker.ask("cancel", id="runs")
    assert [*the_worker.until_last("runs")][-1].message["event"] == "cancelled"


def test_to_cancel_what_has_ended_is_no_error(the_worker):
    the_worker.ask("cancel", id="never there")
    the_worker.ask("models", id="next")
    (models,) = the_worker.until_last("next")
    assert models.message["event"] == "models"


@pytest.mark.parametrize(
    ("sent", "kind", "words"),
    [
        (b"garbage\x00\xff\n", "frame", "expected a line with a JSON object"),
        (b'{"request": "dance", "id": 1}\n', "request", "expected one of segment"),
        (b'{"request": "cancel"}\n', "request", "expected id"),
        (b'{"request": "level", "id": 1, "of": 1, "level": "2"}\n', "request", "a whole number"),
        (b'{"request": "models", "id": 1, "speed": 3}\n', "request", 'only id, got "speed"'),
        (b'{"request": "segment", "id": 1, "ijk_to_ras": [], "model": "x"}\n', "request", "array"),
        (b"x" * (4 * 2**20 + 10) + b"\n", "frame", "at most 4194304 bytes"),
    ],
)
def test_what_is_no_request_is_one_error_and_the_next_request_works(the_worker, sent, kind, words):
    the_worker.send(sent)
    error = the_worker.next().message
    assert (error["event"], error["kind"]) == ("error", kind)
    assert words in error["sentence"]
    the_worker.ask("models", id="next")
    assert [f.message["event"] for f in the_worker.until_last("next")] == ["models"]


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"model": "nothing"}, "model", "expected the name of a model"),
        ({"device": "abacus"}, "device", "abacus"),
        ({"levels": 9}, "configuration", "expected 1 to 3"),
        ({"threshold": 0.1, "unit": "jaccard"}, "request", 'got "unit"'),
        ({"threshold": 7}, "configuration", "from 0 to 1"),
        ({"ijk_to_ras": np.zeros((4, 4)).tolist()}, "request", "last row"),
        ({"ijk_to_ras": np.diag([0.0, 1, 1, 1]).tolist()}, "input", "non-zero"),
    ],
)
def test_a_volume_that_can_not_be_segmented_is_a_sentence(
    the_worker, the_tiny_model, an_oblique_volume, changes, kind, words
):
    usual = {
        "ijk_to_ras": an_oblique_volume.geometry.ijk_to_ras.tolist(),
        "model": str(the_tiny_model.folder),
        "id": "bad",
    }
    the_worker.ask("segment", an_oblique_volume.array, **(usual | changes))
    (error,) = the_worker.until_last("bad")
    assert error.message["kind"] == kind
    assert words in error.message["sentence"]


def test_too_large_a_volume_is_refused_and_skipped(the_tiny_model, an_oblique_volume):
    with WorkerProcess(command=[*COMMAND, "--largest-array", "1"]) as worker:
        worker.ask("segment", np.zeros((2**20 + 1, 1, 1), np.uint8), id=1, ijk_to_ras=[], model="")
        error = worker.next("error").message
        assert (error["id"], error["kind"]) == (1, "frame")
        assert "at most 1048576 bytes" in error["sentence"]
        worker.segment(an_oblique_volume, the_tiny_model, id=2, levels=1)
        assert [f.message["event"] for f in worker.until_last(2)] == ["level", "done"]


def test_it_survives_its_own_faults(the_tiny_model, an_oblique_volume):
    code = (
        "from CompactSegLib.serve import worker\n"
        "def fail(*_, **__): raise RuntimeError('a bug')\n"
        "worker.Session.segment = fail\nworker.run_worker()"
    )
    with WorkerProcess(command=[sys.executable, "-c", code]) as worker:
        worker.segment(an_oblique_volume, the_tiny_model, id=1)
        (error,) = worker.until_last(1)
        assert error.message["kind"] == "fault"
        assert "RuntimeError: a bug" in error.message["sentence"]
        worker.ask("hello", id=2)
        assert [f.message["event"] for f in worker.until_last(2)] == ["ready"]
        worker.process.stdin.close()
        worker.wait()
        assert b"Traceback" in worker.log


def test_what_a_library_prints_does_not_reach_stdout(tmp_path: Path, the_tiny_model):
    code = (
        "import os, sys\nfrom CompactSegLib.serve import worker\nfrom CompactSegLib.serve import events\n"
        "def told(*a):\n print('noise'); os.write(1, b'more'); os.system('echo child')\n"
        " return {'event': 'ready', 'id': None, 'read': sys.stdin.read()}\n"
        "worker.ready = told\nworker.run_worker()"
    )
    with WorkerProcess(command=[sys.executable, "-c", code]) as worker:
        assert worker.next().message == {"event": "ready", "id": None, "read": ""}
        worker.process.stdin.close()
        assert worker.wait() == 0
        assert {b"noise", b"morechild"} <= set(worker.log.split())


def test_without_torch_it_says_what_helps_and_goes_on(tmp_path, the_tiny_model, an_oblique_volume):
    (tmp_path / "torch.py").write_text("raise ImportError('no such library')\n")
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    with WorkerProcess(cold=True, PYTHONPATH=path) as worker:
        worker.next("ready")
        error = worker.next().message
        assert (error["event"], error["kind"], error["id"]) == ("error", "torch", None)
        assert "PyTorch extension" in error["sentence"]
        worker.segment(an_oblique_volume, the_tiny_model, id=1)
        assert [f.message["kind"] for f in worker.until_last(1)] == ["torch"]
        worker.ask("models", id=2)
        assert [f.message["event"] for f in worker.until_last(2)] == ["models"]


def test_its_log_is_utf_8_whatever_the_system_takes_for_text():
    with WorkerProcess(cold=True, PYTHONIOENCODING="cp1252") as worker:
        worker.next("ready")
        worker.ask("cancel", id="M\u00fcller \u8133")
        worker.process.stdin.close()
        assert worker.wait() == 0
        assert "request 'M\u00fcller \u8133': nothing to cancel" in worker.log.decode("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="needs env and sh")
def test_it_runs_elsewhere_through_another_command(tmp_path, the_tiny_model, an_oblique_volume):
    """As through ssh: another folder, nothing of this environment, the words joined for a shell there."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nshift\ncd "{tmp_path}"\nexec env -i PATH="$PATH" sh -c "$*"\n')
    ssh.chmod(0o755)
    remote = f"PYTHONPATH='{REPOSITORY}' '{sys.executable}' -m CompactSegLib.cli worker"
    with WorkerProcess(command=[str(ssh), "gpu-host", remote], cwd=tmp_path) as worker:
        worker.segment(an_oblique_volume, the_tiny_model, id=1, levels=1)
        frames = [*worker.until_last(1)]
        assert [f.message["event"] for f in frames] == ["level", "done"]
        json.dumps([f.message for f in frames], allow_nan=False)
        worker.process.stdin.close()
        assert worker.wait() == 0
