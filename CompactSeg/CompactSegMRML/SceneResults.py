"""The levels that the scene holds: placed as they come, shown one at a time, taken away together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from CompactSegMRML.Edits import copyLevel
from CompactSegMRML.Following import Following
from CompactSegMRML.Labels import LabelPatch
from CompactSegMRML.LevelDisplay import (
    drawLike,
    hasSurface,
    isSurfaceWanted,
    keepAside,
    makeSurfacesAlike,
    shownNode,
    showOnly,
)
from CompactSegMRML.LevelNodes import (
    ASIDE,
    everyLevelNode,
    factsNow,
    followVolume,
    levelNode,
    levelNodes,
    lookAtModel,
    markStale,
    modelOf,
    nameOfResults,
    placeLevel,
    rememberImage,
    removeLevel,
    staleNodes,
    volumeOfNode,
)
from CompactSegMRML.ResultFolder import (
    folderOf,
    putIntoFolder,
    removeIfEmpty,
    removeNode,
    tableOf,
    tablesOf,
    writeTable,
)
from CompactSegMRML.Results import VOLUME_ROLE, LevelFacts
from CompactSegMRML.RunRequest import Current, Kept
from CompactSegMRML.SceneWatch import SceneWatch
from CompactSegMRML.Signal import Signal
from CompactSegMRML.Undoing import Undoing
from CompactSegMRML.VolumeInput import voxelMm3, wholeBox
from CompactSegMRML.WorkerClient import labelsOf
from CompactSegMRML.WorkerFace import ModelInfo


class SceneResults:
    """Changes what the scene holds, and tells what others changed.

    Signals:
        changed(): levels were deleted, shown, hidden or renamed by someone else, or the scene is another.

    Attributes:
        watch: Of the scene.
    """

    def __init__(self, scene: Any) -> None:
        self.changed = Signal()
        self.watch = SceneWatch(scene)
        self._scene = scene
        self._isOurs = 0
        self._followsRun = False
        self._isFirst = False
        self._hadSurface = False
        self._chosen: Any = None
        self._outlineOnly = False
        self._stale: set[tuple[Any, str]] = set()
        self.watch.nodeRemoved.connect(self._onRemoved)
        self.watch.levelModified.connect(lambda _node: self._tell())
        self.watch.changed.connect(self._tell)
        self._undoing, self._following = Undoing(self.watch), Following(self.watch)
        self.watch.undone.connect(lambda _scene: self._tell())
        self.watch.volumeMoved.connect(self._onMoved)
        self.watch.levelEdited.connect(self._onEdited)
        self.watch.imageReplaced.connect(lambda _volume: self._tell())
        self.watch.saving.connect(self.settle)

    def choose(self, volumeNode: Any) -> None:
        """Only this volume's results are to be seen from now on; None for those of all.

        Those of another volume are hidden, and come back when it is chosen again.
        """
        self._chosen = volumeNode
        with self.ours():
            keepAside(self._scene, volumeNode)

    def setOutlineOnly(self, outlineOnly: bool, volumeNode: Any) -> None:
        """How levels to come are drawn, and those of this volume; None for no volume."""
        self._outlineOnly = outlineOnly
        for node in everyLevelNode(volumeNode) if volumeNode is not None else ():
            node.GetDisplayNode().SetVisibility2DFill(not outlineOnly)

    def beginRun(self) -> None:
        """The levels of the run that begins are shown as they come, until `show` or `hide` is called."""
        self._followsRun = self._isFirst = True
        self._hadSurface = False

    def place(
        self,
        current: Current,
        event: Mapping[str, Any],
        patch: LabelPatch,
        *,
        model: ModelInfo,
        sent: Kept | None,
    ) -> int:
        """Put a ``level`` event of a run into the scene; return its level."""
        volumeNode = current.volumeNode
        with self.ours():
            lookAtModel(volumeNode, model.name)
            if self._isFirst:
                self._hadSurface = isSurfaceWanted(volumeNode)
                makeSurfacesAlike(volumeNode)
            if self._isFirst and not current.isRefining:
                markStale(volumeNode)
            self._isFirst = False
            facts = LevelFacts.fromEvent(
                event,
                model=model,
                options=current.options,
                box=current.box,
                whole=wholeBox(volumeNode),
                labelsCrc=patch.checksum,
                imageCrc=sent and sent.imageCrc,
                spacingMm=sent and sent.spacingMm,
                voxelMm3=sent and voxelMm3(volumeNode, sent.spacingMm),
            )
            if sent is not None:
                rememberImage(volumeNode, current.box, sent.stamp, sent.imageCrc)
            node, isNew = placeLevel(volumeNode, facts, patch, labels=labelsOf(event, model))
            if isNew:
                self._draw(volumeNode, node)
            table, isNewTable = self._writeTable(volumeNode, model.name)
            others = [*everyLevelNode(volumeNode), *tablesOf(volumeNode)]
            new = [node] * isNew + [table] * isNewTable
            putIntoFolder(volumeNode, new, others=[each for each in others if each not in new])
            if self._followsRun:
                showOnly(volumeNode, facts.level)
                keepAside(self._scene, self._chosen)
            if isNew:
                self.watch.refresh()
        return facts.level

    def _draw(self, volumeNode: Any, node: Any) -> None:
        """A new level: as the others of its model are drawn, and the first as was chosen in the panel."""
        others = [
            each
            for each in everyLevelNode(volumeNode)
            if each is not node and modelOf(each) == modelOf(node) and each.GetDisplayNode()
        ]
        if others:
            drawLike(node, others[-1])
        else:
            node.GetDisplayNode().SetVisibility2DFill(not self._outlineOnly)

    def endRun(self, volumeNode: Any) -> None:
        """What an earlier run left, and this one did not bring anew, goes."""
        self._followsRun = False
        if volumeNode is None or volumeNode.GetScene() is None:
            return
        with self.ours():
            stale = staleNodes(volumeNode)
            for node in stale:
                removeLevel(volumeNode, node)
            if stale:
                self.watch.refresh()
            if self._hadSurface:
                self._makeSurface(volumeNode)

    def _makeSurface(self, volumeNode: Any) -> None:
        """Of the level that is seen; once after a run and not at each level, since it takes seconds."""
        shown = shownNode(volumeNode)
        if shown is not None and not hasSurface(shown):
            shown.CreateClosedSurfaceRepresentation()

    def show(self, volumeNode: Any, level: int | None) -> None:
        """Show one level or none.

        Raises:
            InputError: It is not there.
        """
        if level is not None:
            levelNode(volumeNode, level)
        self._followsRun = False
        with self.ours():
            isWanted = isSurfaceWanted(volumeNode)
            makeSurfacesAlike(volumeNode)
            showOnly(volumeNode, level)
            if isWanted:
                self._makeSurface(volumeNode)

    def editCopy(self, volumeNode: Any, level: int) -> Any:
        """Copy a level, show the copy and hide the levels.

        Raises:
            InputError: It is not there.
        """
        source = levelNode(volumeNode, level)
        with self.ours():
            copy = copyLevel(volumeNode, source, level)
            showOnly(volumeNode, None)
            self.watch.refresh()
        return copy

    def hasOther(self, volumeNode: Any, model: str) -> bool:
        """Whether a model has levels of the volume, and is not the one that is looked at."""
        nodes = levelNodes(volumeNode, model=model)
        return any(each.GetAttribute(ASIDE) for each in nodes.values())

    def lookAt(self, volumeNode: Any, model: str) -> None:
        """Look at a model's levels; show the deepest where another model's level was shown."""
        nodes = levelNodes(volumeNode, model=model)
        isSeen = any(each.GetDisplayVisibility() for each in everyLevelNode(volumeNode))
        with self.ours():
            lookAtModel(volumeNode, model)
            if isSeen:
                showOnly(volumeNode, max(nodes))

    def remove(self, volumeNode: Any) -> None:
        """Take a volume's levels of all models, tables and folder away."""
        scene = volumeNode.GetScene()
        with self.ours():
            nodes, tables = list(everyLevelNode(volumeNode)), tablesOf(volumeNode)
            folder = folderOf(scene, [*nodes, *tables])
            for node in nodes:
                removeLevel(volumeNode, node)
            for table in tables:
                removeNode(table)
            removeIfEmpty(scene, folder)
            self.watch.refresh()

    @contextmanager
    def ours(self) -> Iterator[None]:
        """What happens in the scene meanwhile is our own doing and is not told."""
        self._isOurs += 1
        try:
            yield
        finally:
            self._isOurs -= 1

    def _writeTable(self, volumeNode: Any, model: str) -> tuple[Any, bool]:
        facts = [factsNow(node) for node in levelNodes(volumeNode, model=model).values()]
        name = nameOfResults(volumeNode, model)
        return writeTable(volumeNode, facts, model=model, name=name)

    def _tell(self) -> None:
        if not self._isOurs:
            self.changed()

    def _onRemoved(self, node: Any) -> None:
        # A node that is out of the scene knows the ID of its volume only.
        volume = self._scene.GetNodeByID(node.GetNodeReferenceID(VOLUME_ROLE) or "")
        if volume is None:
            return
        isLevel = node.IsA("vtkMRMLSegmentationNode")
        if not self._isOurs and isLevel and tableOf(volume, modelOf(node)) is not None:
            with self.ours():
                self._writeTable(volume, modelOf(node))
        self._tell()

    def settle(self) -> None:
        """Write the tables whose levels were edited since."""
        edited, self._stale = self._stale, set()
        for volume, model in edited:
            if volume.GetScene() is not None and tableOf(volume, model) is not None:
                with self.ours():
                    self._writeTable(volume, model)

    def _onEdited(self, node: Any) -> None:
        if self._isOurs:
            return
        volume = volumeOfNode(node)
        if volume is not None:
            # Not at once: this comes at each stroke of a brush.
            self._stale.add((volume, modelOf(node)))
            self._tell()

    def _onMoved(self, volumeNode: Any) -> None:
        if volumeNode.GetScene() is not None and not volumeNode.GetScene().IsImporting():
            with self.ours():
                isMoved = followVolume(volumeNode)
            if isMoved:  # millilitres may be others
                nodes = everyLevelNode(volumeNode)
                self._stale.update((volumeNode, modelOf(node)) for node in nodes)
                self._tell()
