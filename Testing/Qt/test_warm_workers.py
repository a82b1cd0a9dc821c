"""The workers that scenarios hand on."""

from __future__ import annotations

import os
import sys

import psutil
import pytest
from driver.warm_workers import MOST_IDLE, WarmWorkers

from CompactSegMRML.WorkerCommand import launchOf
from Testing.waiting import LONGEST_SECONDS


@pytest.fixture
def workers():
    made = WarmWorkers()
    yield made
    made.close()


def start(workers):
    return workers(launchOf(""))


def test_the_next_test_gets_the_worker_that_the_last_one_stopped(workers, monkeypatch):
    first = start(workers)
    first.stop()
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "the next one")
    assert start(workers) is first
    assert start(workers) is not first, "it has a user already"
    first.stop()
    monkeypatch.setenv("COMPACTSEG_MODELS", "others")
    assert start(workers) is not first


def test_no_more_workers_wait_than_memory_is_for(workers):
    started = [start(workers) for _ in range(MOST_IDLE + 1)]
    for each in started:
        each.stop()
    assert started[0].join(LONGEST_SECONDS), "the oldest one ended"
    assert not any(each.join(0.1) for each in started[1:])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked")
def test_a_worker_is_forked_from_a_process_that_has_imported_pytorch(workers):
    process = psutil.Process(start(workers).pid)
    assert process.ppid() != os.getpid()
    assert any("libtorch" in each.path for each in process.memory_maps())
