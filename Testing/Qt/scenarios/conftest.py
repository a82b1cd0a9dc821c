"""A driver with mouse and keyboard for the scenarios, and what they measure."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def the_workers() -> Iterator[Any]:
    from driver.warm_workers import WarmWorkers

    workers = WarmWorkers()
    yield workers
    workers.close()


@pytest.fixture(autouse=True)
def warm_workers(request, the_workers, monkeypatch) -> None:
    """A worker that a test stops goes to the next one; a test marked `cold_worker` has its own."""
    if request.node.get_closest_marker("cold_worker") is None:
        monkeypatch.setattr("CompactSegMRML.WorkerClient.WorkerProcess", the_workers)


@pytest.fixture
def driver(desktop) -> Any:
    """The panel, opened as a user does, with nothing in the scene."""
    from CompactSegQt.SelfTest.Driver import Driver

    class DesktopDriver(Driver):
        """Clicks and keys are events of the window system; widgets must be on the screen to take them."""

        def open(self) -> None:
            desktop.open()
            self.logic.finished.connect(self.remember)

        def click(self, button: Any) -> None:
            desktop.click(button)

        def slide(self, slider: Any, value: int) -> None:
            self._before = len(self.outcomes)
            desktop.drag_slider(slider, value)

        def choose(self, box: Any, index: int) -> None:
            desktop.choose(box, index)

        def waitUntil(self, condition: Any, what: str) -> float:
            return desktop.wait_until(condition, what=what)

        def load(self, name: str) -> Any:
            """As in Slicer ``small``, ``large`` and ``held``, and ``head``, which is all of it."""
            names = {"small": "left_hippocampus", "head": "template"}
            volume = desktop.load(names.get(name, "middle"))
            if name == "held":
                volume.SetName(name)
            return volume

        def answerNextMessage(self) -> None:
            desktop.dialogs.answer("OK")

    return DesktopDriver()


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, float]]:
    """Figures to be shown: printed at the end, and kept beside the screenshots where these are kept."""
    figures: dict[str, float] = {}
    yield figures
    for name, value in figures.items():
        print(f"\n{name}: {value:.3f}", end="")
    folder = os.environ.get("COMPACTSEG_SCREENSHOTS")
    if folder and figures:
        path = Path(folder) / "figures.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
