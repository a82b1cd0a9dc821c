"""Segment, which turns into Cancel, and how far the levels are."""

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal

__all__ = ["RunControls"]


class RunControls:
    """One button for both, so that what ends a run is where it was begun.

    Args:
        button: QPushButton.
        progress: QProgressBar.
        text: QLabel that says what is being done.
        panel: QWidget in which the keys work: Ctrl+Return to begin, Escape to cancel.

    Attributes:
        segmentRequested: Signal.
        cancelRequested: Signal.
    """

    def __init__(self, button, progress, text, *, panel) -> None:
        self.segmentRequested, self.cancelRequested = Signal(), Signal()
        self._button, self._progress, self._text = button, progress, text
        self._isRunning = False
        self._begin = self._shortcut("Ctrl+Return", panel, self._onBegin)
        self._escape = self._shortcut("Esc", panel, self._onEscape)
        button.connect("clicked(bool)", self._onClicked)
        self.setState("ready", reason=None)

    def setState(self, state: str, *, reason: str | None) -> None:
        """Show what the button does now.

        Args:
            state: Of the logic.
            reason: Why nothing can be segmented; None where it can.
        """
        self._isRunning = state in ("running", "cancelling")
        # Escape is also what closes a popup or ends the Segment Editor's effect; it is taken only while it cancels.
        self._escape.enabled = self._isRunning
        self._progress.visible = self._text.visible = self._isRunning
        if state == "cancelling":
            self._show(_("Cancelling…"), _("The segmentation is being cancelled."), enabled=False)
            self._text.text = _("Cancelling…")
        elif self._isRunning:
            self._show(_("&Cancel"), _("Stop. Levels that are finished stay. (Esc)"), enabled=True)
        else:
            tooltip = reason or _("Segment the volume, level by level. (Ctrl+Return)")
            self._show(_("&Segment"), tooltip, enabled=reason is None)
            self.setProgress(0, 0, 0.0, "")

    def setProgress(self, level: int, levels: int, fraction: float, message: str) -> None:
        """Show how far a level is; level 0 for what comes before the first."""
        if level == 0:
            self._progress.setRange(0, 0)
            self._text.text = message
            return
        self._progress.setRange(0, 100)
        self._progress.value = round(100 * fraction)
        self._text.text = _("Computing level {level} of {levels}").format(
            level=level, levels=levels
        )

    def _show(self, text: str, tooltip: str, *, enabled: bool) -> None:
        self._button.text = text
        self._button.toolTip = tooltip
        self._button.enabled = enabled

    def _onClicked(self, _checked: bool = False) -> None:
        if self._isRunning:
            self.cancelRequested()
        else:
            self.segmentRequested()

    def _onBegin(self) -> None:
        if not self._isRunning and self._button.enabled:
            self.segmentRequested()

    def _onEscape(self) -> None:
        if self._isRunning:
            self.cancelRequested()

    @staticmethod
    def _shortcut(keys: str, panel, slot):
        shortcut = qt.QShortcut(qt.QKeySequence(keys), panel)
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
        shortcut.connect("activated()", slot)
        return shortcut
