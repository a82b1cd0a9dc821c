"""The desktop by itself: hands that reach only what is there, dialogs that are answered, time that is watched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import qt
import slicer
from PySide6.QtGui import QImage

from Testing.waiting import LONGEST_SECONDS

A_MODULE = """
import qt
import slicer
from slicer.ScriptedLoadableModule import *

told = []

class Example(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "An example"

class ExampleWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        super().setup()
        self.button = qt.QPushButton("Press")
        self.layout.addWidget(self.button)
        told.append("setup")

    def enter(self):
        told.append("enter")

    def exit(self):
        told.append("exit")

    def cleanup(self):
        told.append("cleanup")
"""


@pytest.fixture
def a_module(tmp_path: Path) -> Path:
    path = tmp_path / "Example.py"
    path.write_text(A_MODULE)
    return path


def test_a_volume_is_shown_in_the_slice_views(desktop):
    desktop.load()
    for name in ("Red", "Green", "Yellow"):
        image = desktop.shown_image(name)
        assert image.std() > 20, name
        assert np.ptp(image.max(axis=2).astype(int)) > 150


def test_a_screenshot_holds_panel_and_views(desktop):
    desktop.open()
    desktop.load()
    image = QImage(str(desktop.screenshot("all"))).convertToFormat(QImage.Format_RGB888)
    assert (image.width(), image.height()) == (desktop.window.width, desktop.window.height)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    left, right = rows[:, : 3 * 400], rows[:, 3 * 500 : 3 * image.width()]
    assert len(np.unique(left)) > 50
    assert right.std() > 50


def test_a_module_is_told_what_happens_to_it(desktop, a_module):
    widget = desktop.open("Example", path=a_module)
    told = sys.modules["Example"].told
    assert told == ["setup", "enter"]
    assert slicer.modules.example.title == "An example"
    assert slicer.util.getModuleWidget("Example") is widget
    desktop.select("SegmentEditor")
    assert told[2:] == ["exit"]
    desktop.select("Example")
    new = desktop.reload()
    assert new is not widget
    assert slicer.modules.ExampleWidget is new
    # Slicer neither leaves nor enters a module that is loaded anew; its file was read again, with an empty list.
    assert told[3:] == ["enter", "cleanup"]
    assert sys.modules["Example"].told == ["setup"]


def test_what_is_hidden_or_disabled_can_not_be_clicked(desktop, a_module):
    button = desktop.open("Example", path=a_module).button
    button.enabled = False
    button.toolTip = "Choose a volume first"
    with pytest.raises(AssertionError, match="disabled: Choose a volume first"):
        desktop.click(button)
    button.hide()
    with pytest.raises(AssertionError, match="hidden"):
        desktop.click(button)


def test_a_question_is_answered_as_the_script_says(desktop):
    desktop.dialogs.answer("Yes")
    assert slicer.util.confirmYesNoDisplay("Go on?")
    desktop.dialogs.answer("No")
    assert not slicer.util.confirmYesNoDisplay("Go on?")
    assert [each.text for each in desktop.dialogs.seen] == ["Go on?", "Go on?"]
    assert [each.answer for each in desktop.dialogs.seen] == ["Yes", "No"]


def test_an_error_that_is_shown_can_be_read(desktop):
    with pytest.raises(RuntimeError), slicer.util.tryWithErrorDisplay("It failed."):
        raise RuntimeError("no memory")
    dialog = desktop.dialogs.take()
    assert dialog.kind == "critical"
    assert "no memory" in dialog.text


def test_a_dialog_that_nobody_expected_is_a_failure(desktop):
    slicer.util.warningDisplay("Nobody expects this")
    (unexpected,) = desktop.dialogs.unexpected()
    assert unexpected.text == "Nobody expects this"
    desktop.dialogs.expected("Nobody expects")


def test_an_error_in_what_qt_calls_is_a_failure(desktop):
    def fail() -> None:
        raise ValueError("in a slot")

    qt.QTimer.singleShot(0, fail)
    desktop.wait(0.02)
    assert "in a slot" in desktop.failures.pop()


def test_a_pause_of_the_event_loop_is_measured(desktop):
    slept: list[None] = []
    qt.QTimer.singleShot(30, lambda: slept.append(time.sleep(0.12)))
    with desktop.watch() as pauses:
        desktop.wait_until(lambda: slept and pauses.ticks > 5, what="ticks after the pause")
    assert pauses.longest_ms > 115
    assert pauses.busiest_ms < pauses.longest_ms  # it slept


def test_waiting_in_vain_says_for_what(desktop):
    with pytest.raises(AssertionError, match=r"Waited 0.05 s for the moon"):
        desktop.wait_until(lambda: False, what="the moon", timeout=0.05)


def test_what_was_to_be_installed_is_noted(desktop):
    import slicer.packaging
    from packaging.requirements import Requirement

    slicer.packaging.pip_ensure([Requirement("nobodys-package>=1")])
    assert [call.requirements for call in desktop.pip.calls] == [["nobodys-package>=1"]]
    assert slicer.packaging.pip_check(Requirement("nobodys-package>=1"))
    desktop.pip.answer = "fail"
    with pytest.raises(RuntimeError, match="no network"):
        slicer.packaging.pip_ensure([Requirement("another-package")])


def test_each_desktop_begins_with_an_empty_scene_and_settings(desktop):
    assert not slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert not slicer.app.settings().contains("left/behind")
    slicer.app.settings().setValue("left/behind", 1)


test_no_desktop_finds_what_another_left = test_each_desktop_begins_with_an_empty_scene_and_settings


def test_the_script_saves_a_picture_without_a_screen(tmp_path):
    script = Path(__file__).with_name("desktop.py")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM")}
    ran = subprocess.run(
        [sys.executable, str(script), "--screenshot", str(tmp_path / "desktop.png")],
        capture_output=True, text=True, env=environment, timeout=LONGEST_SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "desktop.png").stat().st_size > 50_000


def test_the_script_says_when_there_is_no_screen():
    script = Path(__file__).with_name("desktop.py")
    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    ran = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, env=environment, timeout=LONGEST_SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "there is no screen" in ran.stderr
