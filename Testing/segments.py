"""Segments of a node, and edits as the Segment Editor's effects make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import slicer
import slicer.util

FIRST = "Segment_1"
"""ID of a level's first segment."""


def segments_of(node: Any) -> list[Any]:
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments())]


@contextmanager
def edited(node: Any, segment_id: str) -> Iterator[np.ndarray]:
    """The voxels (k, j, i) of a segment's layer, to be changed in place; then who observes the node is told."""
    segmentation = node.GetSegmentation()
    yield slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, segment_id)
    segmentation.GetSegment(segment_id).GetRepresentation("Binary labelmap").Modified()
    segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)


def edit(node: Any) -> None:
    """As a brush does: the voxels of the first segment are changed in place."""
    with edited(node, FIRST) as voxels:
        voxels[:8] = 1
