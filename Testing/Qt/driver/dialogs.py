"""Message boxes and other modal dialogs: seen, noted, and answered as a script says."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QMessageBox, QPushButton

TICK_MS = 20
# A dialog without any button is a notice that closes by itself.
NOTICE_TICKS = 250


@dataclass
class Dialog:
    """A dialog that was shown.

    Attributes:
        kind: ``question``, ``warning``, ``critical``, ``information`` or the class of what is no message box.
        title: Of its window.
        text: What it says.
        details: Its informative and detailed texts.
        buttons: Texts of its buttons, without ``&``.
        answer: Text of the button that was pressed; "" where it was closed.
    """

    kind: str
    title: str
    text: str
    details: str = ""
    buttons: list[str] = field(default_factory=list)
    answer: str = ""


class Dialogs:
    """Looks for a modal dialog at each tick of a timer, since its own event loop runs then."""

    def __init__(self) -> None:
        self.seen: list[Dialog] = []
        self._answers: deque[Any] = deque()
        self._expected: list[re.Pattern[str]] = []
        self._taken: list[Dialog] = []
        self._waiting: dict[int, int] = {}
        self._timer = QTimer()
        self._timer.interval = TICK_MS
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def answer(self, button: str | int | Callable[[QDialog], None]) -> None:
        """Answer the next dialog that nobody answers yet.

        Args:
            button: Text of the button to press (``&`` and case do not matter), a QMessageBox.StandardButton, or a
                function that is called with the dialog and has to end it.
        """
        self._answers.append(button)

    def expected(self, pattern: str) -> None:
        """Dialogs whose title or text matches are closed and are no failure."""
        self._expected.append(re.compile(pattern))

    def take(self) -> Dialog:
        """The oldest dialog that was not looked at; looking at it makes it an expected one.

        Raises:
            AssertionError: There was none.
        """
        for dialog in self.seen:
            if not any(dialog is taken for taken in self._taken):
                self._taken.append(dialog)
                return dialog
        raise AssertionError("No dialog was shown")

    def unexpected(self) -> list[Dialog]:
        """Those without an answer, that nobody expected or looked at."""
        return [
            dialog
            for dialog in self.seen
            if not dialog.answer
            and not any(dialog is taken for taken in self._taken)
            and not any(p.search(f"{dialog.title}\n{dialog.text}") for p in self._expected)
        ]

    def close(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QDialog):
            self._waiting.clear()
            return
        ticks = self._waiting[id(dialog)] = self._waiting.get(id(dialog), 0) + 1
        # One tick more, so that what is looked at is what is on the screen.
        if ticks == 2:
            self._meet(dialog)
        elif ticks > NOTICE_TICKS:
            dialog.reject()

    def _meet(self, dialog: QDialog) -> None:
        buttons = {_plain(button.text): button for button in _buttons(dialog)}
        if not buttons:
            return
        noted = _note(dialog, list(buttons))
        self.seen.append(noted)
        if not self._answers:
            dialog.reject()
            return
        answer = self._answers.popleft()
        if callable(answer):
            noted.answer = "by function"
            answer(dialog)
            return
        button = _wanted(dialog, buttons, answer)
        if button is None:
            dialog.reject()
            raise AssertionError(
                f"The dialog has no button {answer}, only {list(buttons)}: {noted}"
            )
        noted.answer = _plain(button.text)
        button.click()


def _wanted(dialog: QDialog, buttons: dict[str, Any], answer: str | int) -> Any:
    if isinstance(answer, str):
        return next((b for text, b in buttons.items() if text.lower() == answer.lower()), None)
    return dialog.button(answer) if isinstance(dialog, QMessageBox) else None


def _buttons(dialog: QDialog) -> list[Any]:
    if isinstance(dialog, QMessageBox):
        return list(dialog.buttons())
    boxes = dialog.findChildren(QDialogButtonBox)
    return [b for box in boxes for b in box.buttons()] or dialog.findChildren(QPushButton)


def _note(dialog: QDialog, buttons: list[str]) -> Dialog:
    if not isinstance(dialog, QMessageBox):
        return Dialog(type(dialog).__name__, dialog.windowTitle, "", buttons=buttons)
    kinds = {
        QMessageBox.Question: "question",
        QMessageBox.Warning: "warning",
        QMessageBox.Critical: "critical",
        QMessageBox.Information: "information",
    }
    details = "\n".join(filter(None, (dialog.informativeText, dialog.detailedText)))
    kind = kinds.get(dialog.icon, "message")
    return Dialog(kind, dialog.windowTitle.strip(), dialog.text, details, buttons)


def _plain(text: str) -> str:
    return text.replace("&", "")
