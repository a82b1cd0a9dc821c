"""The scenarios that also run inside Slicer, here with a real mouse."""

from __future__ import annotations

from inspect import signature

import pytest

from CompactSegQt.SelfTest import SCENARIOS, sentence


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: sentence(scenario.__name__))
def test_scenario(driver, scenario):
    scenario(driver)


def test_each_file_has_scenarios_and_no_helper_is_one():
    files = {each.__module__.rpartition(".")[2] for each in SCENARIOS}
    assert files == {"Everyday", "Mishaps", "Ownership"}
    assert all(list(signature(each).parameters) == ["driver"] for each in SCENARIOS)
