"""Draw which room of the library imports which, from the code: ``python -m docs.draw_imports``.

It writes ``docs/pictures/imports.svg``; a test compares that with the code.
"""

from __future__ import annotations

from pathlib import Path

from Testing.Layering.imports import ROOMS, SHARED, room_imports

TARGET = Path(__file__).resolve().parent / "pictures/imports.svg"
_SHARED = "shared files"
_ROW, _WIDTH, _HEIGHT, _LEFT, _TOP = 40, 130, 26, 16, 16
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b")


def drawing() -> str:
    """The picture: a row a room, in their order, and an arrow from each room to each one that it imports."""
    rooms = [_SHARED, *ROOMS]
    imports = {room: _rooms_of(names) for room, names in room_imports().items() if room in ROOMS}
    height = 2 * _TOP + _ROW * (len(rooms) - 1) + _HEIGHT
    width = _LEFT + _WIDTH + 13 * len(rooms) + 20
    size = f'width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">',
        f'<rect {size} fill="#ffffff"/>',
    ]
    for row, room in enumerate(rooms):
        color = _COLORS[row % len(_COLORS)]
        for target in sorted(imports.get(room, ()), key=rooms.index):
            parts.append(_arrow(row, rooms.index(target), color))
        y = _TOP + row * _ROW
        parts.append(
            f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="#f4f4f4" stroke="{color}"/>'
        )
        middle = y + _HEIGHT / 2 + 4.5
        parts.append(
            f'<text x="{_LEFT + _WIDTH / 2:g}" y="{middle:g}" text-anchor="middle" fill="#222222">{room}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rooms_of(names: set[str]) -> set[str]:
    return {_SHARED if name in SHARED else name for name in names}


def _arrow(start: int, end: int, color: str) -> str:
    """A bow on the right, the wider the further, with its head at the room that is imported."""
    edge = _LEFT + _WIDTH
    # Those that leave stand above those that arrive.
    y0, y1 = _TOP + start * _ROW + 8, _TOP + end * _ROW + _HEIGHT - 8
    bow = edge + 24 + 16 * abs(start - end)
    return (
        f'<path d="M {edge} {y0} C {bow} {y0}, {bow} {y1}, {edge + 7} {y1}" fill="none" stroke="{color}" '
        f'stroke-opacity="0.75"/><path d="M {edge} {y1} l 8 -4 v 8 z" fill="{color}"/>'
    )


if __name__ == "__main__":
    TARGET.write_text(drawing(), encoding="utf-8", newline="\n")
