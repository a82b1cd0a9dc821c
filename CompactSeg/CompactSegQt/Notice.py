"""What the panel has to say, in one place and without a window that must be closed."""

from collections.abc import Callable

import qt

__all__ = ["Notice"]

_ICON_SIZE = 20


class Notice:
    """An icon, sentences, and sometimes a button that does what they advise.

    Args:
        frame: QFrame around it, hidden while there is nothing to say.
        icon: QLabel.
        text: QLabel.
        button: QPushButton.
    """

    def __init__(self, frame, icon, text, button) -> None:
        self._frame, self._icon, self._text, self._button = frame, icon, text, button
        self._action: Callable[[], None] | None = None
        button.connect("clicked(bool)", self._onClicked)
        self.clear()

    @property
    def text(self) -> str:
        return self._text.text if self._frame.visible else ""

    def inform(self, text: str, *, label: str = "", action: Callable[[], None] | None = None):
        """Say something that is good to know."""
        self._say(text, qt.QStyle.SP_MessageBoxInformation, label=label, action=action)

    def warn(self, text: str, *, label: str = "", action: Callable[[], None] | None = None):
        """Say that something did not work, or would not."""
        self._say(text, qt.QStyle.SP_MessageBoxWarning, label=label, action=action)

    def clear(self) -> None:
        self._frame.hide()
        self._text.text = ""
        self._action = None

    def _say(self, text: str, icon, *, label: str, action: Callable[[], None] | None) -> None:
        standardIcon = self._frame.style().standardIcon(icon)
        self._icon.setPixmap(standardIcon.pixmap(_ICON_SIZE, _ICON_SIZE))
        self._text.text = text
        self._button.text = label
        self._button.visible = action is not None
        self._action = action
        self._frame.show()

    def _onClicked(self, _checked: bool = False) -> None:
        if self._action is not None:
            self._action()
