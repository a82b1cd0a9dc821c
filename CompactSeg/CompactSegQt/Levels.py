"""The levels: a slider over all of them, a row for each that is there, and why they ended."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Results import LevelResult, Results
from CompactSegMRML.Signal import Signal
from CompactSegQt.RunControls import thresholdText
from CompactSegQt.Texts import percentText, plain

__all__ = ["LevelSlider", "LevelsTable", "stopSentence"]


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
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.Stretch)
        self._setHeadings()

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
        item.setToolTip(plain(f"{explanation}\n{click}" if explanation else click))
        return item

    def _fitHeight(self) -> None:
        rows = max(len(self._levels), 1) * self._table.verticalHeader().defaultSectionSize
        header = self._table.horizontalHeader()
        self._table.setFixedHeight(header.sizeHint.height() + rows + 2 * self._table.frameWidth)

    def _onSelected(self) -> None:
        row = self._table.currentRow()
        if not self._filling and 0 <= row < len(self._levels):
            self.levelChosen(self._levels[row])


def rowCells(level: LevelResult) -> list[tuple[str, str]]:
    """Text and explanation of each cell in a level's row."""
    number = str(level.level)
    if level.isEdited:
        number = _("{level} (edited)").format(level=level.level)
        sentence = _("Its labels were edited since, so what it changed is not known any more.")
        return [(number, sentence), ("–", sentence), (f"{level.seconds:.2f}", "")]
    return [
        (number, ""),
        (percentText(level.improvement), changeSentence(level)),
        (f"{level.seconds:.2f}", ""),
    ]


def changeSentence(level: LevelResult) -> str:
    """Of which structure the change is, and what it does not say."""
    if level.improvement is None:
        return _("Level 1 has no level before it to compare with.")
    changes = level.improvementByLabel
    if not changes:
        return _("It does not say that the result got better.")
    most = max(changes, key=lambda name: changes[name])
    return _(
        "Largest change: “{name}”, {change} (1 − Jaccard). It does not say that the result got better."
    ).format(name=most, change=percentText(changes[most]))


def stopSentence(results: Results | None, *, otherModel: str = "") -> str:
    """Why no deeper level was computed, and by which model where it is not the chosen one."""
    if results is None or not results.levels:
        return ""
    if otherModel:
        sentence = stopSentence(results)
        return _("Results of “{model}”. {sentence}").format(model=otherModel, sentence=sentence)
    last, levels = results.levels[-1], results.availableLevels
    if last.level >= levels:
        return _("All {levels} levels were computed.").format(levels=levels)
    if last.stop == "threshold":
        reason = _("it changed every structure by less than the threshold of {threshold}.").format(
            threshold=thresholdText(last.stopThreshold)
        )
        if last.stopThreshold is None:  # scenes of CompactSeg 0.1 do not always tell
            reason = _("the threshold was reached.")
        return _("Stopped at level {level} of {levels}: {reason}").format(
            level=last.level, levels=levels, reason=reason
        )
    return _("Computed up to level {level} of {levels}.").format(level=last.level, levels=levels)


def findingsText(results: Results | None) -> str:
    """What the run told of the image and of what was found, and whether that image is still there."""
    if results is None:
        return ""
    sentences = list(results.messages)
    if results.isOutdated:
        sentences.insert(
            0, _("The image was changed since these levels were made: segment it again.")
        )
    return " ".join(sentences)
