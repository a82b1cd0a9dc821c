"""Other modules before and after this one: Sample Data, the Segment Editor and Segment Statistics."""

from typing import Any

import slicer

__all__ = ["openSampleData", "openSegmentEditor", "openSegmentStatistics"]


def openSampleData() -> None:
    """Open the module that downloads images to try things on."""
    slicer.util.selectModule("SampleData")


def openSegmentEditor(segmentationNode: Any, volumeNode: Any) -> None:
    """Open the Segment Editor on a segmentation and its volume.

    Raises:
        RuntimeError: The module is not there.
    """
    slicer.util.selectModule("SegmentEditor")
    parameters = slicer.util.getModuleWidget("SegmentEditor").parameterSetNode
    parameters.SetAndObserveSegmentationNode(segmentationNode)
    parameters.SetAndObserveSourceVolumeNode(volumeNode)


def openSegmentStatistics(segmentationNode: Any, volumeNode: Any) -> None:
    """Open Segment Statistics on a segmentation, with the volume's intensities.

    Raises:
        RuntimeError: The module is not there.
    """
    slicer.util.selectModule("SegmentStatistics")
    widget = slicer.util.getModuleWidget("SegmentStatistics")
    widget.segmentationSelector.setCurrentNode(segmentationNode)
    widget.scalarSelector.setCurrentNode(volumeNode)
