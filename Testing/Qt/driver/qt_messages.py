"""What Qt complains about, so that a test can fail for it."""

from __future__ import annotations

from PySide6.QtCore import QtMsgType, qInstallMessageHandler

# Said by a platform without windows, and no fault of anyone.
HARMLESS = ("This plugin does not support", "propagateSizeHints")
SERIOUS = (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)


class QtMessages:
    """Collects warnings from `start` to `stop`."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def start(self) -> None:
        qInstallMessageHandler(self._on_message)

    def stop(self) -> None:
        qInstallMessageHandler(None)

    def _on_message(self, kind: QtMsgType, context: object, text: str) -> None:
        if kind in SERIOUS and not any(words in text for words in HARMLESS):
            self.warnings.append(text)
