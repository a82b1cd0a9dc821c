"""The script that takes the tutorial's pictures, with stand-ins for the window and the worker: what it does when."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs/make_screenshots.py"
LEFT_HIPPOCAMPUS_MM = ((-38, -12), (-42, -4), (-31, 5))
"""Where it lies on the template along R, A and S, as the models and a person find it."""


@pytest.fixture
def the_script(monkeypatch) -> ModuleType:
    """Loaded without Qt."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("QT_QPA_PLATFORM", "QT_LOGGING_RULES"):
        monkeypatch.setenv(name, "")
    stand_ins = {
        "standin": {"install": lambda: None},
        "driver": {},
        "driver.session": {"Desktop": object},
    }
    for name, contents in stand_ins.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("make_screenshots", SCRIPT)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


class ADesktop:
    """Level 1 is there after a second, and the panel says that level 2 is being computed a little later."""

    def __init__(self) -> None:
        self.seconds, self.events = 0.0, []
        self.panel = SimpleNamespace(
            logic=SimpleNamespace(workerProcessId=7, results=lambda _volume: self.seconds >= 1)
        )
        self.ui = SimpleNamespace(segmentButton=None, progressText=SimpleNamespace(text=""))

    def click(self, _widget) -> None:
        self.events.append("click")

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        level = 1 + (self.seconds >= 1.05)
        self.ui.progressText.text = f"Computing level {level} of 3"

    def wait_until(self, condition, **_) -> None:
        while not condition():
            self.wait(0.01)
        self.events.append("level 1")


def test_the_worker_runs_freely_until_level_1_is_there_and_stands_still_for_the_picture(
    the_script, monkeypatch
):
    desktop = ADesktop()
    events = desktop.events
    worker = SimpleNamespace(
        suspend=lambda: events.append("suspend"), resume=lambda: events.append("resume")
    )
    monkeypatch.setattr("psutil.Process", lambda _number: worker)
    for name in ("_opened", "_jump", "_all_levels", "_wait_for_the_end"):
        monkeypatch.setattr(the_script, name, lambda *_: None)
    monkeypatch.setattr(the_script, "_picture", lambda _desktop, name: events.append(name))
    the_script.running(desktop)
    assert events[:2] == ["click", "level 1"]
    assert events[-3:] == ["suspend", "running", "resume"]
    assert events.count("suspend") == events.count("resume") > 1


def test_the_region_leaves_about_a_centimetre_around_the_hippocampus(the_script):
    box = zip(the_script.LEFT_HIPPOCAMPUS_RAS_MM, the_script.REGION_MM, strict=True)
    for (low, high), (centre, size) in zip(LEFT_HIPPOCAMPUS_MM, box, strict=True):
        assert 8 <= low - (centre - size / 2) <= 10
        assert 8 <= (centre + size / 2) - high <= 10
