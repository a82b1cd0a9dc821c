"""CTK's search box and message box."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QCheckBox, QLineEdit, QMessageBox, QStyle

from standin.widget import Property


def _show_search_icon(box: Any) -> None:
    for action in box.actions():
        action.visible = box.showSearchIcon


class ctkSearchBox(QLineEdit):
    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.placeholderText = "Search..."
        self.clearButtonEnabled = True
        icon = self.style().standardIcon(QStyle.SP_FileDialogContentsView)
        self.addAction(icon, QLineEdit.LeadingPosition).visible = False

    showSearchIcon = Property("bool", default=False, changed=_show_search_icon)
    searchIcon = Property("QIcon", default=QIcon())
    clearIcon = Property("QIcon", default=QIcon())


class ctkMessageBox(QMessageBox):
    """A message box that can be told not to come again."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._again = QCheckBox("Don't show this message again")
        self._again.visible = False
        self.setCheckBox(self._again)

    dontShowAgain = Property(
        "bool",
        read=lambda self: self._again.checked,
        write=lambda self, value: setattr(self._again, "checked", value),
    )
    dontShowAgainVisible = Property(
        "bool",
        read=lambda self: not self._again.isHidden(),
        write=lambda self, value: setattr(self._again, "visible", value),
    )
    dontShowAgainSettingsKey = Property(
        "QString", default="", changed=lambda self: setattr(self, "dontShowAgainVisible", True)
    )

    def setDontShowAgain(self, value: bool) -> None:
        self.dontShowAgain = value

    def exec_(self) -> int:
        key = self.dontShowAgainSettingsKey
        settings = QSettings()
        if key and settings.contains(key):
            return int(settings.value(key))
        # slicer.util asks for the deletion before it shows the box. Inside an application's event loop that comes
        # afterwards; tests call from outside of any, where it would come first.
        QCoreApplication.removePostedEvents(self, QEvent.DeferredDelete)
        result = self.exec()
        self.deleteLater()
        if key and self.dontShowAgain and result != QMessageBox.Cancel:
            settings.setValue(key, int(result))
        return int(result)
