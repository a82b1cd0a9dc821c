"""Two levels side by side: which ones, and a button that goes there and back."""

from html import escape

from slicer.i18n import tr as _

from CompactSegMRML.Results import Comparison
from CompactSegMRML.Signal import Signal

__all__ = ["CompareControls"]


class CompareControls:
    """A button that stays down while levels are compared, and a choice of the two.

    Args:
        button: QPushButton, checkable.
        left: QComboBox.
        right: QComboBox.
        legend: QLabel that says what the outlines are.

    Attributes:
        compareRequested: Signal with the left and the right level.
        endRequested: Signal.
    """

    def __init__(self, button, left, right, legend) -> None:
        self.compareRequested, self.endRequested = Signal(), Signal()
        self._button, self._left, self._right, self._legend = button, left, right, legend
        self._levels: tuple[int, ...] = ()
        button.connect("clicked(bool)", self._onClicked)
        left.connect("activated(int)", self._onChosen)
        right.connect("activated(int)", self._onChosen)

    def setLevels(self, levels: tuple[int, ...]) -> None:
        """Offer these; what was chosen stays chosen, and else it is the first and the last."""
        if levels == self._levels:
            return
        chosen = (self._left.currentData, self._right.currentData)
        # Where the deepest level was compared, it is the deepest that is wanted, also when a deeper one comes.
        wasLast = bool(self._levels) and chosen[1] == self._levels[-1]
        self._levels = levels
        for box in (self._left, self._right):
            box.clear()
            for level in levels:
                box.addItem(_("Level {level}").format(level=level), level)
        self._choose(self._left, chosen[0], default=0)
        self._choose(self._right, None if wasLast else chosen[1], default=len(levels) - 1)

    def setComparing(self, comparison: Comparison | None, *, reason: str | None) -> None:
        """Show what is compared, or why nothing can be.

        Args:
            comparison: That is on the screen; None for none.
            reason: Why nothing can be compared; None where it can.
        """
        comparing = comparison is not None
        if comparison is not None:
            self._choose(self._left, comparison.levelA, default=0)
            self._choose(self._right, comparison.levelB, default=0)
            self._legend.text = legendOf(comparison)
        self._legend.visible = comparing
        self._button.checked = comparing
        self._button.enabled = comparing or reason is None
        self._button.text = _("End co&mparison") if comparing else _("Co&mpare")
        self._button.toolTip = (
            _("Bring back the views as they were.")
            if comparing
            else reason or _("Show two levels side by side, and where they differ as an outline.")
        )
        for box, side in (
            (self._left, _("Level on the left.")),
            (self._right, _("Level on the right.")),
        ):
            box.enabled = self._button.enabled
            box.toolTip = side if self._button.enabled else reason or ""

    def _choose(self, box, level: int | None, *, default: int) -> None:
        index = box.findData(level) if level is not None else -1
        box.currentIndex = index if index >= 0 else default

    def _onClicked(self, checked: bool) -> None:
        if checked:
            self.compareRequested(self._left.currentData, self._right.currentData)
        else:
            self.endRequested()

    def _onChosen(self, _index: int) -> None:
        if self._button.checked:
            self.compareRequested(self._left.currentData, self._right.currentData)


def legendOf(comparison: Comparison) -> str:
    """What the outlines are, in their colors, and how large: as rich text."""
    segmentation = comparison.differenceNode.GetSegmentation()
    entries = []
    for index, millilitres in enumerate(comparison.millilitres.values()):
        segment = segmentation.GetNthSegment(index)
        color = "#" + "".join(f"{round(255 * part):02x}" for part in segment.GetColor())
        text = _("{name}: {millilitres} ml").format(
            name=escape(segment.GetName()), millilitres=f"{millilitres:.2f}"
        )
        # An entry stays on one line.
        text = f" {text}".replace(" ", "&nbsp;")
        entries.append(f"<span style='color:{color}'>■</span>{text}")
    return "&nbsp; ".join(entries)
