"""What the worker wrote down, for whoever helps."""

import qt

__all__ = ["LogView"]

_MOST_LINES = 2000


class LogView:
    """The log, and a button that copies it.

    Args:
        view: QPlainTextEdit.
        copyButton: QPushButton.
    """

    def __init__(self, view, copyButton) -> None:
        self._view = view
        view.maximumBlockCount = _MOST_LINES
        copyButton.connect("clicked(bool)", self._onCopy)

    def append(self, line: str) -> None:
        self._view.appendPlainText(line)

    def _onCopy(self, _checked: bool = False) -> None:
        qt.QApplication.clipboard().setText(self._view.plainText)
