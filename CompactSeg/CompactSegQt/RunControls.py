"""The threshold, Segment, which turns into Cancel, how far the run is, and a list for several volumes."""

from __future__ import annotations

import time
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal
from CompactSegQt.Texts import plain, secondsText, shortened, thresholdText

_LEAST_FRACTION = 0.1
"""Of a level, before what is left of it is guessed."""


class RunControls:
    """One button for both, so that what ends a run is where it was begun; the threshold is above it.

    Args:
        button: QPushButton.
        progress: QProgressBar.
        text: QLabel that says what is being done.
        threshold: QDoubleSpinBox, in percent; the parameter node keeps its value.
        panel: QWidget in which the keys work: Ctrl+Return to begin, Escape to cancel.

    Attributes:
        segmentRequested: Signal.
        cancelRequested: Signal.
    """

    def __init__(self, button, progress, text, threshold, *, panel) -> None:
        self.segmentRequested, self.cancelRequested = Signal(), Signal()
        self._button, self._progress, self._text = button, progress, text
        self._threshold = threshold
        # Nothing changes less than 0 %: say what that means.
        threshold.specialValueText = _("never: all levels")
        text.textFormat = qt.Qt.PlainText
        button.minimumHeight = 3 * button.sizeHint.height() // 2  # larger than the others
        self._isRunning = False
        self._levelBegan = (0, 0.0)
        self._begin = self._shortcut("Ctrl+Return", panel, button)
        self._escape = self._shortcut("Esc", panel, button)
        button.connect("clicked(bool)", self._onClicked)
        self.setState("ready", reason=None)

    def setState(
        self, state: str, *, reason: str | None, ownThreshold: float | None = None
    ) -> None:
        """Show what the button does now.

        Args:
            state: Of the logic.
            reason: Why nothing can be segmented; None where it can.
            ownThreshold: Of the chosen model, 0 to 1; None without one.
        """
        wasRunning, self._isRunning = self._isRunning, state in ("running", "cancelling")
        # Escape is also what closes a popup or ends the Segment Editor's effect; it is taken only while it cancels.
        self._escape.enabled = self._isRunning
        self._begin.enabled = not self._isRunning
        self._progress.visible = self._text.visible = self._isRunning
        if state == "cancelling":
            self._show(_("Cancelling…"), _("The segmentation is being cancelled."), enabled=False)
            self._say(_("Cancelling…"))
        elif self._isRunning:
            self._show(_("&Cancel"), _("Stop. Levels that are finished stay. (Esc)"), enabled=True)
        else:
            tooltip = reason or _("Segment the volume, level by level. (Ctrl+Return)")
            self._show(_("&Segment"), tooltip, enabled=reason is None)
            self._progress.setRange(0, 0)
        if self._isRunning and not wasRunning:
            # Fields are disabled while it runs, and the keys work only where the focus is in the panel.
            self._button.setFocus()
        self._threshold.enabled = not self._isRunning
        self._threshold.toolTip = self._thresholdTooltip(ownThreshold)

    def setProgress(
        self, level: int, levels: int, fraction: float, message: str, *, volume: str = ""
    ) -> None:
        """Show how far a level is; level 0 for what comes before the first."""
        now = time.monotonic()
        if level == 0:
            self._levelBegan = (0, now)
            self._progress.setRange(0, 0)
            self._say(message, volume=volume)
            return
        if level != self._levelBegan[0]:
            self._levelBegan = (level, now)
        self._progress.setRange(0, 100)
        self._progress.value = round(100 * fraction)
        text = _("level {level} of {levels}").format(level=level, levels=levels)
        took = now - self._levelBegan[1]
        if fraction >= _LEAST_FRACTION and took > 1:
            left = secondsText(took * (1 - fraction) / fraction)
            text = _("{text}, about {left} left").format(text=text, left=left)
        self._say(text, volume=volume)

    def _say(self, text: str, *, volume: str = "") -> None:
        """A long name must not widen the panel; the tooltip has all of it."""
        named = _("{volume}: {text}") if volume else "{text}"
        self._text.text = named.format(volume=shortened(volume), text=text)
        self._text.toolTip = plain(named.format(volume=volume, text=text))

    def _thresholdTooltip(self, own: float | None) -> str:
        if self._isRunning:
            return _("Can be changed when the segmentation is finished or cancelled.")
        text = _(
            "No deeper level is computed when the last one changed every structure by less than this. 0 % never "
            "stops: all levels are computed."
        )
        if own is not None:
            brings = _("The chosen model brings along {threshold}.")
            text = f"{text} {brings.format(threshold=thresholdText(own))}"
        return text

    def _show(self, text: str, tooltip: str, *, enabled: bool) -> None:
        self._button.text = text
        self._button.toolTip = plain(tooltip)
        self._button.enabled = enabled

    def _onClicked(self, _checked: bool = False) -> None:
        if self._isRunning:
            self.cancelRequested()
        else:
            self.segmentRequested()

    @staticmethod
    def _shortcut(keys: str, panel, button):
        """Keys that click the button, which nothing does while it is disabled."""
        shortcut = qt.QShortcut(qt.QKeySequence(keys), panel)
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
        shortcut.connect("activated()", lambda: button.click())
        return shortcut


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
            item.setToolTip(plain(name))
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
