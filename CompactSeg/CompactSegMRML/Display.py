"""How levels look, and where a new region of interest is put: what the user can set, apart from what is shown."""

from __future__ import annotations

from typing import Any

__all__ = ["applyStyle", "placeRegion"]

_NEW_REGION_MM = (50.0, 50.0, 50.0)
_SLICE_VIEWS = ("Yellow", "Green", "Red")
"""Those that are perpendicular to R, A and S."""


def applyStyle(segmentationNode: Any, *, outlineOnly: bool, show3D: bool) -> None:
    """Set whether a level is filled or an outline, and whether it is in the 3D view too.

    The surface for the 3D view is made when it is first seen, since that takes a while for large structures.
    """
    display = segmentationNode.GetDisplayNode()
    if display is None:
        return
    if bool(display.GetVisibility2DFill()) is outlineOnly:
        display.SetVisibility2DFill(not outlineOnly)
    if show3D and display.GetVisibility():
        segmentationNode.CreateClosedSurfaceRepresentation()
    if bool(display.GetVisibility3D()) is not show3D:
        display.SetVisibility3D(show3D)


def placeRegion(region: Any, volumeNode: Any, *, sizeMm: tuple[float, float, float] | None) -> None:
    """Give a new region a size, and put it where the slice views meet.

    Args:
        region: vtkMRMLMarkupsROINode.
        volumeNode: On which it is placed; None leaves the region where it is.
        sizeMm: Along R, A and S; None for one that is easily seen and changed.
    """
    region.SetSize(*(sizeMm or _NEW_REGION_MM))
    if volumeNode is not None:
        region.SetCenter(_viewedPosition(volumeNode))
    region.CreateDefaultDisplayNodes()
    display = region.GetDisplayNode()
    display.SetFillOpacity(0.0)
    display.SetPropertiesLabelVisibility(False)  # it would lie on the structure


def _viewedPosition(volumeNode: Any) -> list[float]:
    """Where the slice views meet, in RAS; along an axis on which that is outside of the volume, the volume's middle."""
    bounds = [0.0] * 6
    volumeNode.GetRASBounds(bounds)
    position = []
    for axis, name in enumerate(_SLICE_VIEWS):
        low, high = bounds[2 * axis : 2 * axis + 2]
        sliceNode = volumeNode.GetScene().GetNodeByID(f"vtkMRMLSliceNode{name}")
        here = sliceNode.GetSliceToRAS().GetElement(axis, 3) if sliceNode else low
        position.append(here if low < here < high else (low + high) / 2)
    return position
