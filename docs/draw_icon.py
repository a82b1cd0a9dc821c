"""Draw the module's icon: one structure that gets finer from level to level, on a dark slice view.

Run it as ``python docs/draw_icon.py``; it writes ``Resources/Icons/CompactSeg.png``.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPolygonF

SIZE = 128
TARGET = Path(__file__).resolve().parent.parent / "Resources/Icons/CompactSeg.png"

BACKGROUND = "#16233b"
LEVELS = (("#f0a020", 16), ("#f6d488", 8), ("#56b4e9", 0))
"""Colour and edge of the squares in pixels, from left to right; 0 is smooth."""
SEAMS = (0.0, 48.0, 80.0, float(SIZE))
JOINT = 0.045
"""Of a square's edge is left free around it: enough to be seen at 64 pixels, too little to blur at 16."""


def structure() -> QPainterPath:
    """Round with a shallow dent, so that steps and smoothness both show."""
    outline = QPolygonF()
    for degrees in range(360):
        angle = math.radians(degrees)
        radius = 50 - 8 * math.exp(-(((angle - 1.15) / 0.5) ** 2)) + 3 * math.cos(2 * angle)
        outline.append(
            QPointF(SIZE / 2 + radius * math.cos(angle), SIZE / 2 + 0.96 * radius * math.sin(angle))
        )
    path = QPainterPath()
    path.addPolygon(outline)
    path.closeSubpath()
    return path


def in_squares(path: QPainterPath, *, edge: int, left: float, right: float) -> QPainterPath:
    """The squares between two seams whose middles lie inside, as a coarse level sees the structure."""
    squares = QPainterPath()
    joint = JOINT * edge
    for column in range(math.ceil((right - left) / edge)):
        for row in range(SIZE // edge):
            square = QRectF(right - (column + 1) * edge, row * edge, edge, edge)
            if path.contains(square.center()):
                squares.addRect(square.adjusted(joint, joint, -joint, -joint))
    return squares


def draw(size: int = SIZE) -> QImage:
    """The icon, ``size`` pixels wide and high, transparent at its corners."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / SIZE, size / SIZE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(BACKGROUND))
    painter.drawRoundedRect(QRectF(1, 1, SIZE - 2, SIZE - 2), 24, 24)
    whole = structure()
    for (colour, edge), left, right in zip(LEVELS, SEAMS, SEAMS[1:], strict=False):
        painter.setBrush(QColor(colour))
        painter.setClipRect(QRectF(left, 0, right - left, SIZE))
        painter.drawPath(in_squares(whole, edge=edge, left=left, right=right) if edge else whole)
    painter.end()
    return image


if __name__ == "__main__":
    sys.exit(0 if draw().save(str(TARGET)) else f"{TARGET} could not be written")
