"""A scene's nodes in order, and word of those that come, go or change their name."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, Protocol

import slicer
import vtk


class Listener(Protocol):
    """Who wants to know; asked for nothing after it was deleted."""

    def _on_node_added(self, node: Any) -> None: ...
    def _on_node_about_to_be_removed(self, node: Any) -> None: ...
    def _on_node_removed(self, node_id: str) -> None: ...
    def _on_node_renamed(self, node: Any) -> None: ...
    def _rebuild(self) -> None: ...


class SceneNodes:
    """Observes one scene for one widget, and ends with it."""

    def __init__(self, scene: Any, listener: Any) -> None:
        self.scene = scene
        self._listener = weakref.ref(listener)
        self._watched: dict[Any, tuple[str, int]] = {}
        events = slicer.vtkMRMLScene
        self._tags = [
            self._observe(events.NodeAddedEvent, self._on_added),
            self._observe(events.NodeAboutToBeRemovedEvent, self._on_leaving),
            self._observe(events.NodeRemovedEvent, self._on_removed),
            scene.AddObserver(events.EndBatchProcessEvent, lambda *_: self._tell("_rebuild")),
        ]
        for node in self.all():
            self._watch_name(node)
        listener.destroyed.connect(lambda: self.forget())

    def all(self) -> Iterator[Any]:
        for index in range(self.scene.GetNumberOfNodes()):
            yield self.scene.GetNthNode(index)

    def forget(self) -> None:
        for tag in self._tags:
            self.scene.RemoveObserver(tag)
        for node, (_, tag) in self._watched.items():
            node.RemoveObserver(tag)
        self._tags, self._watched = [], {}

    def _observe(self, event: int, method: Any) -> int:
        @vtk.calldata_type(vtk.VTK_OBJECT)
        def called(_caller: Any, _event: str, node: Any) -> None:
            method(node)

        return int(self.scene.AddObserver(event, called))

    def _tell(self, method: str, *arguments: Any) -> None:
        listener = self._listener()
        if listener is not None:
            getattr(listener, method)(*arguments)

    def _watch_name(self, node: Any) -> None:
        name = node.GetName()

        def on_modified(*_: Any) -> None:
            nonlocal name
            if node.GetName() != name:
                name = node.GetName()
                self._tell("_on_node_renamed", node)

        tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, on_modified)
        self._watched[node] = (node.GetID(), tag)

    def _on_added(self, node: Any) -> None:
        self._watch_name(node)
        if not self.scene.IsBatchProcessing():
            self._tell("_on_node_added", node)

    def _on_leaving(self, node: Any) -> None:
        self._tell("_on_node_about_to_be_removed", node)

    def _on_removed(self, node: Any) -> None:
        # It has no ID any more.
        node_id, tag = self._watched.pop(node)
        node.RemoveObserver(tag)
        if not self.scene.IsBatchProcessing():
            self._tell("_on_node_removed", node_id)
