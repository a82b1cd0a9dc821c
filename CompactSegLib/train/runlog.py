"""What a run tells: a table on disk, and a progress bar or plain lines."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from CompactSegLib.errors import OutputError
from CompactSegLib.files import write_table
from CompactSegLib.paths import is_file

LOG_FILE = "log.csv"
# Between two plain lines, where there is no terminal.
_LINE_SECONDS = 30.0


def is_first_process() -> bool:
    """Whether this is the first of torchrun's processes, which alone speaks; also before they have joined."""
    return os.environ.get("RANK", "0") == "0"


def tell(text: str) -> None:
    """Print a line at once, in the letters that standard output has: a name in a pipe of Windows may hold others."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


class RunLog:
    """The log of one run.

    Args:
        folder: Where ``log.csv`` is.
        columns: The table's columns after ``step``.
        start: First step of this process; rows of later steps, left by a run that was killed after its last
            checkpoint, are dropped.
        steps: Steps of the whole run.
        quiet: Show nothing (every process but the first).
    """

    def __init__(
        self, folder: Path, columns: list[str], *, start: int, steps: int, quiet: bool = False
    ) -> None:
        self.steps, self.start, self.quiet = steps, start, quiet
        self.columns = ["step", *columns]
        self.began = self.last_line = time.monotonic()
        self.file: Any = None
        self.bar: Any = None
        if quiet:
            return
        self.path = path = folder / LOG_FILE
        kept = _rows_until(path, start)
        write_table(path, self.columns, ({c: row.get(c) for c in self.columns} for row in kept))
        with self._writing():
            self.file = open(path, "a", newline="", buffering=1, encoding="utf-8")  # noqa: SIM115
            self.writer = csv.DictWriter(self.file, self.columns, lineterminator="\n")
        if sys.stderr.isatty():
            self.bar = _bar(start, steps)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write a row; what it does not name stays empty.

        Raises:
            OutputError: The disk is full, or the folder is gone.
        """
        if self.quiet:
            return
        with self._writing():
            self.writer.writerow({"step": step, **{k: f"{v:.6g}" for k, v in values.items()}})

    def show(self, step: int, text: str, *, force: bool = False) -> None:
        """Show how far the run is."""
        if self.quiet:
            return
        if self.bar:
            self.bar.update(self.bar.task_ids[0], completed=step, text=text)
            if force:
                self.bar.console.print(f"step {step}: {text}", highlight=False)
            return
        now = time.monotonic()
        if force or now - self.last_line > _LINE_SECONDS:
            self.last_line = now
            rate = (step - self.start) / max(now - self.began, 1e-9)
            left = f"{(self.steps - step) / rate / 60:.0f} min left" if rate > 0 else ""
            tell(f"step {step}/{self.steps}  {text}  {rate:.2f} steps/s  {left}")

    def close(self) -> None:
        # What a full disk did not take has been told when it was written.
        with suppress(OSError):
            if self.file:
                self.file.close()
        if self.bar:
            self.bar.stop()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(
                f"{self.path}: could not be written ({reason}); free some disk space and rerun the command "
                "to resume from the last checkpoint."
            ) from error

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _rows_until(path: Path, step: int) -> list[dict[str, str]]:
    if step == 0 or not is_file(path):
        return []
    with open(path, newline="", encoding="utf-8") as file:
        # A disk that ran full leaves half a row, which lacks columns.
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    return [row for row in rows if row["step"].isdecimal() and int(row["step"]) <= step]


def _bar(start: int, steps: int) -> Any:
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[text]}"),
        console=Console(stderr=True),
    )
    bar.add_task("training", total=steps, completed=start, text="")
    bar.start()
    return bar
