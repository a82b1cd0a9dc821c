"""Scenarios: what a user does, by clicks in the real panel, with the real worker and a model that ships.

They run inside Slicer as the module's self-test, each in an empty scene, and without it under pytest
(Testing/Qt/scenarios), which has a driver with mouse and keyboard.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import slicer

from CompactSegMRML.WorkerCommand import launchOf
from CompactSegQt.Packages import Packages
from CompactSegQt.SelfTest import Everyday, Mishaps, Ownership
from CompactSegQt.SelfTest.Driver import Driver

SCENARIOS: tuple[Callable[[Driver], None], ...] = tuple(
    each
    for module in (Everyday, Ownership, Mishaps)
    for name, each in vars(module).items()
    if inspect.isfunction(each) and each.__module__ == module.__name__ and name[0] != "_"
)
"""The public functions of these files, in their order."""


def runSelfTest(test: Any, driver: Driver | None = None) -> int:
    """Run all scenarios; the first that fails raises.

    Args:
        test: The ScriptedLoadableModuleTest, which shows what is being done.
        driver: Of the panel; None for one that works it as it is in Slicer.

    Returns:
        How many ran.
    """
    driver = driver or Driver()
    if Packages().missing():  # as on machines that build extensions
        driver.useFakeWorker(launchOf("").program)
    for scenario in SCENARIOS:
        test.delayDisplay(sentence(scenario.__name__))
        runScenario(driver, scenario)
    slicer.mrmlScene.Clear(0)
    test.delayDisplay(f"{len(SCENARIOS)} scenarios passed")
    return len(SCENARIOS)


def runScenario(driver: Driver, scenario: Callable[[Driver], None]) -> None:
    """Run one scenario in an empty scene."""
    slicer.mrmlScene.Clear(0)
    driver.open()
    scenario(driver)


def sentence(name: str) -> str:
    """The words of a scenario's name.

    >>> sentence("theSliderShowsOneLevel")
    'the slider shows one level'
    """
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
