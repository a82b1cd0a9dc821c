"""How the scene logic reports without Qt: receivers are plain functions, and texts are in the user's language."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

try:
    from slicer.i18n import tr
except ImportError:  # the core of Slicer as a wheel has one language

    def tr(text: str) -> str:
        """The text as it is."""
        return text


_LOG = logging.getLogger("compactseg.scene")

Receiver = Callable[..., Any]


class Signal:
    """Calls its receivers, in the order in which they were connected.

    An exception in one receiver is logged and does not stop the others: a fault of the panel must not end a run.

    >>> said = []
    >>> signal = Signal()
    >>> signal.connect(said.append)
    >>> signal("hello")
    >>> said
    ['hello']
    """

    def __init__(self) -> None:
        self._receivers: list[Receiver] = []

    def connect(self, receiver: Receiver) -> None:
        """Call `receiver` from now on; connecting it again changes nothing."""
        if receiver not in self._receivers:
            self._receivers.append(receiver)

    def disconnect(self, receiver: Receiver) -> None:
        """Call `receiver` no more; one that is not connected changes nothing."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)

    def emit(self, *arguments: Any) -> None:
        """Call all receivers that are connected at this moment."""
        for receiver in tuple(self._receivers):
            try:
                receiver(*arguments)
            except Exception:  # noqa: BLE001 - whatever a receiver meets
                _LOG.exception("A receiver of a signal failed")

    __call__ = emit
