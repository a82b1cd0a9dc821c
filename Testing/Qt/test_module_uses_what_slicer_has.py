"""Every name that the module uses on objects of Slicer, CTK and Qt is one that they have."""

from __future__ import annotations

import pytest
from honesty import forms
from honesty.api import FILE, Api
from honesty.usage import Module, read

from Testing.repository import REPOSITORY

FORM = REPOSITORY / "Resources" / "UI" / "CompactSeg.ui"
SOURCES = sorted((REPOSITORY / "CompactSeg").rglob("*.py"))


@pytest.fixture(scope="module")
def api() -> Api:
    if not FILE.is_file():
        pytest.skip("needs ../shared/slicer/slicer-api.json, the names that Slicer offers")
    return Api.read()


@pytest.fixture(scope="module")
def the_module(api) -> Module:
    return read(api, SOURCES, forms.widgets(FORM))


def test_the_form_uses_classes_properties_and_signals_that_are_there(api):
    assert not list(forms.problems(api, FORM))


def test_the_code_uses_names_that_are_there(the_module):
    assert not list(the_module.problems)


def test_most_of_the_panels_names_were_understood(the_module):
    """Types that are lost on the way would leave names unchecked."""
    assert len(the_module.checked) > 300


WIDGETS = {
    "volumeSelector": "qMRMLNodeComboBox",
    "button": "QPushButton",
    "advanced": "ctkCollapsibleButton",
}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ui.volumeSelector.currentNodes()", "has no currentNodes"),
        ("ui.nobody.text", "the form has no nobody"),
        ("ui.button.text()", "is a property, and is called"),
        ("ui.button.connect('clicked(int)', f)", "has no signal clicked(int)"),
        ("ui.volumeSelector.connect('currentNodeChanged(vtkMRMLScene*)', f)", "has no signal"),
        ("ui.button.isText = 1", "can not be set"),
        ("ui.volumeSelector.currentNode = n", "can not be set"),
        ("ctk.ctkSliderwidget()", "has no ctkSliderwidget"),
        ("qt.QTimer().begin()", "has no begin"),
        ("slicer.app.layoutManager().sliceWidget('Red').view()", "has no view"),
        ("slicer.app.layout()", "has no layout"),
        ("slicer.util.loadUi(path)", "slicer.util has no loadUi"),
        ("slicer.qMRMLNodeCombobox()", "slicer has no qMRMLNodeCombobox"),
        ("slicer.vtkMRMLNothingNode()", "slicer has no vtkMRMLNothingNode"),
        ("b = ui.button\nb.colour", "has no colour"),
        ("def g(button):\n    button.colour\ng(ui.button)", "has no colour"),
        ("class A:\n def __init__(self, b):\n  self.b = b\n def f(self):\n  self.b.colour\nA(ui.button)", "colour"),
        ("for each in (ui.button, ui.advanced):\n    each.collapsed = True", "QPushButton.collapsed"),
        ("def make():\n    return qt.QTimer()\nmake().begin()", "has no begin"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_found(api, tmp_path, source, said):
    file = tmp_path / "Wrong.py"
    file.write_text(f"import ctk, qt, slicer\n{source}\n")
    found = read(api, [file], WIDGETS).problems
    assert any(said in problem for problem in found), list(found)


@pytest.mark.parametrize(
    "source",
    [
        "ui.volumeSelector.setCurrentNode(None)",
        "ui.button.connect('clicked(bool)', f)",
        "ui.button.connect('clicked()', f)",
        "ui.button.clicked.connect(f)",
        "ui.advanced.collapsed = True",
        "qt.QTimer.singleShot(0, f)",
        "qt.QMessageBox.Yes",
        "slicer.util.errorDisplay('x')",
        "slicer.app.processEvents()",
    ],
)
def test_a_right_name_is_none(api, tmp_path, source):
    file = tmp_path / "Right.py"
    file.write_text(f"import ctk, qt, slicer\n{source}\n")
    assert not read(api, [file], WIDGETS).problems
