"""How far a click is from the worker, and a level from the screen: files and calls on the way (docs/developer.md)."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from CompactSegMRML.WorkerProcess import WorkerProcess
from Testing.repository import REPOSITORY

MOST_FILES, MOST_CALLS = 28, 230
"""It was 31 and 236, and is 26 and 194; how often the timer polls meanwhile may add a few."""
OURS = (str(REPOSITORY / "CompactSeg"), str(REPOSITORY / "CompactSegLib"))


@contextmanager
def calls_counted():
    """Each call of a function of ours, as the file that has it."""
    files = []

    def see(frame, event, _argument):
        file = frame.f_code.co_filename
        isStep = file.startswith(OURS) and not frame.f_code.co_name.startswith("<")
        if event == "call" and isStep and "SelfTest" not in file:
            files.append(file)

    sys.setprofile(see)
    try:
        yield files
    finally:
        sys.setprofile(None)


def test_a_click_reaches_the_worker_through_few_files(driver, desktop, monkeypatch):
    volume = driver.choosing(driver.load("small"))
    driver.ready()
    sent, send = [], WorkerProcess.send

    def watched(process, message, array=None):
        if message["request"] == "segment":
            sent.append(len(seen))
        return send(process, message, array)

    monkeypatch.setattr(type(driver.logic._client._process), "send", watched)
    driver._before = len(driver.outcomes)
    with calls_counted() as seen:
        driver.click(driver.ui.segmentButton)
        driver.waitUntil(lambda: sent, "the request")
    way = seen[: sent[0]]
    print(f"\na click: {len(set(way))} files, {len(way)} calls until the request is sent")
    assert driver.finish().kind == "done"
    assert driver.levels(volume) == [1, 2, 3]
    assert len(set(way)) <= MOST_FILES
    assert len(way) <= MOST_CALLS
