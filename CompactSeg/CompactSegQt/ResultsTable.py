"""A row for each level: what it changed, how long it took, how large the structures are."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Results import LevelResult, Results
from CompactSegMRML.Signal import Signal
from CompactSegQt.StopControls import thresholdText
from CompactSegQt.StructureCells import percentText, volumeText, volumeTooltip
from CompactSegQt.StructuresTable import MOST_COLUMNS, structuresOf

if TYPE_CHECKING:
    from CompactSegLib.model.expected import ExpectedVolume

__all__ = ["ResultsTable", "stopSentence"]

_HEADING_WIDTH = 12


class ResultsTable:
    """Shows results, marks the level that is shown, and lets another be chosen by its row.

    Args:
        table: QTableWidget.
        stopText: QLabel under it, that says why no deeper level was computed.

    Attributes:
        levelChosen: Signal with the level's number.
    """

    def __init__(self, table, stopText) -> None:
        self.levelChosen = Signal()
        self._table, self._stopText = table, stopText
        self._levels: tuple[int, ...] = ()
        self._filling = False
        table.verticalHeader().hide()
        table.tabKeyNavigation = False
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.stretchLastSection = True
        header.minimumSectionSize = 48
        table.connect("itemSelectionChanged()", self._onSelected)

    def setResults(
        self,
        results: Results | None,
        *,
        isComplete: bool,
        expected: Mapping[str, ExpectedVolume],
        otherModel: str = "",
    ) -> None:
        """Show these; None for a volume that has none.

        Args:
            results: Of the volume.
            isComplete: Whether no further level is on its way.
            expected: By structure, what training cases of the model that made them have.
            otherModel: Title of the model that made them, where it is not the chosen one.
        """
        self._filling = True
        levels = results.levels if results else ()
        self._levels = tuple(each.level for each in levels)
        hasGain = any(each.expectedGain is not None for each in levels)
        structures = structuresOf(results)
        if len(structures) > MOST_COLUMNS:
            structures = []
        self._setHeadings(structures, hasGain=hasGain)
        self._table.setRowCount(len(levels))
        for row, level in enumerate(levels):
            cells = rowCells(level, structures, hasGain=hasGain, expected=expected)
            for column, (text, explanation) in enumerate(cells):
                self._table.setItem(row, column, self._cell(text, explanation, level))
        shown = results.shownLevel if results else None
        if shown in self._levels:
            self._table.selectRow(self._levels.index(shown))
        else:
            self._table.clearSelection()
        self._fitHeight()
        self._stopText.text = stopSentence(results, otherModel=otherModel)
        self._stopText.toolTip = levels[-1].stopReason if levels else ""
        self._table.visible = bool(levels)
        self._stopText.visible = bool(levels) and isComplete
        self._filling = False

    def _setHeadings(self, structures: list[str], *, hasGain: bool) -> None:
        headings = [
            (_("Level"), _("From 1, which is there first, to the deepest.")),
            (
                _("Improve-\nment"),
                _(
                    "How much the structure that changed most differs from the level before (1 − Jaccard): 0 % is "
                    "nothing at all. It does not say that the result got better."
                ),
            ),
        ]
        if hasGain:
            headings.append(
                (
                    _("Gain to\nexpect"),
                    _(
                        "How much the next level is expected to add to the overlap with an expert (Dice)."
                    ),
                )
            )
        headings.append((_("Time (s)"), _("Seconds that this level took.")))
        headings += [
            (
                "\n".join([*textwrap.wrap(name, _HEADING_WIDTH), _("(ml)")]),
                _("Volume of “{name}” in millilitres.").format(name=name),
            )
            for name in structures
        ]
        self._table.setColumnCount(len(headings))
        for column, (text, tooltip) in enumerate(headings):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(tooltip)
            self._table.setHorizontalHeaderItem(column, item)

    @staticmethod
    def _cell(text: str, explanation: str, level: LevelResult):
        item = qt.QTableWidgetItem(text)
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
        click = _("Click to show level {level}.").format(level=level.level)
        item.setToolTip(f"{explanation}\n{click}" if explanation else click)
        return item

    def _fitHeight(self) -> None:
        rows = max(len(self._levels), 1) * self._table.verticalHeader().defaultSectionSize
        header = self._table.horizontalHeader()
        height = header.sizeHint.height() + rows + 2 * self._table.frameWidth
        if header.length() > self._table.parent().width:
            height += self._table.horizontalScrollBar().sizeHint.height()
        self._table.setFixedHeight(height)

    def _onSelected(self) -> None:
        row = self._table.currentRow()
        if not self._filling and 0 <= row < len(self._levels):
            self.levelChosen(self._levels[row])


def rowCells(
    level: LevelResult,
    structures: list[str],
    *,
    hasGain: bool,
    expected: Mapping[str, ExpectedVolume],
) -> list[tuple[str, str]]:
    """Text and explanation of each cell in a level's row."""
    cells = [(str(level.level), ""), (percentText(level.improvement), improvementSentence(level))]
    if hasGain:
        cells.append((percentText(level.expectedGain), ""))
    cells.append((f"{level.seconds:.2f}", ""))
    return cells + [
        (volumeText(level, name, expected), volumeTooltip(level, name, expected))
        for name in structures
    ]


def improvementSentence(level: LevelResult) -> str:
    """Of which structure the improvement is, and what it does not say."""
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
        return _("Stopped at level {level} of {levels}: {reason}").format(
            level=last.level, levels=levels, reason=_ruleSentence(last)
        )
    return _("Computed up to level {level} of {levels}.").format(level=last.level, levels=levels)


def _ruleSentence(last: LevelResult) -> str:
    """By which rule a run stopped; scenes saved before that was kept do not tell."""
    if last.stopUnit == "dice":
        return _(
            "level {next} is expected to gain less than the threshold of {threshold} in Dice."
        ).format(next=last.level + 1, threshold=thresholdText(last.stopThreshold))
    if last.stopUnit == "jaccard":
        return _("it changed every structure by less than the threshold of {threshold}.").format(
            threshold=thresholdText(last.stopThreshold)
        )
    return _("the threshold was reached.")
