"""Which level of a volume is visible."""

from __future__ import annotations

from typing import Any

from CompactSegMRML.LevelNodes import everyLevelNode, levelNodes

__all__ = ["setVisible", "showOnly", "shownLevel"]


def showOnly(volumeNode: Any, level: int | None) -> None:
    """Show exactly this level of the model that is looked at, in all views; None hides all, those of others too."""
    shown = levelNodes(volumeNode).get(level) if level is not None else None
    for node in everyLevelNode(volumeNode):
        setVisible(node, node is shown)


def shownLevel(volumeNode: Any) -> int | None:
    """The level that is visible; None where none or several are."""
    visible = [
        number
        for number, node in levelNodes(volumeNode).items()
        if node.GetDisplayNode() is not None and node.GetDisplayNode().GetVisibility()
    ]
    return visible[0] if len(visible) == 1 else None


def setVisible(node: Any, isVisible: bool) -> None:
    """Show a node or hide it, where that is another state than its own: each change draws the views anew."""
    if isVisible and node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    for index in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(index)
        if bool(display.GetVisibility()) != isVisible:
            display.SetVisibility(isVisible)
