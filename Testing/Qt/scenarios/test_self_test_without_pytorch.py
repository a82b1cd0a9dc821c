"""The self-test as `ctest` runs it where PyTorch is not installed, on machines that build extensions."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest

from CompactSegQt.SelfTest import SCENARIOS, runSelfTest


@pytest.mark.timeout(600)
def test_all_scenarios_pass_one_after_the_other_with_the_fake_worker(driver, monkeypatch):
    """Unseen: no scenario looks at what the views draw, which they do in test_what_a_user_does.py."""
    monkeypatch.setattr("standin.render_view.ctkVTKAbstractView.scheduleRender", lambda _view: None)
    version = importlib.metadata.version

    def known(name):
        if name == "torch":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", known)
    shown = []
    test = SimpleNamespace(delayDisplay=shown.append)
    assert runSelfTest(test, driver) == len(SCENARIOS)
    assert len(shown) == len(SCENARIOS) + 1, shown
    assert "FakeWorker" in driver.logic.workerCommand
