"""Two segmentations of the volume side by side: which ones, a button that goes there and back, and how they agree."""

from html import escape
from typing import Any

from slicer.i18n import tr as _

from CompactSegMRML.Results import Comparison, Side
from CompactSegMRML.Signal import Signal
from CompactSegQt.Texts import millilitresText, plain

__all__ = ["CompareControls"]


class CompareControls:
    """A button that stays down while something is compared, a choice of the two.

    Args:
        ui: The panel's widgets.

    Attributes:
        compareRequested: Signal with the left and the right: the number of a level, or a node.
        endRequested: Signal.
        differencesOnlyChosen: Signal with whether what differs is to be filled and the rest hidden.
    """

    def __init__(self, ui: Any) -> None:
        self.compareRequested, self.endRequested = Signal(), Signal()
        self.differencesOnlyChosen = Signal()
        self._button, self._left, self._right = ui.compareButton, ui.leftComboBox, ui.rightComboBox
        self._legend, self._only = ui.compareText, ui.differencesCheckBox
        self._sides: tuple[Side, ...] = ()
        self._comparison: Comparison | None = None
        self._button.connect("clicked(bool)", self._onClicked)
        self._left.connect("activated(int)", self._onChosen)
        self._right.connect("activated(int)", self._onChosen)
        self._only.connect("clicked(bool)", self.differencesOnlyChosen.emit)

    def setSides(self, sides: tuple[Side, ...]) -> None:
        """Offer these; what was chosen stays chosen, and else it is the first level and the last, or newest copy."""
        same = [(a.node, a.name) for a in sides] == [(b.node, b.name) for b in self._sides]
        if same:
            return
        left, right = self._chosen(self._left), self._chosen(self._right)
        # Where the last was compared, it is the last that is wanted, also when a further one comes.
        wasLast = bool(self._sides) and right is self._sides[-1].node
        self._sides = sides
        for box in (self._left, self._right):
            box.clear()
            for side in sides:
                box.addItem(side.name)
        self._choose(self._left, left, default=0)
        self._choose(self._right, None if wasLast else right, default=len(sides) - 1)

    def setComparing(self, comparison: Comparison | None, *, reason: str | None) -> None:
        """Show what is compared, or why nothing can be.

        Args:
            comparison: That is on the screen; None for none.
            reason: Why nothing can be compared; None where it can.
        """
        comparing = comparison is not None
        if comparing and comparison is not self._comparison:
            self._choose(self._left, comparison.a.node, default=0)
            self._choose(self._right, comparison.b.node, default=0)
            self._legend.text = legendOf(comparison)
        self._comparison = comparison
        self._legend.visible = self._only.visible = comparing
        self._button.checked = comparing
        self._button.enabled = comparing or reason is None
        self._button.text = _("End co&mparison") if comparing else _("Co&mpare")
        self._button.toolTip = plain(
            _("Bring back the views as they were.")
            if comparing
            else reason or _("Show two of them side by side, and where they differ as an outline.")
        )
        for box, side in (
            (self._left, _("What is shown on the left.")),
            (self._right, _("What is shown on the right.")),
        ):
            box.enabled = self._button.enabled
            box.toolTip = side if self._button.enabled else plain(reason or "")

    def _chosen(self, box) -> Any:
        index = box.currentIndex
        return self._sides[index].node if 0 <= index < len(self._sides) else None

    def _choose(self, box, node: Any, *, default: int) -> None:
        nodes = [side.node for side in self._sides]
        box.currentIndex = nodes.index(node) if node is not None and node in nodes else default

    def _request(self) -> None:
        sides = [self._sides[box.currentIndex] for box in (self._left, self._right)]
        self.compareRequested(*(side.level or side.node for side in sides))

    def _onClicked(self, checked: bool) -> None:
        if checked:
            self._request()
        else:
            self.endRequested()

    def _onChosen(self, _index: int) -> None:
        if self._button.checked:
            self._request()


def legendOf(comparison: Comparison) -> str:
    """What the outlines are, in their colors, and how large: as rich text."""
    segmentation = comparison.differenceNode.GetSegmentation()
    entries = []
    for index, millilitres in enumerate(comparison.millilitres.values()):
        segment = segmentation.GetNthSegment(index)
        color = "#" + "".join(f"{round(255 * part):02x}" for part in segment.GetColor())
        text = _("{name}: {millilitres} ml").format(
            name=escape(segment.GetName()), millilitres=millilitresText(millilitres)
        )
        # An entry stays on one line.
        text = f" {text}".replace(" ", "&nbsp;")
        entries.append(f"<span style='color:{color}'>■</span>{text}")
    return "&nbsp; ".join(entries)
