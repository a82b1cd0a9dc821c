"""How the benchmarks show what they measured: a table for people, JSON for comparing."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table


def show(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows with the same keys as a table; numbers with three digits after the point."""
    table = Table(title=title, title_justify="left")
    for heading in rows[0]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            *[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row.values()]
        )
    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width to fit into
        console.width = 200
    console.print(table)


def write_json(path: Path | None, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows with the machine they were measured on; print them where no path is given."""
    machine = {
        "processor": processor_name(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    text = json.dumps({"machine": machine, "rows": rows}, indent=2)
    if path is None:
        print(text)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


def processor_name() -> str:
    """What a person calls this processor; ``platform`` has no name on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
