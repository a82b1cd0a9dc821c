"""Many cases: what is done is skipped, a bad case does not stop the others, and a summary of all comes last."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from CompactSegLib.cli.display import Bars, stdout_console, table_of
from CompactSegLib.cli.guard import fault, say
from CompactSegLib.cli.inputs import Case
from CompactSegLib.cli.previous_results import read_report
from CompactSegLib.errors import CompactSegError
from CompactSegLib.files import check_writable, write_picture, write_table
from CompactSegLib.paths import is_file

if TYPE_CHECKING:
    from CompactSegLib.cli.runner import ReadCase, Runner

_COLUMNS = ("case", "level", "structure", "side", "millilitres", "seconds", "status", "warnings")
_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_SUMMARIES = ("summary.csv", "summary.png")
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


def run_batch(
    runner: Runner,
    cases: Sequence[Case],
    *,
    elsewhere: Callable[[Sequence[Case]], Iterator[ProcessedCase]] | None = None,
) -> int:
    """Segment all cases; return 0, or 1 where one failed.

    Args:
        runner: Segments them, here.
        cases: At least one.
        elsewhere: Has them segmented by others instead; gives what became of each, as it comes.

    Raises:
        OutputError: The output folder cannot be written to. This shows before the first case is read.
    """
    check_writable(runner.options.output, *_SUMMARIES)
    processed: list[ProcessedCase] = []
    with Bars(cases=len(cases)) as bars:
        coming = elsewhere(cases) if elsewhere else _processed_here(runner, cases, bars)
        for number, entry in enumerate(coming, start=1):
            processed.append(entry)
            bars.finish_case()
            with bars.out_of_the_way():
                _tell(entry, f"[{number}/{len(cases)}]", runner.options.json)
    place = {case.name: number for number, case in enumerate(cases)}
    processed.sort(key=lambda entry: place[entry.case.name])
    processed = [_with_report(runner, entry) for entry in processed]
    write_summary(runner.options.output, processed)
    if runner.options.json:
        typer.echo(json.dumps({"cases": [entry.to_dict() for entry in processed]}, indent=2))
    else:
        _summarise(processed)
    return int(any(entry.status == "failed" for entry in processed))


def run_alone(runner: Runner, case: Case) -> ProcessedCase:
    """Segment one of many cases, in a process that shows nothing."""
    with Bars(cases=1, is_quiet=True) as bars, ThreadPoolExecutor(1) as reader:
        return _run_case(runner, case, bars, reader.submit(_read, runner, case))


def _processed_here(runner: Runner, cases: Sequence[Case], bars: Bars) -> Iterator[ProcessedCase]:
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(_read, runner, cases[0])
        for number, case in enumerate(cases, start=1):
            ready = coming
            if number < len(cases):  # read while this one is computed
                coming = reader.submit(_read, runner, cases[number])
            yield _run_case(runner, case, bars, ready)


def _read(runner: Runner, case: Case) -> ReadCase | None:
    """A case that is to be segmented, None where a previous run did it already."""
    if not runner.options.overwrite and runner.is_done(case):
        return None
    return runner.read(case)


def _with_report(runner: Runner, entry: ProcessedCase) -> ProcessedCase:
    if entry.status != "skipped":
        return entry
    return replace(entry, report=read_report(runner.options.output, entry.case.name or ""))


def _run_case(
    runner: Runner, case: Case, bars: Bars, ready: Future[ReadCase | None]
) -> ProcessedCase:
    try:
        read = ready.result()
        if read is None:
            return ProcessedCase(case, "skipped")
        report = runner.run(case, bars, shows_levels=False, read=read)
        return ProcessedCase(case, "done", report=report)
    except CompactSegError as error:
        return ProcessedCase(case, "failed", error=str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one case must not cost the others
        return ProcessedCase(case, "failed", error=fault(error))


def _tell(entry: ProcessedCase, number: str, is_quiet: bool) -> None:
    if entry.error is not None:
        say(f"{number} {entry.case.name}: failed. {entry.error}")
    elif not is_quiet:
        seconds = f" in {entry.report['seconds']:.2f} s" if entry.report else ""
        level = f", level {entry.report['stopped_at']}" if entry.report else " (is there already)"
        typer.echo(f"{number} {entry.case.name}: {entry.status}{level}{seconds}")
    for message in entry.report["messages"] if entry.report else ():
        say(f"Note: {entry.case.name}: {message}")


def _summarise(processed: Sequence[ProcessedCase]) -> None:
    # A whole image has left and right of what a crop has one of.
    labels = {
        tuple(entry.report["levels"][-1]["millilitres"]) for entry in processed if entry.report
    }
    names = labels.pop() if len(labels) == 1 else ()
    names = names if len(names) <= 4 else ()
    volumes = [f">{name} (ml)" for name in names]
    table = table_of("Case", "Result", ">Level", ">Seconds", *volumes, title="Cases")
    for entry in processed:
        row = [str(entry.case.name), entry.status]
        if entry.report:
            last = entry.report["levels"][-1]
            row += [str(last["level"]), f"{entry.report['seconds']:.2f}"]
            row += [f"{last['millilitres'][name]:.2f}" for name in names]
        table.add_row(*row)
    stdout_console().print(table)
    counts = {
        status: sum(entry.status == status for entry in processed)
        for status in ("done", "skipped", "failed")
    }
    typer.echo(", ".join(f"{count} {status}" for status, count in counts.items()))


def write_summary(folder: Path, processed: Sequence[ProcessedCase]) -> None:
    """Write ``summary.csv``, and ``summary.png`` where a case has a picture."""
    table, picture = (folder / name for name in _SUMMARIES)
    rows = (
        dict(zip(_COLUMNS, map(_plain, row), strict=True))
        for entry in processed
        for row in _rows(entry)
    )
    write_table(table, _COLUMNS, rows)
    pictures = [
        (str(o.report["case"]), folder / o.report["picture"])
        for o in processed
        if o.report and is_file(folder / str(o.report.get("picture")))
    ]
    if pictures:
        _draw(pictures, picture)


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
    size = (columns * _PICTURE_INCHES[0], rows * _PICTURE_INCHES[1] + 0.4)
    figure = Figure(size, dpi=100, layout="tight")
    for place, (name, file) in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(imread(file))
        axes.set_title(name, fontsize=9, parse_math=False)
        axes.set_axis_off()
    if len(pictures) > len(shown):
        figure.suptitle(f"The first {len(shown)} of {len(pictures)} cases")
    write_picture(path, figure)
