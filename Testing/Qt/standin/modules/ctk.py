"""What Slicer calls ``ctk``: those of its classes that the panel and ``slicer.util`` use."""

from __future__ import annotations

from standin.collapsible_button import ctkCollapsibleButton
from standin.ctk_widgets import ctkMessageBox, ctkSearchBox

__all__ = ["ctkCollapsibleButton", "ctkMessageBox", "ctkSearchBox"]
