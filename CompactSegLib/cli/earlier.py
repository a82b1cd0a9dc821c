"""What an earlier run left of a case: its report, its files, and what they were made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["files_of", "has_changed", "other_input", "read_report", "report_name"]


def report_name(case: str) -> str:
    """The name of a case's report."""
    return f"{case}_report.json"


def read_report(folder: Path, case: str) -> dict[str, Any] | None:
    """The report of an earlier run, None where there is none that can be read."""
    try:
        report = json.loads((folder / report_name(case)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) and isinstance(report.get("levels"), list) else None


def files_of(report: dict[str, Any]) -> list[str]:
    """Names of the files that a report speaks of, itself included."""
    if not report:
        return []
    levels = [level.get("file") for level in report["levels"] if isinstance(level, dict)]
    names = [*levels, report.get("picture"), report_name(str(report.get("case")))]
    return [name for name in names if isinstance(name, str)]


def other_input(report: dict[str, Any], path: Path) -> str | None:
    """What a report's results were made from where that is not this path: two folders may hold cases of one name."""
    source = report.get("input")
    made_from = source.get("path") if isinstance(source, dict) else None
    if not isinstance(made_from, str) or Path(made_from).resolve() == path.resolve():
        return None
    return made_from


def has_changed(path: Path, report: Path) -> bool:
    """Whether an image, or a file of a DICOM folder, is newer than the report on it."""
    files = path.rglob("*") if path.is_dir() else [path]
    written = report.stat().st_mtime_ns
    return any(file.is_file() and file.stat().st_mtime_ns > written for file in files)
