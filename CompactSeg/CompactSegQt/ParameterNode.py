"""What the user chose, kept in the scene, so that it is saved and restored with it."""

from typing import Annotated, Any

import slicer
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

MOST_KEPT_MEGABYTES = 1024 * 1024
"""A terabyte, so that nobody meets the limit of the limit."""


# Slicer evaluates the annotations, so they must be no strings: no ``from __future__ import annotations`` here.
@parameterNodeWrapper
class CompactSegParameterNode:
    """The user's choices, with the ranges in which they are.

    The command that starts the worker is not among them: a scene from someone else must not say what this
    computer executes. It is a setting of the application (`Settings`).

    Attributes:
        volume: To be segmented.
        model: Name of the model; "" before one was chosen.
        thresholdPercent: No deeper level is computed when one changed less than this; 0 computes all.
        device: ``auto``, or a name that the worker knows.
        region: To which segmenting is confined; None for the whole volume.
        keptMegabytes: Most memory for feature maps that make deeper levels quick; 0 for a share of what is free.
        outlineOnly: Show levels as outlines, not filled.
    """

    volume: slicer.vtkMRMLScalarVolumeNode
    model: str = ""
    thresholdPercent: Annotated[float, WithinRange(0.0, 100.0)] = 1.0
    device: str = "auto"
    region: slicer.vtkMRMLMarkupsROINode
    keptMegabytes: Annotated[int, WithinRange(0, MOST_KEPT_MEGABYTES)] = 0
    outlineOnly: bool = False


def choicesIn(parameterNode: Any) -> CompactSegParameterNode:
    """The user's choices that a vtkMRMLScriptedModuleNode holds; the defaults where what it holds can not be read.

    A scene may come from anywhere, and Slicer's wrapper raises of a text where a number is to be.
    """
    try:
        return CompactSegParameterNode(parameterNode)
    except ValueError:
        for name in parameterNode.GetParameterNames():
            parameterNode.UnsetParameter(name)
        return CompactSegParameterNode(parameterNode)


def thresholdInPercent(threshold: float) -> float:
    """A threshold from 0 to 1 as the panel shows it."""
    return round(100.0 * threshold, 2)
