"""Slicer's Segment Statistics as far as another module hands work over to it: which segmentation, on which volume."""

from __future__ import annotations

import qt
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget


class SegmentStatistics(ScriptedLoadableModule):
    def __init__(self, parent) -> None:
        super().__init__(parent)
        parent.title = "Segment Statistics"


class SegmentStatisticsWidget(ScriptedLoadableModuleWidget):
    def setup(self) -> None:
        super().setup()
        form = qt.QFormLayout()
        self.layout.addLayout(form)
        self.segmentationSelector = _selector("vtkMRMLSegmentationNode")
        self.scalarSelector = _selector("vtkMRMLScalarVolumeNode")
        form.addRow("Segmentation:", self.segmentationSelector)
        form.addRow("Scalar volume:", self.scalarSelector)
        self.layout.addStretch(1)


def _selector(kind: str):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [kind]
    selector.addEnabled = False
    selector.removeEnabled = False
    selector.noneEnabled = True
    selector.setMRMLScene(slicer.mrmlScene)
    return selector
