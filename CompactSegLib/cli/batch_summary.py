"""What a batch leaves beside the files of its cases: a table of all structures, and a sheet of all pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from CompactSegLib.cli.inputs import Case
from CompactSegLib.files import write_picture, write_table

__all__ = ["ProcessedCase", "write_summary"]

_COLUMNS = ("case", "level", "structure", "side", "millilitres", "seconds", "status", "warnings")
_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_MOST_PICTURES = 60
_COLUMNS_OF_PICTURES = 3
_PICTURE_INCHES = (5.0, 3.4)


@dataclass(frozen=True)
class ProcessedCase:
    """What became of a case: ``done``, ``skipped`` or ``failed``."""

    case: Case
    status: str
    report: dict[str, Any] | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        data: dict[str, Any] = {"case": self.case.name, "status": self.status}
        if self.error is not None:
            data["error"] = self.error
        if self.report is not None:
            data["report"] = self.report
        return data


def write_summary(folder: Path, processed: Sequence[ProcessedCase]) -> None:
    """Write ``summary.csv``, and ``summary.png`` where a case has a picture.

    Raises:
        OutputError: The folder cannot be written to.
    """
    rows = (
        dict(zip(_COLUMNS, map(_plain, row), strict=True))
        for entry in processed
        for row in _rows(entry)
    )
    write_table(folder / "summary.csv", _COLUMNS, rows)
    pictures = [
        (str(o.report["case"]), folder / o.report["picture"])
        for o in processed
        if o.report and (folder / str(o.report.get("picture"))).is_file()
    ]
    if pictures:
        _draw(pictures, folder / "summary.png")


def _rows(entry: ProcessedCase) -> Iterator[list[Any]]:
    if entry.report is None:
        yield [entry.case.name, "", "", "", "", "", entry.status, entry.error or ""]
        return
    last, seconds = entry.report["levels"][-1], entry.report["seconds"]
    told = " ".join(entry.report.get("messages", ()))
    for name, millilitres in last["millilitres"].items():
        side = _SIDE.search(name)
        yield [
            entry.report["case"], last["level"], name, side[1].lower() if side else "", millilitres, seconds,
            entry.status, told,
        ]  # fmt: skip


def _plain(value: Any) -> Any:
    """A spreadsheet takes a text that begins like a formula for one, and names come from files."""
    if isinstance(value, str):
        value = "".join(c if c.isprintable() else " " for c in value)
        return f"'{value}" if value[:1] in {"=", "+", "-", "@"} else value
    return value


def _draw(pictures: Sequence[tuple[str, Path]], path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    shown = pictures[:_MOST_PICTURES]
    rows = -(-len(shown) // _COLUMNS_OF_PICTURES)
    columns = min(len(shown), _COLUMNS_OF_PICTURES)
    figure = Figure((columns * _PICTURE_INCHES[0], rows * _PICTURE_INCHES[1] + 0.4), dpi=100)
    for place, (name, file) in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(imread(file))
        axes.set_title(name, fontsize=9, parse_math=False)
        axes.set_axis_off()
    if len(pictures) > len(shown):
        figure.suptitle(f"The first {len(shown)} of {len(pictures)} cases")
    figure.tight_layout()
    write_picture(path, figure)
