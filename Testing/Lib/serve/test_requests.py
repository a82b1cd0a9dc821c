"""Requests that wait, and what is said when they are cancelled."""

from __future__ import annotations

import pytest

from CompactSegLib.serve.requests import Ask, Mailbox, RequestError, parse_request


@pytest.fixture
def said() -> list[dict]:
    return []


@pytest.fixture
def a_mailbox(said) -> Mailbox:
    return Mailbox(lambda event, _array: said.append(event))


def test_requests_come_in_order(a_mailbox):
    for number in (1, 2):
        a_mailbox.put(Ask(number, "models"))
    for number in (1, 2):
        assert a_mailbox.take(0).id == number
        a_mailbox.finish({"event": "models"})
    assert a_mailbox.take(0) is None


def test_nothing_is_said_of_a_request_after_cancelled(a_mailbox, said):
    a_mailbox.put(Ask("a", "models"))
    a_mailbox.take(0)
    a_mailbox.tell({"event": "progress"})
    assert a_mailbox.cancel("a")
    assert a_mailbox.is_cancelled
    assert not a_mailbox.cancel("a")
    a_mailbox.tell({"event": "level"})
    a_mailbox.finish({"event": "done"})
    assert [event["event"] for event in said] == ["progress", "cancelled"]
    assert {event["id"] for event in said} == {"a"}


def test_a_cancelled_request_does_not_cancel_the_next(a_mailbox, said):
    a_mailbox.put(Ask("a", "models"))
    a_mailbox.take(0)
    a_mailbox.cancel("a")
    a_mailbox.put(Ask("b", "models"))
    a_mailbox.finish({"event": "cancelled"})
    a_mailbox.take(0)
    assert not a_mailbox.is_cancelled
    a_mailbox.finish({"event": "done"})
    assert said[-1] == {"event": "done", "id": "b"}


@pytest.mark.parametrize("runs", [False, True])
def test_an_id_in_use_is_refused(a_mailbox, runs):
    a_mailbox.put(Ask("a", "models"))
    if runs:
        a_mailbox.take(0)
    with pytest.raises(RequestError, match="in use"):
        a_mailbox.put(Ask("a", "models"))


def test_only_so_many_requests_wait(a_mailbox):
    for number in range(16):
        a_mailbox.put(Ask(number, "models"))
    with pytest.raises(RequestError, match="at most 16"):
        a_mailbox.put(Ask(16, "models"))


def test_once_closed_it_gives_nothing(a_mailbox):
    a_mailbox.put(Ask("a", "models"))
    a_mailbox.close()
    assert a_mailbox.take(10) is None
    assert a_mailbox.is_cancelled


def test_volumes_that_wait_have_a_limit_together(a_mailbox, monkeypatch):
    import numpy as np

    from CompactSegLib.serve import requests
    from CompactSegLib.serve.requests import SegmentRequest

    monkeypatch.setattr(requests, "_MOST_WAITING_BYTES", 1000)
    for number in range(2):
        a_mailbox.put(SegmentRequest(number, np.zeros((4, 10, 10), np.uint8), np.eye(4), "tiny"))
    with pytest.raises(RequestError, match="expected volumes of at most"):
        a_mailbox.put(SegmentRequest(2, np.zeros((4, 10, 10), np.uint8), np.eye(4), "tiny"))
    a_mailbox.put(Ask(3, "models"))
    assert [a_mailbox.take(0).id for _ in range(3)] == [0, 1, 3]


@pytest.mark.parametrize("depth", [5, 300, 600, 900])
@pytest.mark.parametrize("field", ["id", "of", "level", "request"])
def test_lists_in_lists_are_refused_and_do_not_end_the_thread_that_reads(depth, field):
    value: object = 1
    for _ in range(depth):
        value = [value]
    with pytest.raises(RequestError, match="expected"):
        parse_request({"request": "level", "id": 1, "of": 1, "level": 1, field: value})
