"""What happens in the scene without us: nodes are deleted and shown, volumes moved, scenes closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import slicer
import vtk

from CompactSegMRML.Edits import isLevel
from CompactSegMRML.LevelNodes import volumeOfNode
from CompactSegMRML.ResultFolder import hierarchyOf, nodesOfClass, parentOf
from CompactSegMRML.Results import EDITED_ROLE
from CompactSegMRML.Signal import Signal
from CompactSegMRML.SliceViews import describe, layoutNode

_EDITS = (
    slicer.vtkSegmentation.SourceRepresentationModified,
    slicer.vtkSegmentation.SegmentAdded,
    slicer.vtkSegmentation.SegmentRemoved,
)
_LOOKS = (
    slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
    slicer.vtkSegmentation.SegmentModified,  # as its colour and its name
)


class SceneWatch:
    """Observes a scene until it is released.

    Signals:
        nodeRemoved(node): not while the scene closes.
        closing(): the scene is about to close.
        changed(): it was closed, opened or restored.
        undoing(scene): it is about to undo something, or to do it again.
        undone(scene): it has.
        volumeMoved(volumeNode): its geometry, transform or name may be another; of volumes that have levels or copies.
        volumeReparented(volumeNode, before): it is under another item of the subject hierarchy; of the same volumes.
        levelModified(node): a level or an edited copy was shown, hidden, renamed or drawn otherwise, as in colour.
        levelEdited(node): voxels or segments of a level are others.
        imageReplaced(volumeNode): voxels of a volume that has levels are others.
        saving(): the scene is about to be saved.
        layoutChanged().
        viewsChanged(): a slice view may show another volume.
    """

    def __init__(self, scene: Any) -> None:
        self.nodeRemoved, self.closing, self.changed = Signal(), Signal(), Signal()
        self.volumeMoved, self.levelModified, self.layoutChanged = Signal(), Signal(), Signal()
        self.levelEdited, self.imageReplaced, self.saving = Signal(), Signal(), Signal()
        self.viewsChanged, self.undoing, self.undone = Signal(), Signal(), Signal()
        self.volumeReparented = Signal()
        self._scene = scene
        self._others: list[Any] = []
        self._sceneTags: list[int] = []
        self._nodeTags: dict[Any, list[int]] = {}
        self._parents: dict[Any, int] = {}
        self._isViewToTell = False
        for event, receiver in {
            scene.NodeRemovedEvent: self._onRemoved,
            scene.StartCloseEvent: lambda *_: self.closing(),
            scene.StartSaveEvent: lambda *_: self.saving(),
            scene.EndCloseEvent: self._onChanged,
            scene.EndImportEvent: self._onChanged,
            scene.EndRestoreEvent: self._onChanged,
            scene.StartUndoEvent: lambda *_: self.undoing(self._scene),
            scene.StartRedoEvent: lambda *_: self.undoing(self._scene),
            scene.EndUndoEvent: self._onUndone,
            scene.EndRedoEvent: self._onUndone,
            scene.EndBatchProcessEvent: self._onBatchEnd,
        }.items():
            self._sceneTags.append(scene.AddObserver(event, receiver))
        self.refresh()

    def refresh(self) -> None:
        """Observe the levels that are there now, their volumes, the layout and the slice views."""
        wanted: dict[Any, tuple[tuple[int, Callable[..., None]], ...]] = {}
        modified = vtk.vtkCommand.ModifiedEvent
        for node in (each for each in self._others if each.GetScene() is not None):
            wanted[node] = tuple((event, _telling(self.levelModified)) for event in _LOOKS)
        volumes = set()
        for node in nodesOfClass(self._scene, "vtkMRMLSegmentationNode"):
            if isLevel(node):
                wanted[node] = (
                    *((event, _telling(self.levelModified)) for event in (*_LOOKS, modified)),
                    *((event, _telling(self.levelEdited)) for event in _EDITS),
                )
                volume = volumeOfNode(node)
            elif volume := node.GetNodeReference(EDITED_ROLE):
                wanted[node] = tuple((event, _telling(self.levelModified)) for event in _LOOKS)
            if volume is not None:
                volumes.add(volume)
                moved = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
                replaced = slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent
                wanted[volume] = (
                    (modified, _telling(self.volumeMoved)),
                    (moved, _telling(self.volumeMoved)),
                    (replaced, _telling(self.imageReplaced)),
                )
        self._parents = {each: parentOf(each) for each in volumes}
        hierarchy = hierarchyOf(self._scene)
        wanted[hierarchy] = ((hierarchy.SubjectHierarchyItemReparentedEvent, self._onReparented),)
        for node in nodesOfClass(self._scene, "vtkMRMLSliceCompositeNode"):
            wanted[node] = ((modified, self._onView),)
        layout = layoutNode(self._scene)
        if layout is not None:
            describe(layout)
            wanted[layout] = ((modified, lambda *_: self.layoutChanged()),)
        for node in [each for each in self._nodeTags if each not in wanted]:
            self._forget(node)
        for node, observed in wanted.items():
            if node not in self._nodeTags:
                self._nodeTags[node] = [node.AddObserver(*each) for each in observed]

    def follow(self, nodes: list[Any]) -> None:
        """Tell also when these segmentations are shown otherwise, which are no levels."""
        self._others = nodes
        self.refresh()

    def release(self) -> None:
        """Observe nothing any more."""
        for node in list(self._nodeTags):
            self._forget(node)
        for tag in self._sceneTags:
            self._scene.RemoveObserver(tag)
        self._sceneTags.clear()

    def _forget(self, node: Any) -> None:
        for tag in self._nodeTags.pop(node, ()):
            with suppress(AttributeError):  # the node may be gone altogether
                node.RemoveObserver(tag)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onRemoved(self, _caller: Any, _event: str, node: Any) -> None:
        self._forget(node)
        if not self._scene.IsClosing():
            self.nodeRemoved(node)

    def _onReparented(self, *_: Any) -> None:
        if self._scene.IsImporting() or self._scene.IsClosing():
            return
        for volume, before in list(self._parents.items()):
            now = parentOf(volume) if volume.GetScene() is not None else 0
            if now not in (0, before):
                self._parents[volume] = now
                self.volumeReparented(volume, before)

    def _onChanged(self, *_: Any) -> None:
        self.refresh()
        self.changed()

    def _onUndone(self, *_: Any) -> None:
        self.refresh()
        self.undone(self._scene)

    def _onView(self, _node: Any, _event: str) -> None:
        scene = self._scene
        if not scene.IsBatchProcessing():
            self.viewsChanged()
        elif not scene.IsImporting() and not scene.IsClosing():  # a scene that is read is not whole
            self._isViewToTell = True

    def _onBatchEnd(self, *_: Any) -> None:
        if self._isViewToTell:
            self._isViewToTell = False
            self.viewsChanged()


def _telling(signal: Signal) -> Callable[..., None]:
    """An observer of a node that passes it on."""
    return lambda node, _event: signal(node)
