"""The tables of an evaluation."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from CompactSegLib.cli.display import stdout_console, table_of
from CompactSegLib.words import counted

_MOST_STRUCTURES = 12


def show_summary(summary: dict[str, Any]) -> None:
    """Print agreement with the truth, what the levels cost, and the comparison where there is one."""
    console = stdout_console()
    cases = len(summary["cases"])
    console.print(
        f"{summary['model_title']} ({summary['model']}) on {summary['dataset']}: "
        f"{counted(cases, 'case')}, {summary['device']}, {summary['precision']}",
        style="bold",
        soft_wrap=True,
    )
    console.print("Mean over cases ± standard deviation")
    console.print(_agreement(summary))
    console.print(_levels(summary))
    if summary["comparison"]:
        comparison = summary["comparison"]
        console.print(
            f"Dice minus that of {comparison['file']}, in points, paired over {comparison['cases']} of {cases} cases "
            "(95 % confidence interval)",
            soft_wrap=True,
        )
        console.print(_comparison(comparison))


def _agreement(summary: dict[str, Any]) -> Table:
    table = table_of(
        ">Level", "Structure", ">Dice", ">NSD at 1 mm", ">HD95 (mm)", ">Volume error (ml)", ">(%)"
    )
    for level in summary["levels"]:
        names = list(level["structures"])
        rows = {"mean over labels": level["mean_over_labels"]} if len(names) > 1 else {}
        if len(names) <= _MOST_STRUCTURES:
            rows |= level["structures"]
        for number, (name, figures) in enumerate(rows.items()):
            table.add_row(
                "" if number else str(level["level"]),
                name,
                _figure(figures["dice"], 4),
                _figure(figures["nsd_1mm"], 4),
                _figure(figures["hd95_mm"], 2),
                _figure(figures["volume_error_ml"], 3, sign=True),
                _figure(figures["volume_error_percent"], 1, sign=True),
                end_section=number == len(rows) - 1,
            )
    return table


def _levels(summary: dict[str, Any]) -> Table:
    columns = [">Level", ">Change", ">Seconds", ">Parameters", ">MAC/voxel", ">all levels"]
    table = table_of(*columns)
    for level in summary["levels"]:
        row = [
            str(level["level"]),
            _figure(level["improvement"], 4),
            _figure(level["seconds"], 2),
            f"{level['parameters']:,}",
            f"{level['macs_per_voxel']:,.0f}",
            f"{level['macs_per_voxel_all_levels']:,.0f}",
        ]
        table.add_row(*row)
    return table


def _comparison(comparison: dict[str, Any]) -> Table:
    names = list(comparison["levels"][0]["labels"])
    names = names if 1 < len(names) <= 4 else []
    table = table_of(">Level", ">Mean over labels", *(f">{name}" for name in names))
    for level in comparison["levels"]:
        differences = [level["mean_over_labels"], *(level["labels"][name] for name in names)]
        table.add_row(str(level["level"]), *map(_difference, differences))
    return table


def _difference(difference: dict[str, Any]) -> str:
    if difference["points"] is None:
        return "–"
    text = _signed(difference["points"], 2)
    if difference["low"] is not None:
        text += f" ({_signed(difference['low'], 2)} to {_signed(difference['high'], 2)})"
    return text


def _figure(statistic: dict[str, Any] | None, places: int, *, sign: bool = False) -> str:
    if not statistic or statistic["mean"] is None:
        return "–"
    mean = _signed(statistic["mean"], places) if sign else f"{statistic['mean']:.{places}f}"
    return mean if statistic["sd"] is None else f"{mean} ± {statistic['sd']:.{places}f}"


def _signed(value: float, places: int) -> str:
    rounded = round(value, places) or 0.0  # no "−0.00"
    return f"{rounded:+.{places}f}".replace("-", "−") if rounded else f"{rounded:.{places}f}"
