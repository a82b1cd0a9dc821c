"""Many cases: what is done is skipped, a bad case does not stop the others, and a summary comes last."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from CompactSegLib.cli.cases import Case
from CompactSegLib.cli.display import Bars, stdout_console
from CompactSegLib.cli.guard import fault, say
from CompactSegLib.cli.previous_results import read_report
from CompactSegLib.cli.summary import Outcome, write_summary
from CompactSegLib.errors import CompactSegError
from CompactSegLib.files import written_whole

if TYPE_CHECKING:
    from CompactSegLib.cli.runner import ReadCase, Runner

__all__ = ["TABLE", "run_alone", "run_batch"]

TABLE = "cases.csv"


def run_batch(
    runner: Runner,
    cases: Sequence[Case],
    *,
    elsewhere: Callable[[Sequence[Case]], Iterator[Outcome]] | None = None,
) -> int:
    """Segment all cases; return 0, or 1 where one failed.

    Args:
        runner: Segments them, here.
        cases: At least one.
        elsewhere: Has them segmented by others instead; gives what became of each, as it comes.
    """
    outcomes: list[Outcome] = []
    with Bars(cases=len(cases)) as bars:
        coming = elsewhere(cases) if elsewhere else _outcomes_here(runner, cases, bars)
        for number, outcome in enumerate(coming, start=1):
            outcomes.append(outcome)
            bars.finish_case()
            with bars.out_of_the_way():
                _tell(outcome, f"[{number}/{len(cases)}]", runner.request.json)
    place = {case.name: number for number, case in enumerate(cases)}
    outcomes.sort(key=lambda outcome: place[outcome.case.name])
    _write_table(runner, outcomes)
    write_summary(runner.request.output, [_with_report(runner, o) for o in outcomes])
    if runner.request.json:
        typer.echo(json.dumps({"cases": [outcome.to_dict() for outcome in outcomes]}, indent=2))
    else:
        _summarise(outcomes)
    return int(any(outcome.status == "failed" for outcome in outcomes))


def run_alone(runner: Runner, case: Case) -> Outcome:
    """Segment one of many cases, in a process that shows nothing."""
    with Bars(cases=1, is_quiet=True) as bars, ThreadPoolExecutor(1) as reader:
        return _run_case(runner, case, bars, reader.submit(_read, runner, case))


def _outcomes_here(runner: Runner, cases: Sequence[Case], bars: Bars) -> Iterator[Outcome]:
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(_read, runner, cases[0])
        for number, case in enumerate(cases, start=1):
            ready = coming
            if number < len(cases):  # read while this one is computed
                coming = reader.submit(_read, runner, cases[number])
            yield _run_case(runner, case, bars, ready)


def _read(runner: Runner, case: Case) -> ReadCase | None:
    """A case that is to be segmented, None where an earlier run did it already."""
    if not runner.request.overwrite and runner.is_done(case):
        return None
    return runner.read(case)


def _with_report(runner: Runner, outcome: Outcome) -> Outcome:
    if outcome.status != "skipped":
        return outcome
    return replace(outcome, report=read_report(runner.request.output, outcome.case.name or ""))


def _run_case(runner: Runner, case: Case, bars: Bars, ready: Future[ReadCase | None]) -> Outcome:
    try:
        read = ready.result()
        if read is None:
            return Outcome(case, "skipped")
        report = runner.run(case, bars, shows_levels=False, read=read)
        return Outcome(case, "done", report=report)
    except CompactSegError as error:
        return Outcome(case, "failed", error=str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one case must not cost the others
        return Outcome(case, "failed", error=fault(error))


def _tell(outcome: Outcome, number: str, is_quiet: bool) -> None:
    if outcome.error is not None:
        say(f"{number} {outcome.case.name}: failed. {outcome.error}")
    elif not is_quiet:
        seconds = f" in {outcome.report['seconds']:.2f} s" if outcome.report else ""
        level = (
            f", level {outcome.report['stopped_at']}" if outcome.report else " (is there already)"
        )
        typer.echo(f"{number} {outcome.case.name}: {outcome.status}{level}{seconds}")


def _write_table(runner: Runner, outcomes: Sequence[Outcome]) -> None:
    """A row a case, those of earlier runs included, with the millilitres of its last level."""
    names = [label.name for label in runner.model.labels]
    columns = ["case", "result", "level", "seconds", *(f"{name} (ml)" for name in names), "error"]
    with (
        written_whole(runner.request.output / TABLE) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for outcome in outcomes:
            row: dict[str, object] = {"case": outcome.case.name, "result": outcome.status}
            report = outcome.report
            if outcome.status == "skipped":
                report = read_report(runner.request.output, outcome.case.name or "")
            if report:
                last = report["levels"][-1]
                row |= {"level": last["level"], "seconds": report["seconds"]}
                row |= {f"{name} (ml)": last["millilitres"][name] for name in names}
            writer.writerow(row | {"error": outcome.error or ""})


def _summarise(outcomes: Sequence[Outcome]) -> None:
    from rich.table import Table

    table = Table(title="Cases", title_justify="left")
    for title, justify in (
        ("Case", "left"),
        ("Result", "left"),
        ("Level", "right"),
        ("Seconds", "right"),
    ):
        table.add_column(title, justify=justify, overflow="fold")  # type: ignore[arg-type]
    names = next((list(o.report["labels"]) for o in outcomes if o.report), [])
    names = names if len(names) <= 4 else []
    for name in names:
        table.add_column(f"{name} (ml)", justify="right")
    for outcome in outcomes:
        row = [str(outcome.case.name), outcome.status]
        if outcome.report:
            last = outcome.report["levels"][-1]
            row += [str(last["level"]), f"{outcome.report['seconds']:.2f}"]
            row += [f"{last['millilitres'][name]:.2f}" for name in names]
        table.add_row(*row)
    stdout_console().print(table)
    counts = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in ("done", "skipped", "failed")
    }
    typer.echo(", ".join(f"{count} {status}" for status, count in counts.items()))
