"""Several volumes, and all frames of a sequence, one after the other."""

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal
from CompactSegQt.Texts import plain

__all__ = ["SeveralVolumes"]


class SeveralVolumes:
    """A list of the scene's volumes to be ticked, and a button that segments them all.

    Args:
        section: ctkCollapsibleButton around both.
        volumes: QListWidget.
        button: QPushButton.

    Attributes:
        segmentRequested: Signal with the ticked nodes: volumes, or browsers of sequences.
    """

    def __init__(self, section, volumes, button) -> None:
        self.segmentRequested = Signal()
        self._list, self._button, self._section = volumes, button, section
        self._nodes: list[Any] = []
        self._isRunning = False
        section.connect("contentsCollapsed(bool)", self._onFolded)
        volumes.connect("itemChanged(QListWidgetItem*)", self._onTicked)
        button.connect("clicked(bool)", self._onClicked)
        self._update()

    def setRunning(self, running: bool) -> None:
        self._isRunning = running
        self._list.enabled = not running
        if not running and not self._section.collapsed:
            self._listVolumes()
        self._update()

    @property
    def ticked(self) -> list[Any]:
        """The nodes that are ticked and still in the scene."""
        return [
            node
            for row, node in enumerate(self._nodes)
            if self._list.item(row).checkState() == qt.Qt.Checked and node.GetScene() is not None
        ]

    def _listVolumes(self) -> None:
        """The scene's volumes, and the browsers whose volume changes with the frame; ticks stay."""
        nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        ticked = self.ticked
        self._nodes = []
        self._list.clear()
        for node in (*nodes, *browsers):
            name = node.GetName()
            if node.IsA("vtkMRMLSequenceBrowserNode"):
                if node.GetMasterSequenceNode() is None or not node.GetNumberOfItems():
                    continue
                text = _("{name}: all {count} frames")
                name = text.format(name=name, count=node.GetNumberOfItems())
            elif node.IsA("vtkMRMLLabelMapVolumeNode"):
                continue
            self._nodes.append(node)
            item = qt.QListWidgetItem(name)
            item.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
            item.setCheckState(qt.Qt.Checked if node in ticked else qt.Qt.Unchecked)
            self._list.addItem(item)

    def _update(self) -> None:
        count = len(self.ticked)
        self._button.enabled = bool(count) and not self._isRunning
        self._button.text = _("Segment these ({count})").format(count=count)
        self._button.toolTip = plain(
            _(
                "Segment the ticked volumes one after the other, and put all millilitres into one table."
            )
            if count
            else _("Tick volumes in the list first.")
        )

    def _onFolded(self, folded: bool) -> None:
        if not folded and not self._isRunning:
            self._listVolumes()
        self._update()

    def _onTicked(self, _item: Any) -> None:
        self._update()

    def _onClicked(self, _checked: bool = False) -> None:
        self.segmentRequested(self.ticked)
