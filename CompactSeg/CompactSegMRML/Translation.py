"""What the scene logic says can be translated, where Slicer is there to do it."""

from __future__ import annotations

try:
    from slicer.i18n import tr
except ImportError:  # the core of Slicer as a wheel has one language

    def tr(text: str) -> str:
        """The text as it is."""
        return text


__all__ = ["tr"]
