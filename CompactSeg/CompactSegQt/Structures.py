"""A row for each structure: its eye, its colour and its millilitres, sides beside each other. Rows act on a click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CompactSegMRML.LevelDisplay import Structure, lookOf, structuresOf
from CompactSegMRML.Results import Comparison, LevelResult, Results
from CompactSegMRML.Signal import Signal
from CompactSegQt.Texts import asymmetryText, millilitresText, percentText, plain

if TYPE_CHECKING:
    from CompactSegLib.model.expected_volumes import ExpectedVolume

__all__ = ["StructuresTable"]

_EYE, _COLOR, _NAME, _FIRST = range(4)
_SMALL_WIDTH = 24
_MOST_ROWS = 16
_DOWN, _UP = "↓", "↑"
# Training cases are few: many a healthy head lies a little outside of their range.
_BEYOND = 0.25

_NO_COLOR = (0, 0, 0)
_Look = tuple[tuple[int, int, int], bool, float]


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
        self._structures: list[Structure] = []
        self._shown: object = None
        self._filling = False
        table.verticalHeader().hide()
        table.tabKeyNavigation = False
        header = table.horizontalHeader()
        header.minimumSectionSize = _SMALL_WIDTH
        header.setDefaultAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
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
        if comparison is not None:
            self._showComparison(comparison)
            return
        for widget in (self._table, self._opacity, self._label):
            widget.visible = results is not None
        if results is None:
            self._shown, self._structures = None, []
            self._table.setRowCount(0)
            return
        level = results.level(results.shownLevel or 0) or results.levels[-1]
        structures = structuresOf(level.millilitres)
        looks = [lookOf(level.segmentationNode, each) for each in structures]
        volumes = [(each.level, dict(each.millilitres)) for each in results.levels]
        shown = (level.level, volumes, looks, dict(expected))
        if shown == self._shown:  # the panel is brought up to date often
            return
        self._shown, self._structures = shown, structures
        self._filling = True
        hasSides = any(each.left for each in structures)
        self._setHeadings(_headingsOf(level, hasSides=hasSides))
        self._table.clearSpans()
        self._table.setRowCount(len(structures))
        for row, (structure, look) in enumerate(zip(structures, looks, strict=True)):
            self._fillRow(row, structure, look, level, results, expected, hasSides=hasSides)
        opacities = [opacity for _color, _visible, opacity in looks]
        self._opacity.value = round(100 * max(opacities, default=1.0))
        self._fitHeight(len(structures))
        self._filling = False

    def _showComparison(self, comparison: Comparison) -> None:
        nodes = (comparison.a.node, comparison.b.node)
        structures = [Structure(each.name) for each in comparison.structures]
        looks = [_lookOfEither(nodes, each) for each in structures]
        for widget in (self._table, self._opacity, self._label):
            widget.visible = True
        shown = (id(comparison), looks)
        if shown == self._shown:
            return
        self._shown, self._structures = shown, structures
        self._filling = True
        dice = _("Dice"), _("Overlap of both sides: 1 where they are the same.")
        names = [(side.name, "") for side in (comparison.a, comparison.b)]
        self._setHeadings([(_("Structure (ml)"), ""), *names, dice])
        self._table.clearSpans()
        self._table.setRowCount(len(structures))
        for row, (each, look) in enumerate(zip(comparison.structures, looks, strict=True)):
            overlap = "–" if each.dice is None else f"{each.dice:.3f}"
            texts = (*map(millilitresText, each.millilitres), overlap)
            self._setRow(
                row,
                structures[row],
                look,
                [_cell(text, qt.Qt.AlignRight) for text in texts],
            )
        self._fitHeight(len(structures))
        self._filling = False

    def _setHeadings(self, headings: list[tuple[str, str]]) -> None:
        """Texts and tooltips of the columns from the name on."""
        headings = [("", ""), ("", ""), *headings]
        self._table.setColumnCount(len(headings))
        header = self._table.horizontalHeader()
        for column, (text, tooltip) in enumerate(headings):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(tooltip or plain(text))
            if column == _NAME:
                item.setTextAlignment(qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
            self._table.setHorizontalHeaderItem(column, item)
            mode = qt.QHeaderView.Stretch if column == _NAME else qt.QHeaderView.ResizeToContents
            header.setSectionResizeMode(column, mode)
        for column in (_EYE, _COLOR):
            header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
            self._table.setColumnWidth(column, _SMALL_WIDTH)

    def _fillRow(
        self,
        row: int,
        structure: Structure,
        look: _Look,
        level: LevelResult,
        results: Results,
        expected: Mapping[str, ExpectedVolume],
        *,
        hasSides: bool,
    ) -> None:
        cells = []
        for name in structure.segments:
            cell = _cell(volumeText(level, name, expected), qt.Qt.AlignRight)
            cell.setToolTip(plain(volumeTooltip(results, level, name, expected)))
            cells.append(cell)
        if structure.left is not None:
            asymmetry = structure.asymmetry(level.millilitres)
            text = "–" if asymmetry is None else asymmetryText(asymmetry)
            cells.append(_cell(text, qt.Qt.AlignRight))
        elif hasSides:
            cells.extend(_cell("", qt.Qt.AlignRight) for _column in range(2))
            self._table.setSpan(row, _FIRST, 1, 2)
        self._setRow(row, structure, look, cells)

    def _setRow(self, row: int, structure: Structure, look: _Look, figures: list[Any]) -> None:
        """Eye, colour and name, and behind them the figures."""
        color, isVisible, _opacity = look
        eye = qt.QTableWidgetItem("")
        eye.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
        eye.setCheckState(qt.Qt.Checked if isVisible else qt.Qt.Unchecked)
        eye.setToolTip(plain(_("Show or hide “{name}”.").format(name=structure.name)))
        swatch = qt.QTableWidgetItem("")
        swatch.setFlags(qt.Qt.ItemIsEnabled)
        swatch.setBackground(qt.QBrush(qt.QColor(*color)))
        swatch.setToolTip(
            plain(_("Colour of “{name}”; click to choose.").format(name=structure.name))
        )
        cells = [eye, swatch, _cell(structure.name, qt.Qt.AlignLeft)]
        cells[_NAME].setToolTip(_("Click to go there in the slice views."))
        for column, item in enumerate([*cells, *figures]):
            self._table.setItem(row, column, item)

    def _fitHeight(self, rows: int) -> None:
        """As many rows as leave the buttons below in sight; the rest scrolls."""
        height = self._table.horizontalHeader().sizeHint.height() + 2 * self._table.frameWidth
        height += min(rows, _MOST_ROWS) * self._table.verticalHeader().defaultSectionSize
        self._table.setFixedHeight(height)

    def _selected(self) -> list[str]:
        """Names of the segments in the selected rows; all where none is."""
        rows = {item.row() for item in self._table.selectedItems()} or range(len(self._structures))
        return [name for row in sorted(rows) for name in self._structures[row].segments]

    def _onChanged(self, item: Any) -> None:
        if not self._filling and item.column() == _EYE:
            names = self._structures[item.row()].segments
            self.visibilityChosen(names, item.checkState() == qt.Qt.Checked)

    def _onClicked(self, row: int, column: int) -> None:
        structure = self._structures[row]
        if column == _COLOR:
            before = self._table.item(row, column).background().color()
            color = qt.QColorDialog.getColor(before, self._table, structure.name)
            if color.isValid():
                self.colorChosen(structure.segments, (color.red(), color.green(), color.blue()))
        elif column >= _NAME:
            isRight = structure.right is not None and column == _FIRST + 1
            self.jumpRequested(structure.right if isRight else structure.segments[0])

    def _onOpacity(self, value: int) -> None:
        if not self._filling:
            self.opacityChosen(self._selected(), value / 100)


def _headingsOf(level: LevelResult, *, hasSides: bool) -> list[tuple[str, str]]:
    name = (_("Structure at level {level}").format(level=level.level), "")
    if not hasSides:
        return [name, (_("ml"), _("Millilitres."))]
    difference = _("How much larger the left is than the right, in percent of their mean.")
    return [name, (_("Left (ml)"), ""), (_("Right (ml)"), ""), (_("L − R"), difference)]


def _lookOfEither(nodes: tuple[Any, Any], structure: Structure) -> _Look:
    """As the left side shows it, or the right where the left has no such structure."""
    color, isVisible, opacity = lookOf(nodes[0], structure)
    return (color, isVisible, opacity) if color != _NO_COLOR else lookOf(nodes[1], structure)


def volumeText(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> str:
    """Millilitres, with an arrow in front where these are far less or far more than any training case has."""
    text = millilitresText(level.millilitres.get(name, 0.0))
    # In front, so that the digits stay below each other.
    return " ".join([*_arrow(level, name, expected), text])


def volumeTooltip(
    results: Results, level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]
) -> str:
    """The millilitres at each level, how much the structure changed, and how large it is in training cases."""
    lines = [
        _("Level {level}: {millilitres} ml").format(
            level=each.level, millilitres=millilitresText(each.millilitres.get(name, 0.0))
        )
        for each in results.levels
    ]
    if level.isEdited:
        lines.append(_("Counted anew, since the labels were edited."))
    elif name in level.improvementByLabel:
        lines.append(
            _("“{name}” changed by {change} from level {before} (1 − Jaccard).").format(
                name=name,
                change=percentText(level.improvementByLabel[name]),
                before=level.level - 1,
            )
        )
    if name in expected:
        known = expected[name]
        lines.append(
            _("Training cases: {mean} ml ({least} to {most}).").format(
                mean=millilitresText(known.mean),
                least=millilitresText(known.least),
                most=millilitresText(known.most),
            )
        )
    for arrow in _arrow(level, name, expected):
        lines.append(
            _("{arrow} Over a quarter less than in any training case.").format(arrow=arrow)
            if arrow == _DOWN
            else _("{arrow} Over a quarter more than in any training case.").format(arrow=arrow)
        )
    return "\n".join(lines)


def _arrow(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> list[str]:
    """One arrow, or none where the volume is near those of training cases, or theirs are not known."""
    known, found = expected.get(name), level.millilitres.get(name, 0.0)
    if known is None:
        return []
    if found < known.least * (1 - _BEYOND):
        return [_DOWN]
    return [_UP] if found > known.most * (1 + _BEYOND) else []


def _cell(text: str, alignment):
    item = qt.QTableWidgetItem(text)
    item.setTextAlignment(alignment | qt.Qt.AlignVCenter)
    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
    return item
