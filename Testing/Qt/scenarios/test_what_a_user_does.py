"""The scenarios that also run inside Slicer, here with a real mouse."""

from __future__ import annotations

import pytest

from CompactSegQt.SelfTest import SCENARIOS, sentence


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: sentence(scenario.__name__))
def test_scenario(driver, scenario):
    scenario(driver)


def test_the_self_test_that_slicer_runs_is_these(driver, desktop):
    from CompactSegQt.SelfTest import Everyday, Mishaps, Ownership

    for file in (Everyday, Mishaps, Ownership):
        written = {
            name
            for name, value in vars(file).items()
            if callable(value) and value.__module__ == file.__name__ and not name.startswith("_")
        }
        assert written == {scenario.__name__ for scenario in file.SCENARIOS}
