"""CTK's collapsible section: a header to click on, and its children below."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QStyle, QStyleOption, QStyleOptionButton, QWidget

from standin.widget import Property, signal, signals

UNLIMITED = 16777215
HEADER_PIXELS = 26


@signals("contentsCollapsed(bool)")
class ctkCollapsibleButton(QAbstractButton):
    contentsCollapsed = signal("contentsCollapsed(bool)")

    def __init__(self, parent: QWidget | None = None) -> None:
        """CTK's constructor with a text is not among those that PythonQt's wrapper has."""
        if parent is not None and not isinstance(parent, QWidget):
            raise ValueError(f"ctkCollapsibleButton: no constructor takes {parent!r}")
        super().__init__(parent)
        self.checkable = True
        self.checked = True
        self._hidden: set[QWidget] = set()
        self.setContentsMargins(0, HEADER_PIXELS, 0, 0)
        self.toggled.connect(self._on_toggled)

    collapsed = Property(
        "bool",
        read=lambda self: not self.checked,
        write=lambda self, value: setattr(self, "checked", not value),
    )
    collapsedHeight = Property("int", default=10)
    flat = Property("bool", default=False)
    contentsFrameShape = Property("QFrame::Shape")
    contentsFrameShadow = Property("QFrame::Shadow")
    contentsLineWidth = Property("int", default=1)
    contentsMidLineWidth = Property("int", default=0)
    buttonTextAlignment = Property("Qt::Alignment")
    indicatorAlignment = Property("Qt::Alignment")

    def _on_toggled(self, is_open: bool) -> None:
        self.setMaximumHeight(UNLIMITED if is_open else HEADER_PIXELS)
        if is_open:
            for child in self._hidden:
                child.show()
            self._hidden.clear()
        else:
            self._hide_children()
        self.updateGeometry()
        self.contentsCollapsed.emit(not is_open)

    def _hide_children(self) -> None:
        """All that nobody else hid; those come back with the contents."""
        for child in self.children():
            if isinstance(child, QWidget) and not child.isHidden():
                self._hidden.add(child)
                child.hide()

    def showEvent(self, event: Any) -> None:
        """A form adds its widgets after it closed the section."""
        if self.collapsed:
            self._hide_children()

    def event(self, event: Any) -> bool:
        # Not when it is added: it is no more than a QWidget then.
        if event.type() == QEvent.ChildPolished and self.collapsed:
            self._hide_children()
        return bool(super().event(event))

    def hitButton(self, position: Any) -> bool:
        return position.y() < HEADER_PIXELS

    def minimumSizeHint(self) -> QSize:
        size = super().minimumSizeHint
        width = self.fontMetrics().horizontalAdvance(self.text) + 40
        return QSize(max(size.width(), width), max(size.height(), HEADER_PIXELS))

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        header = QStyleOptionButton()
        header.initFrom(self)
        header.rect.setHeight(HEADER_PIXELS)
        self.style().drawControl(QStyle.CE_PushButtonBevel, header, painter, self)
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = header.rect.adjusted(8, 8, 0, -8)
        arrow.rect.setWidth(arrow.rect.height())
        shape = QStyle.PE_IndicatorArrowRight if self.collapsed else QStyle.PE_IndicatorArrowDown
        self.style().drawPrimitive(shape, arrow, painter, self)
        text = header.rect.adjusted(28, 0, -4, 0)
        self.style().drawItemText(
            painter, text, Qt.AlignVCenter | Qt.AlignLeft, self.palette, self.enabled, self.text
        )
