"""Slicer's Segment Editor as far as another module hands work over to it: which segmentation, on which volume."""

from __future__ import annotations

import qt
import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin


class SegmentEditor(ScriptedLoadableModule):
    def __init__(self, parent) -> None:
        super().__init__(parent)
        parent.title = "Segment Editor"


class SegmentEditorWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self) -> None:
        super().setup()
        self.editor = slicer.qMRMLSegmentEditorWidget()
        self.editor.setMRMLScene(slicer.mrmlScene)
        self.layout.addWidget(self.editor)
        note = qt.QLabel("The tools of the Segment Editor are in Slicer.")
        note.wordWrap = True
        self.layout.addWidget(note)
        self.layout.addStretch(1)
        self.selectParameterNode()

    def selectParameterNode(self) -> None:
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag("SegmentEditor")
            node = scene.AddNode(node)
        self.parameterSetNode = node
        self.editor.setMRMLSegmentEditorNode(node)
        self.addObserver(
            node, vtk.vtkCommand.ModifiedEvent, lambda *_: self.editor.updateWidgetFromMRML()
        )

    def enter(self) -> None:
        self.removeObservers()
        self.selectParameterNode()

    def cleanup(self) -> None:
        self.removeObservers()
