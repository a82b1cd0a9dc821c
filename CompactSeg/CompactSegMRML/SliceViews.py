"""The slice views: which volume they show, and the layout of a comparison.

That has for each side an axial view over a sagittal and a coronal one, A left and B right.
"""

from __future__ import annotations

from typing import Any

import slicer

from CompactSegMRML.ResultFolder import nodesOfClass

LAYOUT = 10783640
"""Of the layout; far from the numbers that Slicer and other extensions use."""

SIDES = ("Left", "Right")
_ORIENTATIONS = ("Axial", "Sagittal", "Coronal")
VIEW_NAMES = tuple(
    tuple(f"CompactSeg{side}{orientation}" for side in SIDES) for orientation in _ORIENTATIONS
)
"""Layout names of the views: (left, right) for each orientation."""

_GROUP = 1078  # linking reaches the views of a group only, so the usual views keep their places
_COLORS = {"Axial": "#F34A33", "Sagittal": "#EDD54C", "Coronal": "#6EB04B"}


def layoutNode(scene: Any) -> Any:
    """The scene's layout node; None without a window."""
    return scene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def describe(layout: Any) -> None:
    """Let a layout node know the comparison's layout."""
    if not layout.IsLayoutDescription(LAYOUT):
        layout.AddLayoutDescription(LAYOUT, _description())


def sliceNode(scene: Any, name: str) -> Any:
    """The slice node of a view, made where no window has made it."""
    node = scene.GetSingletonNode(name, "vtkMRMLSliceNode")
    if node is None:
        # As the scene makes them: it gives them the orientations by name, which a node made alone has not.
        node = scene.CreateNodeByClass("vtkMRMLSliceNode")
        node.UnRegister(None)
        node.SetName(name)
        node.SetLayoutName(name)
        node.SetSingletonTag(name)
        node = scene.AddNode(node)
        node.SetOrientation(next(each for each in _ORIENTATIONS if name.endswith(each)))
        node.SetViewGroup(_GROUP)
    return node


def prepareViews(volumeNode: Any, *, centre: Any, names: tuple[str, str]) -> None:
    """Show the volume in all views of the comparison, linked, at a place in the world.

    Args:
        volumeNode: The background.
        centre: World millimetres; None to leave the slices where they are.
        names: Of the left and the right side, for the views' labels.
    """
    scene = volumeNode.GetScene()
    for pair, orientation in zip(VIEW_NAMES, _ORIENTATIONS, strict=True):
        for name, label in zip(pair, names, strict=True):
            node, composite = sliceNode(scene, name), _compositeNode(scene, name)
            node.SetOrientation(orientation)  # closing a scene may have taken it
            node.SetLayoutLabel(label)
            # Not linked while they are set up, or each change would go to all others.
            composite.SetLinkedControl(False)
            composite.SetHotLinkedControl(False)
            composite.SetBackgroundVolumeID(volumeNode.GetID())
            composite.SetForegroundVolumeID(None)
            composite.SetLabelVolumeID(None)
            _fit(node)
            if centre is not None:
                node.JumpSliceByOffsetting(*map(float, centre))
    for pair in VIEW_NAMES:
        for name in pair:
            composite = _compositeNode(scene, name)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)  # the other side follows while one is dragged


def showCrosshair(scene: Any, centre: Any, before: int | None) -> int | None:
    """Show where the slices meet; return the mode that the crosshair had, or had before that."""
    node = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if node is None or centre is None:
        return before
    mode = node.GetCrosshairMode() if before is None else before
    node.SetCrosshairRAS(*map(float, centre))
    node.SetCrosshairMode(node.ShowBasic)
    return mode


def hideCrosshair(scene: Any, before: int | None) -> None:
    """Give the crosshair the mode that it had; None where it was not touched."""
    node = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if node is not None and before is not None:
        node.SetCrosshairMode(before)


def _compositeNode(scene: Any, name: str) -> Any:
    node = scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode")
    if node is None:
        node = slicer.vtkMRMLSliceCompositeNode()
        node.SetName(name)
        node.SetLayoutName(name)
        node.SetSingletonTag(name)
        node = scene.AddNode(node)
    return node


def _fit(node: Any) -> None:
    """Show the whole volume; only a window's slice logic knows how large its view is."""
    application = getattr(slicer, "app", None)
    find = getattr(application, "applicationLogic", None)
    logic = find().GetSliceLogic(node) if find is not None else None
    if logic is not None:
        logic.FitSliceToBackground()


def _description() -> str:
    sides = "".join(f"<item>{_side(side)}</item>" for side in SIDES)
    return f'<layout type="horizontal" split="true">{sides}</layout>'


def _side(side: str) -> str:
    axial, sagittal, coronal = (_view(side, orientation) for orientation in _ORIENTATIONS)
    below = f'<layout type="horizontal" split="true"><item>{sagittal}</item><item>{coronal}</item></layout>'
    return (
        f'<layout type="vertical" split="true"><item splitSize="650">{axial}</item>'
        f'<item splitSize="350">{below}</item></layout>'
    )


def _view(side: str, orientation: str) -> str:
    properties = {
        "orientation": orientation,
        "viewlabel": side[0],
        "viewcolor": _COLORS[orientation],
        "viewgroup": str(_GROUP),
    }
    inner = "".join(
        f'<property name="{name}" action="default">{value}</property>'
        for name, value in properties.items()
    )
    return f'<view class="vtkMRMLSliceNode" singletontag="CompactSeg{side}{orientation}">{inner}</view>'


def _viewedIDs(scene: Any) -> list[str]:
    """IDs of the volumes in the background of the slice views, the usual ones first; then those seen before them."""
    ofComparisons = [name for pair in VIEW_NAMES for name in pair]
    layers: tuple[list[str], list[str]] = ([], [])
    nodes = nodesOfClass(scene, "vtkMRMLSliceCompositeNode")
    nodes.sort(key=lambda node: node.GetLayoutName() not in ("Red", "Yellow", "Green"))
    for node in nodes:
        if node.GetLayoutName() in ofComparisons:
            continue
        foregroundID = node.GetForegroundVolumeID() if node.GetForegroundOpacity() else None
        for layer, volumeID in zip(
            layers, (node.GetBackgroundVolumeID(), foregroundID), strict=True
        ):
            if volumeID and scene.GetNodeByID(volumeID):
                layer.append(volumeID)
    return [*layers[0], *layers[1]]


def volumeOnView(scene: Any, *, chosen: Any = None) -> Any:
    """The volume that the slice views show; None without any in the scene.

    It is the chosen one where that is among those that they show, or they show none. Without a choice, and with nothing
    in the views, it is the scene's first.
    """
    shown = _viewedIDs(scene)
    if chosen is not None and (not shown or chosen.GetID() in shown):
        return chosen
    return (scene.GetNodeByID(shown[0]) if shown else None) or scene.GetFirstNodeByClass(
        "vtkMRMLScalarVolumeNode"
    )


def showInViews(volume: Any) -> None:
    """Let the slice views show a volume that none of them shows.

    One that is still without voxels is left to whoever is making it: shown now, it would get a window of nothing.
    """
    if volume is None or volume.GetImageData() is None or volume.GetScene().IsImporting():
        return
    if volume.GetID() in _viewedIDs(volume.GetScene()):
        return
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
