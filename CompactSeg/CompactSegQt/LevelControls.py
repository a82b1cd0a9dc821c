"""Which level is shown: a slider over all levels of the model, computed or not."""

from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal

__all__ = ["LevelControls"]


class LevelControls:
    """A slider with what it stands for beside it, and a box that hides the overlay.

    A level is chosen when the slider is let go or moved by a key, not while it is dragged across others that
    would have to be computed.

    Args:
        slider: QSlider without tracking.
        text: QLabel beside it.
        overlay: QCheckBox.

    Attributes:
        levelChosen: Signal with the level's number.
        overlayToggled: Signal with whether the overlay is to be seen.
    """

    def __init__(self, slider, text, overlay) -> None:
        self.levelChosen, self.overlayToggled = Signal(), Signal()
        self._slider, self._text, self._overlay = slider, text, overlay
        self._showing = False
        self._levels = 1
        self._computed: frozenset[int] = frozenset()
        slider.connect("valueChanged(int)", self._onValue)
        slider.connect("sliderMoved(int)", self._onMoved)
        overlay.connect("clicked(bool)", self.overlayToggled.emit)

    @property
    def level(self) -> int:
        return self._slider.value

    def setLevels(
        self, levels: int, *, computed: frozenset[int], level: int | None, isVisible: bool
    ) -> None:
        """Show how many there are, which of them are computed, and the one that is shown or waited for."""
        self._showing = True
        self._levels, self._computed = max(levels, 1), computed
        self._slider.maximum = self._levels
        if level is not None and not self._slider.sliderDown:
            self._slider.value = level
        self._overlay.checked = isVisible
        self._text.text = self._describe(self._slider.value)
        self._showing = False

    def explain(self, reason: str | None) -> None:
        """Why no level can be chosen; None where one can."""
        self._slider.enabled = self._overlay.enabled = reason is None
        self._slider.toolTip = reason or _(
            "The level that is shown. A level that is not there yet is computed from what was kept of the "
            "earlier ones."
        )
        self._overlay.toolTip = reason or _("Show or hide the segmentation on the image.")
        if reason is not None:
            self._text.text = ""

    def _onValue(self, level: int) -> None:
        if not self._showing:
            self._text.text = self._describe(level)
            self.levelChosen(level)

    def _onMoved(self, level: int) -> None:
        self._text.text = self._describe(level)

    def _describe(self, level: int) -> str:
        text = _("{level} of {levels}").format(level=level, levels=self._levels)
        return text if level in self._computed else _("{text} (new)").format(text=text)
