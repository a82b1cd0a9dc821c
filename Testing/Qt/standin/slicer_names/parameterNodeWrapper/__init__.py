"""A class of typed values that live in a scene's parameter node, and so are saved with it.

Only what a module needs that keeps numbers, texts, switches and nodes; Slicer's own knows more types.
"""

from __future__ import annotations

from .default import Default
from .guiConnectors import createGuiConnector
from .validators import Maximum, Minimum, WithinRange
from .wrapper import isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Default",
    "Maximum",
    "Minimum",
    "WithinRange",
    "createGuiConnector",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
