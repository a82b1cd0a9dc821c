"""The Segment Editor's widget, without its tools: it shows which segmentation and volume it was given."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QFormLayout

from standin.node_combo_box import qMRMLNodeComboBox
from standin.qmrml_widget import qMRMLWidget
from standin.widget import signal, signals


@signals(
    "segmentationNodeChanged(vtkMRMLSegmentationNode*)",
    "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)",
)
class qMRMLSegmentEditorWidget(qMRMLWidget):
    segmentationNodeChanged = signal("segmentationNodeChanged(vtkMRMLSegmentationNode*)")
    sourceVolumeNodeChanged = signal("sourceVolumeNodeChanged(vtkMRMLVolumeNode*)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._segmentation = _selector("vtkMRMLSegmentationNode")
        self._volume = _selector("vtkMRMLScalarVolumeNode")
        form = QFormLayout(self)
        form.addRow("Segmentation:", self._segmentation)
        form.addRow("Source volume:", self._volume)
        self._segmentation.currentNodeChanged.connect(self.setSegmentationNode)
        self._volume.currentNodeChanged.connect(self.setSourceVolumeNode)

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._segmentation.setMRMLScene(scene)
        self._volume.setMRMLScene(scene)

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._node = node
        self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self) -> None:
        if self._node is not None:
            self._segmentation.setCurrentNode(self._node.GetSegmentationNode())
            self._volume.setCurrentNode(self._node.GetSourceVolumeNode())

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node else None

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node else None

    def setSegmentationNode(self, node: Any) -> None:
        if self._node is not None and node is not self.segmentationNode():
            self._node.SetAndObserveSegmentationNode(node)
            self.segmentationNodeChanged.emit(node)

    def setSourceVolumeNode(self, node: Any) -> None:
        if self._node is not None and node is not self.sourceVolumeNode():
            self._node.SetAndObserveSourceVolumeNode(node)
            self.sourceVolumeNodeChanged.emit(node)


def _selector(kind: str) -> qMRMLNodeComboBox:
    selector = qMRMLNodeComboBox()
    selector.nodeTypes = [kind]
    selector.noneEnabled = True
    selector.addEnabled = selector.removeEnabled = False
    return selector
