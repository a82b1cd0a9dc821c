"""The models, with a search over all that is said about them."""

import re
from html import escape

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Signal import Signal
from CompactSegMRML.WorkerFace import ModelCard, ModelInfo
from CompactSegQt.Texts import plain, thresholdText

_MOST_ROWS = 5
_MOST_LETTERS, _LEAST_LIMITS = 100, 25
"""Of what a model was made from and its limits, in the line below the models; and what is kept for the limits."""


class ModelList:
    """A search box over a list; one model is chosen, also while a search hides it.

    Args:
        searchBox: ctkSearchBox.
        table: QTableWidget.
        line: QLabel, for what must be known of the chosen model.

    Attributes:
        chosen: Signal with the name of the model that the user chose.
    """

    def __init__(self, searchBox, table, line) -> None:
        self.chosen = Signal()
        self._searchBox, self._table, self._line = searchBox, table, line
        line.textFormat = qt.Qt.PlainText
        self._models: tuple[ModelInfo, ...] = ()
        self._current = ""
        self._filling = False
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        table.verticalHeader().hide()
        table.tabKeyNavigation = False
        table.connect("itemSelectionChanged()", self._onSelected)
        searchBox.connect("textChanged(QString)", self._onSearch)
        searchBox.connect("returnPressed()", self._onReturn)

    @property
    def current(self) -> ModelInfo | None:
        """The chosen model."""
        return next((model for model in self._models if model.name == self._current), None)

    def setModels(self, models: tuple[ModelInfo, ...]) -> None:
        """Show these; the chosen one stays chosen where it is among them."""
        self._models = models
        self._filling = True
        self._table.setRowCount(len(models))
        for row, model in enumerate(models):
            size = _("{megabytes} MB").format(megabytes=_megabytesText(model.sizeBytes))
            for column, text in enumerate((model.title, model.modality, size)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(description(model))
                item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                self._table.setItem(row, column, item)
        self._filling = False
        self._onSearch(self._searchBox.text)
        self.setCurrent(self._current)

    def setCurrent(self, name: str) -> None:
        """Choose a model without telling so."""
        self._current = name
        self._filling = True
        rows = [row for row, model in enumerate(self._models) if model.name == name]
        if rows:
            self._table.selectRow(rows[0])
            self._table.scrollToItem(self._table.item(rows[0], 0))
        else:
            self._table.clearSelection()
        self._filling = False
        self._showLine()

    def _showLine(self) -> None:
        model = self.current
        self._line.text = lineOf(model) if model is not None else ""
        self._line.toolTip = description(model) if model is not None else ""
        self._line.visible = model is not None

    def setEnabled(self, enabled: bool, reason: str) -> None:
        """Take no choice for a while; the reason is in the tooltip."""
        self._table.enabled = enabled
        self._table.toolTip = reason

    def _onSelected(self) -> None:
        row = self._table.currentRow()
        if self._filling or not 0 <= row < len(self._models):
            return
        name = self._models[row].name
        if name != self._current:
            self._current = name
            self._showLine()
            self.chosen(name)

    def _onSearch(self, text: str) -> None:
        words = text.casefold().split()
        found = [all(word in searched(model) for word in words) for model in self._models]
        for row, isFound in enumerate(found):
            self._table.setRowHidden(row, not isFound)
        self._fitHeight(sum(found))
        nothing = _("No model fits “{text}”.").format(text=text) if words and not any(found) else ""
        self._searchBox.toolTip = plain(nothing) or _(
            "Search by body part, structure, modality or name."
        )

    def _onReturn(self) -> None:
        """Choose the first model that was found, and go on in the list."""
        rows = [row for row in range(len(self._models)) if not self._table.isRowHidden(row)]
        if rows:
            self._table.setCurrentCell(rows[0], 0)
            self._table.setFocus()

    def _fitHeight(self, rows: int) -> None:
        """As high as its rows, so that a short list takes no space from the results."""
        shown = min(max(rows, 1), _MOST_ROWS)
        frame = 2 * self._table.frameWidth
        self._table.setFixedHeight(shown * self._table.verticalHeader().defaultSectionSize + frame)


def lineOf(model: ModelInfo) -> str:
    """What a user must know before they click: what it was made from, its limits, and that it is research.

    As much of these as leaves the results in sight; the tooltip has all.
    """
    made = re.sub(
        r" \([^()]*(\([^()]*\)[^()]*)*\)", "", _madeFrom(model.card)
    )  # the tooltip has the source
    made = _("Made from {data}.").format(data=made) if made else ""
    made = _shortened(made, _MOST_LETTERS - _LEAST_LIMITS)
    limits = " ".join(f"{each.rstrip('.')}." for each in model.card.limits)
    limits = _shortened(limits, _MOST_LETTERS - len(made))
    return " ".join(filter(None, (made, limits, _("For research, not for diagnosis."))))


def _shortened(text: str, most: int) -> str:
    """As many whole sentences, or else clauses, or else words, as have room."""
    if len(text) <= most:
        return text
    begin = text[:most]
    sentences, clauses = begin.rpartition(". ")[0], begin.rpartition("; ")[0]
    kept = f"{sentences}." if sentences else clauses or begin.rpartition(" ")[0]
    return f"{kept} …"


def searched(model: ModelInfo) -> str:
    """What a search looks at."""
    parts = [model.name, model.title, model.description, model.modality]
    return " ".join([*parts, *(label.name for label in model.labels)]).casefold()


def description(model: ModelInfo) -> str:
    """The tooltip: what it segments, from what it was made, how good it was found, its limits, size and licence."""
    labels = ", ".join(label.name for label in model.labels)
    lines = [
        (_("Segments"), labels),
        (_("Images"), model.modality),
        (_("Levels"), f"{model.levels}; {stopText(model.stopThreshold)}"),
        (_("Made from"), _madeFrom(model.card)),
        (_("Checked on"), _checkedOn(model)),
        (_("Limits"), " ".join(model.card.limits)),
        (_("Size"), _("{megabytes} MB").format(megabytes=_megabytesText(model.sizeBytes))),
        (_("Licence"), model.licence),
    ]
    rows = "".join(
        f"<tr><td>{escape(name)}:&nbsp;</td><td>{escape(text)}</td></tr>"
        for name, text in lines
        if text
    )
    return (
        f"<p><b>{escape(model.title)}</b></p><p>{escape(model.description)}</p>"
        f"<table>{rows}</table>"
    )


def stopText(threshold: float) -> str:
    """When it stops by itself."""
    if not threshold:
        return _("all are computed")
    return _("stops when one changed every structure by less than {threshold}").format(
        threshold=thresholdText(threshold)
    )


def _madeFrom(card: ModelCard) -> str:
    if card.isSynthetic and card.madeFrom:
        return _("synthetic images: {data}").format(data=card.madeFrom)
    return card.madeFrom


def _checkedOn(model: ModelInfo) -> str:
    card = model.card
    if card.dice is None or not card.cases:
        return ""
    text = _("{cases} synthetic images") if card.isSynthetic else _("{cases} validation cases")
    return _("{images}; mean Dice {dice} at level {level}").format(
        images=text.format(cases=card.cases), dice=f"{card.dice:.2f}", level=model.levels
    )


def _megabytesText(sizeBytes: int) -> str:
    return f"{sizeBytes / 1e6:.1f}"
