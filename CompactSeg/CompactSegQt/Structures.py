"""A row for each structure: eye, colour, opacity and millilitres, sides beside each other. Rows act on a click."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Difference import Comparison
from CompactSegMRML.LevelDisplay import Structure, lookOf, structuresOf, unsided
from CompactSegMRML.Results import Results
from CompactSegMRML.Signal import Signal
from CompactSegQt.Texts import millilitresText, plain, volumeText, volumeTooltip

if TYPE_CHECKING:
    from CompactSegLib.model.model import ExpectedVolume

_EYE, COLOR, OPACITY, NAME, FIGURES = range(5)
"""Columns, in the order of Slicer's own table of segments; from FIGURES on there are numbers."""
_SMALL_WIDTH = 24
_LEAST_ROWS = 5
"""That are seen where the window is low; all of them where it is high, since the table takes what the rest leaves."""

_NO_COLOR = (0, 0, 0)


@dataclass(frozen=True)
class _Row:
    """A structure, how it is drawn (as `lookOf`), and text and tooltip of each of its figures."""

    structure: Structure
    look: tuple[tuple[int, int, int], bool, float]
    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Content:
    """Text and tooltip of each heading from the name on, and the rows."""

    headings: tuple[tuple[str, str], ...] = ()
    rows: tuple[_Row, ...] = ()


class StructuresTable:
    """What the level that is shown found, which is the legend, too.

    Args:
        table: QTableWidget.
        opacity: QSlider, from 0 to 100, for the structures whose rows are selected, or all.
        opacityLabel: QLabel before it.

    Attributes:
        visibilityChosen: Signal with names of segments and whether they are to be seen.
        colorChosen: Signal with names of segments and a colour (0 to 255).
        opacityChosen: Signal with names of segments and how much of the image they cover, 0 to 1.
        jumpRequested: Signal with the name of a segment that the views shall show.
    """

    def __init__(self, table, opacity, opacityLabel) -> None:
        self.visibilityChosen, self.colorChosen = Signal(), Signal()
        self.opacityChosen, self.jumpRequested = Signal(), Signal()
        self._table, self._opacity, self._label = table, opacity, opacityLabel
        self._shown = _Content()
        self._filling = False
        self._opacityWidth = 0
        table.verticalHeader().hide()
        table.tabKeyNavigation = False
        header = table.horizontalHeader()
        header.minimumSectionSize = _SMALL_WIDTH
        header.setDefaultAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        header.textElideMode = qt.Qt.ElideRight
        header.connect("sectionResized(int,int,int)", self._onResized)
        table.connect("itemChanged(QTableWidgetItem*)", self._onChanged)
        table.connect("cellClicked(int,int)", self._onClicked)
        opacity.connect("valueChanged(int)", self._onOpacity)
        self.setResults(None, expected={})

    def setResults(
        self,
        results: Results | None,
        *,
        expected: Mapping[str, ExpectedVolume],
        comparison: Comparison | None = None,
    ) -> None:
        """Show the level that is seen, or else the last; nothing for a volume that has none.

        Args:
            results: Of the volume.
            expected: By structure, what training cases of the model that made them have.
            comparison: That is on the screen: then both sides are shown, and how they agree.
        """
        content = _Content()
        if comparison is not None:
            content = _contentOfComparison(comparison)
        elif results is not None:
            content = _contentOfLevel(results, expected)
        for widget in (self._table, self._opacity, self._label):
            widget.visible = bool(content.rows)
        if content != self._shown:  # the panel is brought up to date often
            self._shown, self._filling = content, True
            self._setHeadings(content.headings)
            self._table.clearSpans()
            self._table.setRowCount(len(content.rows))
            for number, row in enumerate(content.rows):
                self._setRow(number, row)
            self._opacity.value = round(100 * max((row.look[2] for row in content.rows), default=1))
            self._limitHeight(len(content.rows))
            self._makeRoomForNames()
            self._filling = False

    def _setHeadings(self, headings: tuple[tuple[str, str], ...]) -> None:
        opacity = _("Opacity"), _("How much of the image a structure covers.")
        headings = (("", _("Shown")), ("", _("Colour")), opacity, *headings)
        self._table.setColumnCount(len(headings))
        header = self._table.horizontalHeader()
        for column, (text, tooltip) in enumerate(headings):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(plain(tooltip or text))
            if column == NAME:
                item.setTextAlignment(qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
            self._table.setHorizontalHeaderItem(column, item)
            mode = qt.QHeaderView.Stretch if column == NAME else qt.QHeaderView.ResizeToContents
            header.setSectionResizeMode(column, mode)
        for column in (_EYE, COLOR):
            header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
            self._table.setColumnWidth(column, _SMALL_WIDTH)

    def _setRow(self, number: int, row: _Row) -> None:
        (color, isVisible, opacity), name = row.look, row.structure.name
        eye = qt.QTableWidgetItem("")
        eye.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
        eye.setCheckState(qt.Qt.Checked if isVisible else qt.Qt.Unchecked)
        eye.setToolTip(plain(_("Show or hide “{name}”.").format(name=name)))
        swatch = qt.QTableWidgetItem("")
        swatch.setFlags(qt.Qt.ItemIsEnabled)
        swatch.setBackground(qt.QBrush(qt.QColor(*color)))
        swatch.setToolTip(plain(_("Colour of “{name}”; click to choose.").format(name=name)))
        cover = _cell(f"{100 * opacity:.0f} %", qt.Qt.AlignRight)
        cover.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled | qt.Qt.ItemIsEditable)
        cover.setToolTip(
            plain(_("Opacity of “{name}”; double-click to type another.").format(name=name))
        )
        called = _cell(name, qt.Qt.AlignLeft)
        # A narrow panel cuts the name.
        called.setToolTip(plain(name + "\n" + _("Click to go there in the slice views.")))
        figures = [_cell(text, qt.Qt.AlignRight) for text, _tooltip in row.figures]
        for cell, (_text, tooltip) in zip(figures, row.figures, strict=True):
            cell.setToolTip(plain(tooltip))
        missing = self._table.columnCount - FIGURES - len(figures)
        if missing:  # a structure without sides among those that have two
            figures[0].setTextAlignment(qt.Qt.AlignHCenter | qt.Qt.AlignVCenter)  # of neither side
            figures.extend(_cell("", qt.Qt.AlignRight) for _column in range(missing))
            self._table.setSpan(number, FIGURES, 1, missing)
        for column, item in enumerate([eye, swatch, cover, called, *figures]):
            self._table.setItem(number, column, item)

    def _limitHeight(self, rows: int) -> None:
        """Between few of the rows and all of them, so that what is below the table stays in sight."""
        frame = self._table.horizontalHeader().sizeHint.height() + 2 * self._table.frameWidth
        each = self._table.verticalHeader().defaultSectionSize
        self._table.minimumHeight = frame + min(rows, _LEAST_ROWS) * each
        self._table.maximumHeight = frame + rows * each

    def _onResized(self, column: int, _before: int, _now: int) -> None:
        if column == NAME:  # later, since the header is in the middle of it
            qt.QTimer.singleShot(0, self._makeRoomForNames)

    def _makeRoomForNames(self) -> None:
        """Where names would be cut, the column of opacities gives way: the slider sets them, too."""
        table = self._table
        advance = table.fontMetrics().horizontalAdvance
        needed = max((advance(f"  {row.structure.name}") for row in self._shown.rows), default=0)
        self._opacityWidth = table.columnWidth(OPACITY) or self._opacityWidth
        room = table.columnWidth(NAME) + table.columnWidth(OPACITY)
        table.setColumnHidden(OPACITY, room < needed + self._opacityWidth)

    def _onChanged(self, item: Any) -> None:
        if self._filling:
            return
        row = self._shown.rows[item.row()]
        if item.column() == _EYE:
            isVisible = item.checkState() == qt.Qt.Checked
            self.visibilityChosen(row.structure.segments, isVisible)
        elif item.column() == OPACITY:
            percent = re.search(r"\d+(?:[.,]\d+)?", item.text())
            opacity = float(percent[0].replace(",", ".")) / 100 if percent else row.look[2]
            self._shown = _Content()  # what was typed is written as it was taken
            self.opacityChosen(row.structure.segments, min(opacity, 1.0))

    def _onClicked(self, number: int, column: int) -> None:
        structure = self._shown.rows[number].structure
        if column == COLOR:
            before = self._table.item(number, column).background().color()
            color = qt.QColorDialog.getColor(before, self._table, structure.name)
            if color.isValid():
                self.colorChosen(structure.segments, (color.red(), color.green(), color.blue()))
        elif column >= NAME:
            isRight = structure.right is not None and column == FIGURES + 1
            self.jumpRequested(structure.right if isRight else structure.segments[0])

    def _onOpacity(self, value: int) -> None:
        if not self._filling:
            rows = self._shown.rows
            selected = {item.row() for item in self._table.selectedItems()} or range(len(rows))
            names = [name for row in sorted(selected) for name in rows[row].structure.segments]
            self.opacityChosen(names, value / 100)


def _contentOfLevel(results: Results, expected: Mapping[str, ExpectedVolume]) -> _Content:
    level = results.level(results.shownLevel or 0) or results.levels[-1]
    structures = structuresOf(level.millilitres)
    headings = (
        (_("Structure at level {level} (ml)").format(level=level.level), ""),
        (_("Volume"), _("Millilitres.")),
    )
    if any(each.left for each in structures):
        difference = _("How much larger the left is than the right, in percent of their mean.")
        left, right = _("Millilitres on the left."), _("Millilitres on the right.")
        sides = (_("Left"), left), (_("Right"), right), (_("L − R"), difference)
        headings = (headings[0], *sides)
    # A model of a part that has a left and a right states what one of them has.
    both = {
        name: expected[unsided(name)] for name in level.millilitres if unsided(name) in expected
    }
    expected = {**both, **expected}
    rows = []
    for each in structures:
        figures = [
            (volumeText(level, name, expected), volumeTooltip(results, level, name, expected))
            for name in each.segments
        ]
        if each.left is not None:
            asymmetry = each.asymmetry(level.millilitres)
            figures.append(("–" if asymmetry is None else _asymmetryText(asymmetry), ""))
        rows.append(_Row(each, lookOf(level.segmentationNode, each), tuple(figures)))
    return _Content(headings, tuple(rows))


def _contentOfComparison(comparison: Comparison) -> _Content:
    names = [(side.name, side.name) for side in comparison.sides]
    dice = _("Dice"), _("Overlap of both sides: 1 where they are the same.")
    rows = []
    for each in comparison.structures:
        overlap = "–" if each.dice is None else f"{each.dice:.3f}"
        texts = (*map(millilitresText, each.millilitres), overlap)
        looks = [lookOf(side.node, Structure(each.name)) for side in comparison.sides]
        # The right side's where the left has no such structure.
        look = looks[0] if looks[0][0] != _NO_COLOR else looks[1]
        rows.append(_Row(Structure(each.name), look, tuple((text, "") for text in texts)))
    return _Content(((_("Structure (ml)"), ""), *names, dice), tuple(rows))


def _asymmetryText(share: float) -> str:
    """In percent, with its sign, which nothing has not.

    >>> [_asymmetryText(share) for share in (0.02, -0.051, 0.001)]
    ['+2 %', '-5 %', '0 %']
    """
    percent = round(100 * share)
    return f"{percent:+d} %" if percent else "0 %"


def _cell(text: str, alignment):
    item = qt.QTableWidgetItem(text)
    item.setTextAlignment(alignment | qt.Qt.AlignVCenter)
    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
    return item
