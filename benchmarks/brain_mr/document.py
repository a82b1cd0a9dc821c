"""Tables in Markdown, put into a document between marks so that the words around them stay."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from CompactSegLib.errors import InputError
from CompactSegLib.files import write_text


def markdown(rows: Sequence[Mapping[str, object]], *, digits: int = 3) -> str:
    """Rows with the same keys as a table; numbers with so many digits after the point."""
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[_text(cell, digits) for cell in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS = {
    "aims": "What was aimed at",
    "setup": "How it was measured",
    "heads": "Real heads",
    "synthetic": "Held-out label maps",
    "template": "The MNI152 template",
    "stability": "One head, its image changed",
    "nothing": "No head",
    "worst-images": "Where it fails: images",
    "worst-change": "Where it fails: changes",
    "gallery": "What it was trained on",
}
"""The parts of a document and their headings."""


def start_document(document: Path, *, title: str) -> None:
    """Begin a document with all parts still empty, where there is none.

    Raises:
        OutputError: The file could not be written.
    """
    if document.exists():
        return
    parts = [
        f"## {heading}\n\n<!-- {name} -->\n<!-- /{name} -->" for name, heading in PARTS.items()
    ]
    write_text(document, "\n\n".join([f"# {title}", *parts]) + "\n")


def fill(document: Path, parts: Mapping[str, str]) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in a document.

    Raises:
        InputError: The document lacks the marks of a part.
    """
    text = document.read_text(encoding="utf-8")
    for name, content in parts.items():
        marks = f"<!-- {name} -->", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        if not pattern.search(text):
            raise InputError(
                f"{document}: expected the marks {marks[0]} and {marks[1]} for what was measured, "
                "found none; put them where it belongs."
            )
        text = pattern.sub(lambda _, m=marks, c=content: f"{m[0]}\n\n{c}\n\n{m[1]}", text)
    write_text(document, text)


def _text(cell: object, digits: int) -> str:
    if isinstance(cell, float):
        return "–" if math.isnan(cell) else f"{cell:.{digits}f}".replace("-", "−")
    return str(cell)
