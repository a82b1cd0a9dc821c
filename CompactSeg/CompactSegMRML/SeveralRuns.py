"""Several volumes, and all frames of a sequence, one run after the other; what was found goes into one table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import slicer
import vtk

from CompactSegLib.errors import CompactSegError, InputError
from CompactSegMRML.Edits import releaseLevel
from CompactSegMRML.ResultFolder import columnOf, fillTable, freeName
from CompactSegMRML.Results import EDITED_ROLE, LevelResult
from CompactSegMRML.RunRequest import RunOutcome
from CompactSegMRML.Signal import tr as _

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic


@dataclass(frozen=True, eq=False)
class _Item:
    """A volume to be segmented, at a frame of its browser where it has one."""

    volumeNode: Any
    browser: Any = None
    frame: int = 0


@dataclass
class _Row:
    """A line of the table."""

    volume: str
    frame: str
    status: str
    level: int = 0
    millilitres: Mapping[str, float] = field(default_factory=dict)


class SeveralRuns:
    """A queue of runs; a run that fails is noted, and the next one begins.

    Args:
        logic: Runs them, and calls `step` at each poll.
    """

    def __init__(self, logic: CompactSegLogic) -> None:
        self._logic = logic
        self._waiting: list[_Item] = []
        self._options: dict[str, Any] = {}
        self._current: _Item | None = None
        self._rows: list[_Row] = []
        self._sequences: dict[Any, Any] = {}
        self._total = 0

    @property
    def isActive(self) -> bool:
        return bool(self._waiting) or self._current is not None

    @property
    def place(self) -> tuple[int, int]:
        """Which of how many is under way; (0, 0) for none."""
        return (self._total - len(self._waiting), self._total) if self.isActive else (0, 0)

    def begin(self, nodes: Sequence[Any], options: dict[str, Any]) -> None:
        """Queue these.

        Args:
            nodes: Volumes, and vtkMRMLSequenceBrowserNodes whose volume is segmented at each frame.
            options: Of `CompactSegLogic.segment`.

        Raises:
            InputError: There is nothing to be done, or a browser has no volume.
        """
        items = [item for node in nodes for item in _itemsOf(node)]
        if not items:
            raise InputError(_("No volume is ticked; tick those that are to be segmented."))
        self._waiting, self._options, self._rows = items, options, []
        self._total, self._sequences = len(items), {}

    def stop(self) -> None:
        """Begin no further run."""
        self._waiting.clear()

    def step(self) -> None:
        """Begin the next run where none is under way."""
        if not self._waiting or self._current is not None or self._logic.run is not None:
            return
        item = self._current = self._waiting.pop(0)
        volume = item.volumeNode
        if volume.GetScene() is None:
            self.finish(RunOutcome(None, "failed", _("It was deleted.")))
            return
        try:
            if item.browser is not None:
                item.browser.SetSelectedItemNumber(item.frame)
                # Without a window nobody else brings the frame into the volume.
                slicer.vtkSlicerSequencesLogic().UpdateProxyNodesFromSequences(item.browser)
            self._logic.segment(volume, **self._options)
        except CompactSegError as error:
            self.finish(RunOutcome(volume, "failed", str(error)))

    def finish(self, outcome: RunOutcome) -> None:
        """A run ended; nothing happens where it was none of these."""
        item, self._current = self._current, None
        if item is None:
            return
        if outcome.kind == "cancelled":
            self.stop()
        results = self._logic.results(item.volumeNode) if outcome.volumeNode is not None else None
        last = results.levels[-1] if results is not None and outcome.kind == "done" else None
        frame = ""
        if item.browser is not None:
            frame = item.browser.GetMasterSequenceNode().GetNthIndexValue(item.frame)
            if last is not None:
                self._keepFrame(item, frame, last)
        status = _("done") if last is not None else outcome.sentence
        row = _Row(item.volumeNode.GetName() or "", frame, status)
        if last is not None:
            row.level, row.millilitres = last.level, last.millilitres
        self._rows.append(row)
        if not self._waiting:
            self._end(item.volumeNode.GetScene() or slicer.mrmlScene)

    def _keepFrame(self, item: _Item, frame: str, last: LevelResult) -> None:
        """The next frame replaces the level, so it goes into a sequence beside that of the images."""
        sequence = self._sequences.get(item.browser)
        scene = item.browser.GetScene()
        if sequence is None:
            name = freeName(scene, f"{item.volumeNode.GetName()} segmentations")
            sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
            master = item.browser.GetMasterSequenceNode()
            for part in ("IndexName", "IndexUnit", "IndexType"):
                getattr(sequence, f"Set{part}")(getattr(master, f"Get{part}")())
            self._sequences[item.browser] = sequence
        sequence.SetDataNodeAtValue(last.segmentationNode, frame)
        kept = sequence.GetDataNodeAtValue(frame)
        releaseLevel(kept)
        kept.SetName(sequence.GetName())
        kept.SetNodeReferenceID(EDITED_ROLE, item.volumeNode.GetID())

    def _end(self, scene: Any) -> None:
        for browser, sequence in self._sequences.items():
            browser.AddSynchronizedSequenceNode(sequence)
            slicer.vtkSlicerSequencesLogic().UpdateProxyNodesFromSequences(browser)
            volume = browser.GetProxyNode(browser.GetMasterSequenceNode())
            self._logic.removeResults(volume)  # the last frame's, which is in the sequence
        _writeTable(scene, self._rows)
        self._sequences = {}


def _itemsOf(node: Any) -> list[_Item]:
    if not node.IsA("vtkMRMLSequenceBrowserNode"):
        return [_Item(node)]
    master = node.GetMasterSequenceNode()
    volume = node.GetProxyNode(master) if master is not None else None
    if volume is None or not volume.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(
            _("{name}: expected a browser of a sequence of images; choose another.").format(
                name=node.GetName()
            )
        )
    return [_Item(volume, node, frame) for frame in range(node.GetNumberOfItems())]


def _writeTable(scene: Any, rows: Sequence[_Row]) -> None:
    name = freeName(scene, "CompactSeg volumes")
    structures = list(dict.fromkeys(name for row in rows for name in row.millilitres))
    texts = {"Volume": "volume", "Frame": "frame", "Status": "status"}
    fillTable(
        scene.AddNewNodeByClass("vtkMRMLTableNode", name),
        [
            *(
                columnOf(vtk.vtkStringArray(), title, [getattr(row, attribute) for row in rows])
                for title, attribute in texts.items()
            ),
            columnOf(vtk.vtkIntArray(), "Level", [row.level for row in rows]),
            *(
                columnOf(
                    vtk.vtkDoubleArray(),
                    f"{each} (ml)",
                    [row.millilitres.get(each, math.nan) for row in rows],
                )
                for each in structures
            ),
        ],
    )
