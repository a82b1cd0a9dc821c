"""The node selector: a combo box over the scene's nodes of some classes, with None in front and actions behind."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QWidget

from standin.scene_nodes import SceneNodes
from standin.widget import Property, signal, signals

# What a row is: its node's ID, None for the first row "None", or one of these.
ACTION = "action:"


def _rebuild(self: Any) -> None:
    self._rebuild()


@signals(
    "currentNodeChanged(vtkMRMLNode*)",
    "currentNodeChanged(bool)",
    "currentNodeIDChanged(QString)",
    "currentNodeRenamed(QString)",
    "nodeActivated(vtkMRMLNode*)",
    "nodeAdded(vtkMRMLNode*)",
    "nodeAddedByUser(vtkMRMLNode*)",
    "nodeAboutToBeRemoved(vtkMRMLNode*)",
)
class qMRMLNodeComboBox(QWidget):
    currentNodeChanged = signal("currentNodeChanged(vtkMRMLNode*)", "currentNodeChanged(bool)")
    currentNodeIDChanged = signal("currentNodeIDChanged(QString)")
    currentNodeRenamed = signal("currentNodeRenamed(QString)")
    nodeActivated = signal("nodeActivated(vtkMRMLNode*)")
    nodeAdded = signal("nodeAdded(vtkMRMLNode*)")
    nodeAddedByUser = signal("nodeAddedByUser(vtkMRMLNode*)")
    nodeAboutToBeRemoved = signal("nodeAboutToBeRemoved(vtkMRMLNode*)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._nodes: SceneNodes | None = None
        self._requested: str | None = None
        self._rebuilding = False
        self._last: str | None = None
        self._box = QComboBox()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._box.currentIndexChanged.connect(self._on_index)
        self._box.activated.connect(self._on_activated)
        self.enabled = False  # until there is a scene

    nodeTypes = Property("QStringList", default=(), changed=_rebuild)
    showHidden = Property("bool", default=False, changed=_rebuild)
    showChildNodeTypes = Property("bool", default=True, changed=_rebuild)
    hideChildNodeTypes = Property("QStringList", default=(), changed=_rebuild)
    noneEnabled = Property("bool", default=False, changed=_rebuild)
    noneDisplay = Property("QString", default="None", changed=_rebuild)
    addEnabled = Property("bool", default=True, changed=_rebuild)
    removeEnabled = Property("bool", default=True, changed=_rebuild)
    editEnabled = Property("bool", default=False, changed=_rebuild)
    renameEnabled = Property("bool", default=False, changed=_rebuild)
    baseName = Property("QString", default="")
    selectNodeUponCreation = Property("bool", default=True)
    currentNodeID = Property(
        "QString",
        read=lambda self: self._id_at(self._box.currentIndex) or "",
        write=lambda self, value: self.setCurrentNodeID(value),
    )

    def mrmlScene(self) -> Any:
        return self._nodes.scene if self._nodes else None

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self.mrmlScene():
            return
        if self._nodes:
            self._nodes.forget()
        self._nodes = SceneNodes(scene, self) if scene else None
        self._rebuild(wanted=self._requested)
        self._requested = None
        self.enabled = scene is not None

    def currentNode(self) -> Any:
        node_id = self._id_at(self._box.currentIndex)
        scene = self.mrmlScene()
        return scene.GetNodeByID(node_id) if node_id and scene else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node.GetID() if isinstance(node, vtk.vtkObject) else node)

    def setCurrentNodeID(self, node_id: str | None) -> None:
        if not self._nodes:
            self._requested = node_id
            return
        self._box.currentIndex = self._row_of(node_id)

    def setCurrentNodeIndex(self, index: int) -> None:
        in_range = 0 <= index < self.nodeCount()
        self._box.currentIndex = self._first_row() + index if in_range else self._no_row()

    def nodeCount(self) -> int:
        return sum(self._id_at(row) is not None for row in range(self._box.count))

    def nodeFromIndex(self, index: int) -> Any:
        node_id = self._id_at(self._first_row() + index)
        return self.mrmlScene().GetNodeByID(node_id) if node_id else None

    def nodeTypeLabel(self, node_type: str) -> str:
        scene = self.mrmlScene()
        return (scene.GetTypeDisplayNameByClassName(node_type) if scene else "") or "node"

    def addNode(self, node_type: str = "") -> Any:
        if not self.nodeTypes or not self._nodes:
            return None
        node_type = node_type or self.nodeTypes[0]
        scene = self._nodes.scene
        name = self.baseName or self.nodeTypeLabel(node_type)
        node = scene.AddNewNodeByClass(node_type, scene.GenerateUniqueName(name))
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self.mrmlScene().RemoveNode(self.currentNode())

    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        title = f"Rename {self.nodeTypeLabel(node.GetClassName())}"
        name, accepted = QInputDialog.getText(self, title, "New name:", text=node.GetName())
        if accepted and name:
            node.SetName(name)
            self.currentNodeRenamed.emit(name)

    # What happens in the scene (called by SceneNodes)

    def _accepts(self, node: Any) -> bool:
        kind = node.GetClassName()
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if not self.showChildNodeTypes:
            return kind in self.nodeTypes
        return any(map(node.IsA, self.nodeTypes)) and not any(
            kind != base and node.IsA(base) for base in self.hideChildNodeTypes if base
        )

    def _on_node_added(self, node: Any) -> None:
        if not self._accepts(node):
            return
        row = self._first_row() + self.nodeCount()
        self._box.insertItem(row, node.GetName() or "", node.GetID())
        if self._box.count == 1:
            # As a combo box does on its first row, unless it has a placeholder as this one.
            self._box.currentIndex = 0
        self.nodeAdded.emit(node)

    def _on_node_about_to_be_removed(self, node: Any) -> None:
        if self._row_of(node.GetID()) != self._no_row():
            self.nodeAboutToBeRemoved.emit(node)

    def _on_node_removed(self, node_id: str) -> None:
        row = self._row_of(node_id)
        if row != self._no_row():
            self._box.removeItem(row)

    def _on_node_renamed(self, node: Any) -> None:
        row = self._row_of(node.GetID())
        if row != self._no_row() and self._box.itemText(row) != node.GetName():
            self._box.setItemText(row, node.GetName())

    # Rows

    def _rebuild(self, *, wanted: str | None = None) -> None:
        before = self.currentNodeID
        self._rebuilding = True
        self._box.clear()
        if self._nodes:
            if self.noneEnabled:
                self._box.addItem(self.noneDisplay, None)
            for node in filter(self._accepts, self._nodes.all()):
                self._box.addItem(node.GetName() or "", node.GetID())
            self._add_actions()
        kind = self.nodeTypes[0] if self.nodeTypes else ""
        self._box.placeholderText = f"Select a {self.nodeTypeLabel(kind)}"
        self._box.currentIndex = self._row_of(wanted or before)
        self._rebuilding = False
        if self.currentNodeID != before:
            self._emit_current()

    def _add_actions(self) -> None:
        kinds = self.nodeTypes
        label = self.nodeTypeLabel(kinds[0] if len(kinds) == 1 else "")
        actions = [("Rename current", "rename", self.renameEnabled)]
        actions += [
            (f"Create new {self.nodeTypeLabel(k)}", f"add/{k}", self.addEnabled) for k in kinds
        ]
        actions += [("Delete current", "remove", self.removeEnabled)]
        wanted = [(text, name) for text, name, enabled in actions if enabled]
        if wanted:
            self._box.insertSeparator(self._box.count)
        for text, name in wanted:
            self._box.addItem(text if "/" in name else f"{text} {label}", ACTION + name)

    def _id_at(self, row: int) -> str | None:
        data = self._box.itemData(row) if row >= 0 else None
        return data if data and not data.startswith(ACTION) else None

    def _row_of(self, node_id: str | None) -> int:
        found = self._box.findData(node_id) if node_id else -1
        return found if found >= 0 else self._no_row()

    def _no_row(self) -> int:
        return 0 if self.noneEnabled and self._box.count else -1

    def _first_row(self) -> int:
        return 1 if self.noneEnabled else 0

    def _on_index(self, row: int) -> None:
        if self._rebuilding:
            return
        if self._id_at(row) is None and row != self._no_row():
            # On an action: the user chose it, or the node that was current is gone and no other follows.
            still_there = self._row_of(self._last) != self._no_row()
            last_node = self._first_row() + self.nodeCount() - 1
            self._box.currentIndex = self._row_of(self._last) if still_there else last_node
        elif self._id_at(row) != self._last:
            self._emit_current()

    def _emit_current(self) -> None:
        node = self.currentNode()
        self._last = node.GetID() if node else None
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node else "")

    def _on_activated(self, row: int) -> None:
        data = self._box.itemData(row) or ""
        if not data.startswith(ACTION):
            self.nodeActivated.emit(self.currentNode())
            return
        action, _, kind = data.removeprefix(ACTION).partition("/")
        if action == "add":
            self.addNode(kind)
        elif self.currentNode():
            self.renameCurrentNode() if action == "rename" else self.removeCurrentNode()
