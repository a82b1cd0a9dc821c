"""The levels: a slider over all of them, a row for each that is there, and two of them side by side."""

from __future__ import annotations

from html import escape
from typing import Any

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Difference import Comparison, Side
from CompactSegMRML.Results import LevelResult, Results
from CompactSegMRML.Signal import Signal
from CompactSegQt.Texts import findingsText, millilitresText, plain, rowCells, stopSentence

_CHANGE = 1
"""Column of a level's change, which has the longest texts."""


class LevelSlider:
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
        self._text.text = self._describe(0)  # the widest, or the slider would move with the text
        self._text.minimumWidth = self._text.sizeHint.width()
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


class LevelsTable:
    """Shows the levels of a volume, marks the one that is shown, and lets another be chosen by its row.

    Args:
        table: QTableWidget.
        stopText: QLabel under it, that says why no deeper level was computed.
        findings: QLabel under that, for what the run told of the image and of what was found.

    Attributes:
        levelChosen: Signal with the level's number.
    """

    def __init__(self, table, stopText, findings) -> None:
        self.levelChosen = Signal()
        self._table, self._stopText, self._findings = table, stopText, findings
        self._levels: tuple[int, ...] = ()
        self._filling = False
        stopText.textFormat = findings.textFormat = qt.Qt.PlainText
        table.verticalHeader().hide()
        table.tabKeyNavigation = False
        self._setHeadings()
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(_CHANGE, qt.QHeaderView.Stretch)

    def _setHeadings(self) -> None:
        headings = (
            (_("Level"), _("From 1, which is there first, to the deepest.")),
            (
                _("Change"),
                _(
                    "How much the structure that changed most differs from the level before (1 − Jaccard): 0 % is "
                    "nothing at all. It does not say that the result got better."
                ),
            ),
            (_("Time (s)"), _("Seconds that this level took.")),
        )
        self._table.setColumnCount(len(headings))
        for column, (text, tooltip) in enumerate(headings):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(tooltip)
            self._table.setHorizontalHeaderItem(column, item)
        self._table.connect("itemSelectionChanged()", self._onSelected)

    def setResults(
        self, results: Results | None, *, isComplete: bool, otherModel: str = ""
    ) -> None:
        """Show these; None for a volume that has none.

        Args:
            results: Of the volume.
            isComplete: Whether no further level is on its way.
            otherModel: Title of the model that made them, where it is not the chosen one.
        """
        self._filling = True
        levels = results.levels if results else ()
        self._levels = tuple(each.level for each in levels)
        self._table.setRowCount(len(levels))
        for row, level in enumerate(levels):
            for column, (text, explanation) in enumerate(rowCells(level)):
                self._table.setItem(row, column, self._cell(text, explanation, level))
        shown = results.shownLevel if results else None
        if shown in self._levels:
            self._table.selectRow(self._levels.index(shown))
        else:
            self._table.clearSelection()
        self._fitHeight()
        self._stopText.text = stopSentence(results, otherModel=otherModel)
        self._stopText.toolTip = plain(levels[-1].stopReason) if levels else ""
        self._table.visible = bool(levels)
        self._stopText.visible = bool(levels) and isComplete
        findings = findingsText(results)
        self._findings.text = findings
        self._findings.visible = bool(findings) and isComplete
        self._filling = False

    @staticmethod
    def _cell(text: str, explanation: str, level: LevelResult):
        item = qt.QTableWidgetItem(text)
        item.setTextAlignment(qt.Qt.AlignHCenter | qt.Qt.AlignVCenter)
        item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
        click = _("Click to show level {level}.").format(level=level.level)
        # A narrow panel cuts the text.
        item.setToolTip(plain("\n".join(filter(None, (text, explanation, click)))))
        return item

    def _fitHeight(self) -> None:
        rows = max(len(self._levels), 1) * self._table.verticalHeader().defaultSectionSize
        header = self._table.horizontalHeader()
        self._table.setFixedHeight(header.sizeHint.height() + rows + 2 * self._table.frameWidth)

    def _onSelected(self) -> None:
        row = self._table.currentRow()
        if not self._filling and 0 <= row < len(self._levels):
            self.levelChosen(self._levels[row])


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
            for row, side in enumerate(sides):
                box.addItem(side.name)
                box.setItemData(row, plain(side.name), qt.Qt.ToolTipRole)
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
        for box in (self._left, self._right):
            box.enabled = self._button.enabled
        self._explainBoxes(reason or "")

    def _explainBoxes(self, reason: str = "") -> None:
        for box, side in (
            (self._left, _("What is shown on the left.")),
            (self._right, _("What is shown on the right.")),
        ):
            # A narrow panel cuts the name.
            box.toolTip = plain(f"{box.currentText}\n{side}" if box.enabled else reason)

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
        self._explainBoxes()
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
