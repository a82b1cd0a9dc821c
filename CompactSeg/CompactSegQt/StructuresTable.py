"""A row for each structure, with its colour and its millilitres at each level: the legend where there are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Results import Results
from CompactSegQt.StructureCells import volumeText, volumeTooltip

if TYPE_CHECKING:
    from CompactSegLib.model.expected import ExpectedVolume

__all__ = ["MOST_COLUMNS", "StructuresTable", "structuresOf"]

MOST_COLUMNS = 4
"""So many structures have room as columns beside the levels' figures; more have this table."""

_SWATCH_WIDTH = 16


class StructuresTable:
    """Shows nothing where the structures are few enough for the table of levels.

    Args:
        table: QTableWidget.
    """

    def __init__(self, table) -> None:
        self._table = table
        self._shown: tuple | None = None
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.minimumSectionSize = _SWATCH_WIDTH
        header.setDefaultAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        table.visible = False

    def setResults(
        self, results: Results | None, *, expected: Mapping[str, ExpectedVolume]
    ) -> None:
        """Show these; None for a volume that has none.

        Args:
            results: Of the volume.
            expected: By structure, what training cases of the model that made them have.
        """
        names = structuresOf(results)
        self._table.visible = len(names) > MOST_COLUMNS
        if len(names) <= MOST_COLUMNS:
            return
        colors = _colorsOf(results.levels[-1].segmentationNode)
        figures = [
            (each.level, dict(each.millilitres), dict(each.improvementByLabel))
            for each in results.levels
        ]
        shown = (figures, colors, dict(expected))
        if shown == self._shown:  # the panel is brought up to date often
            return
        self._shown = shown
        self._setHeadings([each.level for each in results.levels])
        self._table.setRowCount(len(names))
        for row, name in enumerate(names):
            swatch = qt.QTableWidgetItem("")
            swatch.setFlags(qt.Qt.ItemIsEnabled)
            if name in colors:
                swatch.setBackground(qt.QBrush(qt.QColor(*colors[name])))
            swatch.setToolTip(_("Colour of “{name}”.").format(name=name))
            self._table.setItem(row, 0, swatch)
            self._table.setItem(row, 1, _cell(name, qt.Qt.AlignLeft))
            for column, level in enumerate(results.levels, start=2):
                cell = _cell(volumeText(level, name, expected), qt.Qt.AlignRight)
                cell.setToolTip(volumeTooltip(level, name, expected))
                self._table.setItem(row, column, cell)
        self._fitHeight(len(names))

    def _setHeadings(self, levels: list[int]) -> None:
        texts = ["", _("Structure (ml)")]
        texts += [_("Level {level}").format(level=level) for level in levels]
        self._table.setColumnCount(len(texts))
        header = self._table.horizontalHeader()
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if column == 1:
                item.setTextAlignment(qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
            self._table.setHorizontalHeaderItem(column, item)
            mode = qt.QHeaderView.Stretch if column == 1 else qt.QHeaderView.ResizeToContents
            header.setSectionResizeMode(column, mode)
        header.setSectionResizeMode(0, qt.QHeaderView.Fixed)
        self._table.setColumnWidth(0, _SWATCH_WIDTH)

    def _fitHeight(self, rows: int) -> None:
        """All rows are seen; the panel as a whole scrolls."""
        height = self._table.horizontalHeader().sizeHint.height() + 2 * self._table.frameWidth
        height += rows * self._table.verticalHeader().defaultSectionSize
        self._table.setFixedHeight(height)


def structuresOf(results: Results | None) -> list[str]:
    """Names of all structures that some level has, in the model's order."""
    levels = results.levels if results is not None else ()
    return list(dict.fromkeys(name for each in levels for name in each.millilitres))


def _cell(text: str, alignment):
    item = qt.QTableWidgetItem(text)
    item.setTextAlignment(alignment | qt.Qt.AlignVCenter)
    item.setFlags(qt.Qt.ItemIsEnabled)
    return item


def _colorsOf(segmentationNode) -> dict[str, tuple[int, int, int]]:
    """By name of the segment, 0 to 255: as the views draw it now."""
    segmentation = segmentationNode.GetSegmentation()
    segments = [
        segmentation.GetNthSegment(index) for index in range(segmentation.GetNumberOfSegments())
    ]
    return {
        each.GetName(): tuple(round(255 * part) for part in each.GetColor()) for each in segments
    }
