"""The slice views are Slicer's: layouts, links, mouse, overlays."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

VIEW = """<item><view class="vtkMRMLSliceNode" singletontag="{name}">
 <property name="orientation" action="default">Coronal</property>
 <property name="viewlabel" action="default">{label}</property>
 <property name="viewcolor" action="default">#11AA22</property>
 <property name="viewgroup" action="default">7</property></view></item>"""
SIDE_BY_SIDE = "<layout type='horizontal' split='true'>{}{}</layout>".format(
    VIEW.format(name="Left", label="A"), VIEW.format(name="Right", label="B")
)


def wheel(widget, steps: int) -> None:
    middle = QPointF(widget.rect.center())
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            middle, middle, QPoint(), QPoint(0, 120 * steps), Qt.NoButton, Qt.NoModifier,
            Qt.NoScrollPhase, False,
        ),
    )  # fmt: skip


def add_segmentation(volume):
    """A box of the volume's middle third."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "box")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("box", "box", (1.0, 0.0, 0.0))
    array = np.zeros_like(slicer.util.arrayFromVolume(volume), dtype=np.uint8)
    third = tuple(slice(n // 3, 2 * n // 3) for n in array.shape)
    array[third] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment, volume)
    return node


def redness(image: np.ndarray) -> int:
    image = image.astype(int)
    return int(np.sum(image[..., 0] > image[..., 1] + 30))


@pytest.mark.parametrize("name", ["Red", "Green", "Yellow"])
def test_a_segmentation_lies_on_the_image_and_goes_when_it_is_hidden(desktop, name):
    volume = desktop.load()
    assert redness(desktop.shown_image(name)) == 0
    node = add_segmentation(volume)
    shown = redness(desktop.shown_image(name))
    assert shown > 1000
    node.GetDisplayNode().SetVisibility(False)
    assert redness(desktop.shown_image(name)) == 0


def test_the_wheel_goes_through_the_slices(desktop):
    desktop.load()
    widget = desktop.view("Red")
    before, image = widget.sliceLogic().GetSliceOffset(), desktop.shown_image("Red")
    wheel(widget.sliceView(), 1)
    desktop.wait(0.05)
    assert abs(widget.sliceLogic().GetSliceOffset() - before) == pytest.approx(1.0)
    assert (desktop.shown_image("Red") != image).any()


def test_a_layout_of_ones_own_puts_views_side_by_side(desktop):
    volume = desktop.load()
    node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(4711, SIDE_BY_SIDE)
    node.SetViewArrangement(4711)
    desktop.wait(0.05)
    left, right = desktop.view("Left"), desktop.view("Right")
    assert left.visible
    assert right.visible
    assert not desktop.view("Red").visible
    assert left.mapToGlobal(QPoint()).x() < right.mapToGlobal(QPoint()).x()
    assert left.mrmlSliceNode().GetOrientation() == "Coronal"
    assert left.mrmlSliceNode().GetLayoutLabel() == "A"
    for widget in (left, right):
        widget.mrmlSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        widget.fitSliceToBackground()
    assert desktop.shown_image("Left").std() > 20
    node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    desktop.wait(0.05)
    assert desktop.view("Red").visible
    assert not left.visible


def test_linked_views_move_together(desktop):
    volume = desktop.load()
    node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(4711, SIDE_BY_SIDE)
    node.SetViewArrangement(4711)
    desktop.wait(0.05)
    left, right = desktop.view("Left"), desktop.view("Right")
    for widget in (left, right):
        composite = widget.mrmlSliceCompositeNode()
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)
        widget.fitSliceToBackground()
    left.sliceController().setSliceOffsetValue(-30.0)
    assert right.sliceLogic().GetSliceOffset() == pytest.approx(-30.0)
    wheel(right.sliceView(), 1)
    assert left.sliceLogic().GetSliceOffset() == right.sliceLogic().GetSliceOffset() != -30.0


def test_renderings_that_are_wanted_together_are_done_once(desktop):
    desktop.load()
    desktop.wait(0.1)
    view = desktop.view("Red").sliceView()
    rendered = []
    tag = view.renderWindow().AddObserver("EndEvent", lambda *_: rendered.append(1))
    for _ in range(20):
        view.scheduleRender()
    desktop.wait(0.1)
    view.renderWindow().RemoveObserver(tag)
    assert len(rendered) == 1


def test_paused_views_are_not_rendered(desktop):
    desktop.load()
    desktop.wait(0.1)
    view = desktop.view("Red").sliceView()
    rendered = []
    tag = view.renderWindow().AddObserver("EndEvent", lambda *_: rendered.append(1))
    slicer.app.pauseRender()
    view.scheduleRender()
    desktop.wait(0.05)
    assert not rendered
    slicer.app.resumeRender()
    desktop.wait(0.05)
    view.renderWindow().RemoveObserver(tag)
    assert rendered


def test_a_surface_is_shown_in_the_3d_view(desktop):
    node = add_segmentation(desktop.load())
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    node.CreateClosedSurfaceRepresentation()
    view.resetFocalPoint()
    view.forceRender()
    with_surface = view._image.toImage() if hasattr(view._image, "toImage") else view._image.copy()
    node.GetDisplayNode().SetVisibility3D(False)
    view.forceRender()
    assert view._image != with_surface


def test_the_bar_says_where_the_slice_lies_in_the_patient(desktop):
    desktop.load()
    said = {
        name: desktop.view(name).sliceController()._offset.text
        for name in ("Red", "Green", "Yellow")
    }
    assert said == {"Red": "I: 12.0 mm", "Green": "P: 23.0 mm", "Yellow": "L: 26.0 mm"}
