"""Threads are those that other programs leave."""

from __future__ import annotations

import pytest
import torch

from CompactSegLib.inference import threads


@pytest.mark.parametrize(
    ("cores", "others", "expected"),
    [(1, 0, 1), (2, 0, 2), (2, 1, 1), (2, 2, 1), (4, 0, 3), (4, 1, 3), (4, 2, 2), (8, 8, 1)],
)
def test_what_others_use_is_left_to_them_and_a_core_of_more_than_two_to_the_user(
    monkeypatch, cores, others, expected
):
    now = [0.0]
    monkeypatch.setattr(threads.time, "sleep", lambda seconds: now.append(now[-1] + seconds))
    monkeypatch.setattr(threads.time, "perf_counter", lambda: now[-1])
    # This process works too while it looks: another thread of it reads the volume.
    monkeypatch.setattr(threads.time, "process_time", lambda: now[-1])
    monkeypatch.setattr(threads, "_busy_seconds", lambda: (others + 1) * now[-1])
    monkeypatch.setattr(threads, "own_cores", lambda: cores)
    monkeypatch.setattr(threads.psutil, "cpu_count", lambda: cores)
    assert threads.free_cores() == expected


def test_bound_to_some_cores_what_others_use_of_them_is_not_known(monkeypatch):
    monkeypatch.setattr(threads, "own_cores", lambda: 2)
    monkeypatch.setattr(threads.psutil, "cpu_count", lambda: 64)
    seconds = iter([0.0, 64.0])
    monkeypatch.setattr(threads, "_busy_seconds", lambda: next(seconds))
    assert threads.free_cores() == 2


def test_a_working_core_is_counted():
    busy = threads._busy_seconds()
    while threads._busy_seconds() <= busy:
        torch.randn(500, 500) @ torch.randn(500, 500)


def test_the_environment_has_the_last_word(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    monkeypatch.setattr(threads, "free_cores", lambda: 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    threads.use_free_cores()
    assert chosen == []
    monkeypatch.delenv("OMP_NUM_THREADS")
    threads.use_free_cores()
    assert chosen == [3]
