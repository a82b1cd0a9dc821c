"""CompactSeg from a script, without a window."""

from __future__ import annotations

import subprocess
import sys

import pytest

from CompactSegLib.errors import Cancelled, CompactSegError, InputError
from CompactSegMRML import segment
from CompactSegMRML.Signal import Signal
from Testing.MRML.conftest import MODEL, add_volume
from Testing.repository import REPOSITORY


def test_a_script_segments_and_waits(scene):
    volume = add_volume(scene)
    said = []
    levels = segment(
        volume, model=MODEL, levels=2, progress=lambda *arguments: said.append(arguments)
    )
    assert [level.level for level in levels] == [1, 2]
    assert levels[1].segmentationNode.GetName() == "left_hippocampus level 2"
    assert levels[1].segmentationNode.GetDisplayNode().GetVisibility()
    assert said[0] == (0, 2, 0.0, "Starting the worker")
    assert said[-1][:3] == (2, 2, 1.0)


def test_a_script_can_use_a_warm_logic(logic, volume):
    assert len(segment(volume, model=MODEL, levels=1, logic=logic)) == 1
    assert logic.state == "ready"


def test_what_goes_wrong_is_raised_with_its_sentence(logic, volume, scene):
    with pytest.raises(InputError, match="in a scene"):
        segment(None, model=MODEL)
    with pytest.raises(CompactSegError, match="from 0 to 1"):
        segment(volume, model=MODEL, threshold=3.0, logic=logic)
    with pytest.raises(CompactSegError, match="command not found"):
        segment(add_volume(scene), model=MODEL, workerCommand="no-such-program")
    with pytest.raises(InputError, match="expected a model"):
        segment(volume, model="nothing", logic=logic)


def test_a_script_can_cancel_from_its_progress(logic, volume):
    with pytest.raises(Cancelled):
        segment(volume, model=MODEL, logic=logic, progress=lambda *_: logic.cancel())
    assert logic.state == "ready"


def test_importing_the_logic_loads_nothing_heavy():
    code = (
        "import sys; sys.path[:0] = ['CompactSeg', '.']\n"
        "import CompactSegMRML\n"
        "assert 'slicer' not in sys.modules\n"
        "from CompactSegMRML import segment\n"
        "heavy = {'torch', 'SimpleITK', 'qt', 'ctk', 'PySide6', 'typer', 'safetensors', 'psutil'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_a_receiver_that_fails_does_not_stop_the_others(caplog):
    said = []

    def fail(*_):
        raise RuntimeError("a fault of the panel")

    signal = Signal()
    for receiver in (fail, said.append, said.append):
        signal.connect(receiver)
    signal("once")
    assert said == ["once"]
    assert "a fault of the panel" in caplog.text
    signal.disconnect(said.append)
    signal.disconnect(said.append)
    signal("again")
    assert said == ["once"]
