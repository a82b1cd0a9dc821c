"""What a run shows: progress bars on a terminal, a row per level, a summary of many cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from CompactSegLib.cli.signals import leave_if_told

if TYPE_CHECKING:
    from CompactSegLib.inference.progress import Progress as RunProgress
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level
    from CompactSegLib.volume.volume import Volume

_WIDTH_OF_A_FILE = 160
_WIDEST_ROW = 110


def stdout_console() -> Console:
    """For results; as wide as a terminal, and wide enough for paths where it is none."""
    # Without markup: a structure's name may hold brackets.
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    return console


def heading(volume: Volume, model: Model) -> str:
    """What is segmented, above the rows of levels."""
    size = " × ".join(map(str, volume.geometry.size_ijk))
    spacing = " × ".join(f"{mm:.3g}" for mm in volume.geometry.spacing_mm)
    return f"{volume.name}: {size} voxels of {spacing} mm, with {model.title} ({model.name})"


def table_of(*columns: str, title: str | None = None) -> Table:
    """A table; titles that begin with ``>`` are of columns of numbers."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        is_number = column.startswith(">")
        table.add_column(
            column.removeprefix(">"), justify="right" if is_number else "left", overflow="fold"
        )
    return table


class Bars:
    """Progress on stderr: one bar for the level at hand, one for the cases where there are several.

    Nothing is shown where stderr is no terminal: a log file should not hold a thousand bars.
    """

    def __init__(self, *, cases: int, is_quiet: bool = False) -> None:
        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=is_quiet or not console.is_terminal,
        )
        self._all = self._bars.add_task("all cases", total=cases, visible=cases > 1)
        self._level = self._bars.add_task("", total=1.0, visible=False)
        self._case = ""

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def start_case(self, name: str) -> None:
        """Say which case is next."""
        leave_if_told()
        self._case = name
        self._bars.reset(self._level, description=f"{name}: reading", visible=True)

    def update(self, progress: RunProgress) -> None:
        """Show how far the level is; the engine's callback."""
        leave_if_told()
        text = f"{self._case}: {progress.message}"
        self._bars.update(self._level, description=text, completed=progress.fraction)

    def start_writing(self) -> None:
        """Say that the levels are there and the picture is being drawn."""
        leave_if_told()
        self._bars.update(self._level, description=f"{self._case}: writing")

    def finish_case(self) -> None:
        """Count a case, done, skipped or failed."""
        self._bars.advance(self._all)

    @contextmanager
    def out_of_the_way(self) -> Iterator[None]:
        """Take the bars off the terminal while something else is written to it."""
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()


class LevelRows:
    """A table of levels whose rows are written as the levels come.

    Args:
        model: Whose structures the columns are.
    """

    def __init__(self, model: Model) -> None:
        columns = [("Level", 5), ("Change", 8), ("Seconds", 8)]
        names = [label.name for label in model.labels]
        structures = [(name, max(10, len(name))) for name in names]
        self._names = names
        if sum(width + 2 for _, width in columns + structures) > _WIDEST_ROW:
            self._names, structures = [], [("All structures", 14)]
        self._columns = columns + structures

    def header(self) -> str:
        """The first line."""
        return "  ".join(title.rjust(width) for title, width in self._columns)

    def row(self, level: Level) -> str:
        """A level's line."""
        improvement = "–" if level.improvement is None else f"{level.improvement:.4f}"
        volumes = [level.millilitres[name] for name in self._names]
        volumes = volumes or [sum(level.millilitres.values())]
        cells = [str(level.number), improvement, f"{level.seconds:.2f}"]
        cells += [f"{volume:.2f} ml" for volume in volumes]
        return "  ".join(
            cell.rjust(width) for cell, (_, width) in zip(cells, self._columns, strict=True)
        )


def show_result(report: dict[str, Any], files: Sequence[str]) -> None:
    """Say why a run stopped and where its files are."""
    is_early = report["stop"] == "threshold"
    word = f"Stopped at level {report['stopped_at']}" if is_early else "Finished"
    typer.echo(f"{word}: {report['reason']}.")
    for file in files:
        typer.echo(f"  {file}")
