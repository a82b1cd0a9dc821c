"""The segments of a level's node: one for each label, in one shared layer, beside whatever a user added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from CompactSegLib.output.seg_nrrd import terminology_entry
from CompactSegMRML.Labels import (
    BINARY_LABELMAP,
    LabelPatch,
    gridOf,
    imageOf,
    patchOfImages,
    voxelsOf,
)

if TYPE_CHECKING:
    from CompactSegLib.labels import Label

_TAG = "CompactSeg.Label"


def segmentsOf(segmentation: Any) -> list[tuple[str, Any]]:
    """ID and vtkSegment of each segment, in order."""
    ids = (segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments()))
    return [(each, segmentation.GetSegment(each)) for each in ids]


def namesOf(segment: Any) -> set[str]:
    """A segment's name, and the one that a run gave it: a user may have renamed it."""
    mark = vtk.reference("")
    given = [str(mark).partition(" ")[2]] if segment.GetTag(_TAG, mark) else []
    return {segment.GetName(), *given}


def putLabels(
    segmentation: Any, patch: LabelPatch, *, labels: Sequence[Label], ijkToRAS: np.ndarray
) -> None:
    """Give each label its segment and its voxels.

    Segments that are there keep their IDs, and with them the colours and visibility that a user chose; those of
    another model go. What others added stays.

    Args:
        segmentation: vtkSegmentation.
        patch: The labels.
        labels: Those of the model, also where they have no voxels.
        ijkToRAS: (4, 4), of the volume's grid, without parent transforms.
    """
    wanted = {_mark(label): label for label in labels}
    _leaveShared(segmentation)
    for mark, segmentID in _marked(segmentation).items():
        if mark not in wanted:
            segmentation.RemoveSegment(segmentID)
    image = imageOf(patch, ijkToRAS)
    there = _marked(segmentation)
    for mark, label in wanted.items():
        if mark in there:
            segment = segmentation.GetSegment(there[mark])
            segment.AddRepresentation(BINARY_LABELMAP, image)
            segment.SetLabelValue(label.value)
        else:
            segment = _segment(label, mark)
            segment.AddRepresentation(BINARY_LABELMAP, image)
            segmentation.AddSegment(segment, _freeID(segmentation, label))
    # Surfaces that were made of the labels before are dropped, and views are told.
    image.Modified()


def ownSegments(segmentation: Any) -> dict[int, Any]:
    """Label value to vtkSegment, of the segments that a run made."""
    return {
        int(mark.partition(" ")[0]): segmentation.GetSegment(each)
        for mark, each in _marked(segmentation).items()
    }


def patchOfSegments(segments: Mapping[int, Any], ijkToRAS: np.ndarray) -> LabelPatch:
    """The labels that segments hold now, on the grid with this (4, 4) matrix.

    Args:
        segments: The value that each vtkSegment is to have.
        ijkToRAS: (4, 4), the grid.
    """
    images = {}
    for value, segment in segments.items():
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None:
            images[value] = (image, segment.GetLabelValue())
    return patchOfImages(images, ijkToRAS)


def withLabelmaps(segmentation: Any) -> Any:
    """A vtkSegmentation as it is; where it is kept in surfaces, without label maps, a copy that has them."""
    if segmentation.ContainsRepresentation(BINARY_LABELMAP):
        return segmentation
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation)
    copy.CreateRepresentation(BINARY_LABELMAP)
    return copy


def removeOwnSegments(segmentation: Any) -> bool:
    """Take the segments of runs away; whether others remain."""
    _leaveShared(segmentation)
    for segmentID in _marked(segmentation).values():
        segmentation.RemoveSegment(segmentID)
    return segmentation.GetNumberOfSegments() > 0


def moveSegments(segmentation: Any, ijkToRAS: np.ndarray) -> bool:
    """Put the layers that lie on the grid of a run's segments onto another grid; whether they were on another."""
    own = ownSegments(segmentation).values()
    images = [segment.GetRepresentation(BINARY_LABELMAP) for segment in own]
    old = gridOf(images[0]) if images and images[0] is not None else ijkToRAS
    if np.allclose(old, ijkToRAS, rtol=0, atol=1e-9):
        return False
    for _segmentID, segment in segmentsOf(segmentation):
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None and np.allclose(gridOf(image), old, rtol=0, atol=1e-9):
            image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijkToRAS))
            image.Modified()
    return True


def forgetOwner(segmentation: Any) -> None:
    """Let the segments of a copy be a user's own."""
    for segment in ownSegments(segmentation).values():
        segment.RemoveTag(_TAG)


def _segment(label: Label, mark: str) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(label.name)
    segment.SetNameAutoGenerated(False)
    segment.SetColor(*(part / 255 for part in label.drawn_color))
    segment.SetColorAutoGenerated(False)
    segment.SetLabelValue(label.value)
    segment.SetTag(_TAG, mark)
    segment.SetTag(segment.GetTerminologyEntryTagName(), terminology_entry(label.terminology))
    return segment


def _mark(label: Label) -> str:
    return f"{label.value} {label.name}"


def _marked(segmentation: Any) -> dict[str, str]:
    """Mark to segment ID."""
    found = {}
    for segmentID, segment in segmentsOf(segmentation):
        value = vtk.reference("")
        if segment.GetTag(_TAG, value):
            # A copy that a user made of a segment carries its tags, but comes later.
            found.setdefault(str(value), segmentID)
    return found


def _freeID(segmentation: Any, label: Label) -> str:
    """Like those in the files that CompactSeg writes."""
    return segmentation.GenerateUniqueSegmentID(f"Segment_{label.value}")


def _leaveShared(segmentation: Any) -> None:
    """Take our voxels out of a layer that a user's segments share with ours: that layer stays with them."""
    ours = set(_marked(segmentation).values())
    foreign = {
        segment.GetRepresentation(BINARY_LABELMAP)
        for segmentID, segment in segmentsOf(segmentation)
        if segmentID not in ours
    }
    for segmentID in ours:
        segment = segmentation.GetSegment(segmentID)
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None and image in foreign:
            voxels = voxelsOf(image)
            voxels[voxels == segment.GetLabelValue()] = 0
            image.Modified()
