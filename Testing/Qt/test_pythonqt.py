"""Qt as PythonQt shows it: properties are attributes, signals have C++ signatures, C++ objects take no attributes."""

from __future__ import annotations

import ctk
import pytest
import qt
import slicer


@pytest.fixture(autouse=True)
def with_an_application(desktop):
    """Widgets need one, and what they leave undone is found."""


def test_a_property_is_an_attribute():
    button = qt.QPushButton("&Segment")
    button.enabled = False
    button.toolTip = "No volume"
    assert (button.text, button.enabled, button.toolTip) == ("&Segment", False, "No volume")
    assert not button.isEnabled()
    with pytest.raises(TypeError, match="not callable"):
        button.text()


def test_a_property_that_can_not_be_set_says_so():
    with pytest.raises(AttributeError):
        qt.QComboBox().count = 3


def test_a_new_attribute_is_refused_on_a_cpp_object_and_taken_by_a_python_one():
    with pytest.raises(AttributeError, match="does not exist on QPushButton"):
        qt.QPushButton().level = 1
    with pytest.raises(AttributeError, match="does not exist on ctkSearchBox"):
        ctk.ctkSearchBox().level = 1
    with pytest.raises(AttributeError, match="no property"):
        qt.QPushButton().click = None

    class Button(qt.QPushButton):
        pass

    button = Button()
    button.level = 1
    assert button.level == 1


def test_a_dynamic_property_is_an_attribute_too():
    label = qt.QLabel()
    label.setProperty("SlicerParameterName", "volume")
    assert label.SlicerParameterName == "volume"
    label.SlicerParameterName = "model"
    assert label.property("SlicerParameterName") == "model"


def test_name_is_object_name():
    label = qt.QLabel()
    label.name = "modelLabel"
    assert label.objectName == "modelLabel"
    assert label.className() == "QLabel"


def test_signals_connect_by_signature_and_by_name():
    heard = []
    button = qt.QPushButton()
    button.checkable = True
    button.connect("clicked(bool)", lambda checked: heard.append(("bool", checked)))
    button.connect("clicked()", lambda: heard.append("none"))
    button.clicked.connect(lambda: heard.append("name"))
    button.click()
    assert heard == [("bool", True), "none", "name"]


def test_a_function_gets_no_more_arguments_than_it_takes():
    heard = []
    slider = qt.QSlider()
    slider.connect("valueChanged(int)", lambda: heard.append("moved"))
    slider.value = 3
    assert heard == ["moved"]


def test_disconnect_undoes_connect():
    heard = []
    slider = qt.QSlider()
    slider.connect("valueChanged(int)", heard.append)
    slider.value = 1
    assert slider.disconnect("valueChanged(int)", heard.append)
    slider.value = 2
    assert heard == [1]
    assert not slider.disconnect("valueChanged(int)", heard.append)


def test_a_signature_that_is_none_is_refused():
    with pytest.raises(ValueError, match="QPushButton has no signal clicked"):
        qt.QPushButton().connect("clicked(int)", print)
    with pytest.raises(ValueError, match="has no signal currentNodeChanged"):
        slicer.qMRMLNodeComboBox().connect("currentNodeChanged(vtkMRMLScene*)", print)


def test_a_static_method_keeps_its_name_beside_the_property(desktop):
    heard = []
    timer = qt.QTimer()
    with pytest.raises(AttributeError, match="setSingleShot"):
        timer.singleShot = True
    timer.setSingleShot(True)
    assert timer.isSingleShot()
    timer.singleShot(0, lambda: heard.append(0))
    qt.QTimer.singleShot(0, lambda: heard.append(1))
    desktop.wait(0.02)
    assert heard == [0, 1]


def test_a_section_takes_its_text_as_a_property_only():
    with pytest.raises(ValueError, match="no constructor"):
        ctk.ctkCollapsibleButton("Advanced")


def test_a_form_with_slicers_classes_is_loaded_and_connected(tmp_path, desktop):
    path = tmp_path / "form.ui"
    path.write_text(FORM)
    widget = slicer.util.loadUI(str(path))
    ui = slicer.util.childWidgetVariables(widget)
    widget.setMRMLScene(slicer.mrmlScene)
    assert type(ui.volumeSelector) is slicer.qMRMLNodeComboBox
    assert list(ui.volumeSelector.nodeTypes) == ["vtkMRMLScalarVolumeNode"]
    assert not ui.volumeSelector.addEnabled
    assert ui.volumeSelector.mrmlScene() is slicer.mrmlScene
    assert ui.volumeSelector.property("SlicerParameterName") == "volume"
    assert ui.section.collapsed
    assert type(ui.inside) is qt.QPushButton


def test_a_form_with_an_unknown_class_is_refused(tmp_path):
    path = tmp_path / "form.ui"
    path.write_text(FORM.replace("qMRMLNodeComboBox", "qMRMLNobodysComboBox"))
    with pytest.raises(RuntimeError, match="qMRMLNobodysComboBox"):
        slicer.util.loadUI(str(path))


def test_a_section_hides_its_contents_and_brings_back_what_was_seen(desktop):
    section = ctk.ctkCollapsibleButton()
    section.text = "Advanced"
    column = qt.QVBoxLayout(section)
    seen, hidden = qt.QLabel("seen"), qt.QLabel("hidden")
    column.addWidget(seen)
    column.addWidget(hidden)
    hidden.hide()
    section.show()
    heard = []
    section.connect("contentsCollapsed(bool)", heard.append)
    desktop.click(section)
    assert section.collapsed
    assert not seen.visible
    desktop.click(section)
    assert (seen.visible, hidden.visible) == (True, False)
    assert heard == [True, False]


FORM = """<ui version="4.0"><class>Form</class>
<widget class="qMRMLWidget" name="Form"><layout class="QVBoxLayout">
 <item><widget class="qMRMLNodeComboBox" name="volumeSelector">
  <property name="nodeTypes"><stringlist notr="true"><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
  <property name="addEnabled"><bool>false</bool></property>
  <property name="SlicerParameterName" stdset="0"><string>volume</string></property>
 </widget></item>
 <item><widget class="ctkCollapsibleButton" name="section">
  <property name="collapsed"><bool>true</bool></property>
  <layout class="QVBoxLayout"><item><widget class="QPushButton" name="inside"/></item></layout>
 </widget></item>
</layout></widget>
<customwidgets>
 <customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>qMRMLWidget.h</header><container>1</container></customwidget>
 <customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends><header>qMRMLNodeComboBox.h</header></customwidget>
 <customwidget><class>ctkCollapsibleButton</class><extends>QWidget</extends><header>ctkCollapsibleButton.h</header>
  <container>1</container></customwidget>
</customwidgets>
<connections><connection><sender>Form</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
 <receiver>volumeSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>
"""
