"""The parameter node wrapper keeps values in the scene, and widgets and values together."""

from __future__ import annotations

from typing import Annotated

import pytest
import qt
import slicer
import vtk
from slicer.parameterNodeWrapper import (
    Default,
    WithinRange,
    isParameterNodeWrapper,
    parameterNodeWrapper,
)
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic


@parameterNodeWrapper
class Parameters:
    volume: slicer.vtkMRMLScalarVolumeNode
    level: Annotated[int, WithinRange(1, 5), Default(2)]
    threshold: Annotated[float, WithinRange(0.0, 100.0)] = 1.0
    allLevels: bool = False
    device: str = "auto"


@pytest.fixture
def a_node(desktop):
    logic = ScriptedLoadableModuleLogic()
    logic.moduleName = "Example"
    return logic.getParameterNode()


@pytest.fixture
def parameters(a_node) -> Parameters:
    return Parameters(a_node)


def named(widget, name: str):
    widget.setProperty("SlicerParameterName", name)
    return widget


def test_defaults_are_there_and_in_the_node(parameters, a_node):
    assert isParameterNodeWrapper(parameters)
    assert (parameters.volume, parameters.level, parameters.threshold) == (None, 2, 1.0)
    assert a_node.GetParameter("device") == "auto"


def test_values_come_back_with_another_wrapper_of_the_node(parameters, a_node):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    parameters.volume, parameters.level, parameters.allLevels = node, 4, True
    again = Parameters(a_node)
    assert (again.volume, again.level, again.allLevels) == (node, 4, True)


@pytest.mark.parametrize(("name", "value"), [("level", 6), ("threshold", -1.0), ("device", None)])
def test_a_value_that_is_not_allowed_is_refused(parameters, name, value):
    before = getattr(parameters, name)
    with pytest.raises(ValueError, match=r"."):
        setattr(parameters, name, value)
    assert getattr(parameters, name) == before


def test_an_observer_is_told_once_and_finds_the_new_value(parameters):
    seen = []
    parameters.AddObserver(
        vtk.vtkCommand.ModifiedEvent, lambda *_: seen.append(parameters.threshold)
    )
    parameters.threshold = 7.5
    assert seen == [7.5]


def test_widgets_and_values_follow_each_other(parameters):
    class Ui:
        level = named(qt.QSlider(), "level")
        threshold = named(qt.QDoubleSpinBox(), "threshold")
        allLevels = named(qt.QCheckBox(), "allLevels")
        device = named(qt.QLineEdit(), "device")

    ui = type("", (), {})()
    for name in ("level", "threshold", "allLevels", "device"):
        setattr(ui, name, getattr(Ui, name))
    tag = parameters.connectGui(ui)
    assert (ui.level.minimum, ui.level.maximum, ui.level.value) == (1, 5, 2)
    ui.level.value = 3
    ui.allLevels.checked = True
    assert (parameters.level, parameters.allLevels) == (3, True)
    parameters.device = "cuda:0"
    assert ui.device.text == "cuda:0"
    parameters.disconnectGui(tag)
    ui.level.value = 5
    assert parameters.level == 3


def test_it_is_saved_with_the_scene(parameters, desktop, tmp_path):
    parameters.threshold = 12.5
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.close_scene()
    desktop.open_scene(tmp_path / "scene.mrb")
    logic = ScriptedLoadableModuleLogic()
    logic.moduleName = "Example"
    assert Parameters(logic.getParameterNode()).threshold == 12.5


def test_choices_that_can_not_be_read_are_those_of_a_new_scene(desktop):
    """A scene may come from anywhere; Slicer's wrapper raises when it is made, and the panel was left without one."""
    logic = ScriptedLoadableModuleLogic()
    logic.moduleName = "CompactSeg"
    logic.getParameterNode().SetParameter("keptMegabytes", "many")
    desktop.open()
    parameters = desktop.panel.panel.parameters
    assert (parameters.keptMegabytes, parameters.device) == (0, "auto")
