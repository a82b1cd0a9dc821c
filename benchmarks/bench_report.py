"""RESULTS.md and its pictures, of what `bench.py` measured."""

from __future__ import annotations

import math
import os
import platform
import statistics
from pathlib import Path
from typing import Any

import torch

from benchmarks.tables import processor_name


def runs_of(stored: dict[str, Any]) -> str:
    """How many runs stand behind a figure."""
    least, most = (f({len(entry["rows"]) for entry in stored.values()}) for f in (min, max))
    return f"{least} to {most} runs" if least < most else f"{most} run{'s' if most > 1 else ''}"


def median(entry: dict[str, Any], key: str) -> float:
    return statistics.median(row[key] for row in entry["rows"])


def write_results(stored: dict[str, Any], folder: Path) -> None:
    """RESULTS.md and its pictures, of all that has been measured."""
    dates = ", ".join(sorted({entry["date"] for entry in stored.values()}))
    lines = [
        "# How long it takes",
        "",
        f"Measured on {processor_name()}, {os.cpu_count()} cores, {platform.system()},",
        f"torch {torch.__version__}, fp32, by `make bench` on {dates};",
        f"medians of {runs_of(stored)}, measured in turns, each in a process of its own.",
        "Seconds are wall time until a level's labels are there; CPU adds up all threads. Others are timed on one",
        "window, times the windows that a head takes, without reading, resampling and blending; their weights are",
        "untrained, which does not change their time.",
        "",
    ]
    ours = [
        key for key in stored if key.count("/") == 2 and not key.startswith(("command/", "work/"))
    ]
    lines += table(
        ("volume", "version", "level 1 (s)", "level 2 (s)", "level 3 (s)", "CPU (s)", "peak (MB)"),
        [
            (
                told(key),
                version_of(stored, key),
                *(median(stored[key], name) for name in ("level 1", "level 2", "level 3", "CPU")),
                f"{median(stored[key], 'peak MB'):.0f}",
            )
            for key in ours
        ],
    )
    commands = [key for key in stored if key.startswith("command/")]
    lines += table(
        ("file to files, all levels", "version", "seconds", "CPU (s)"),
        [
            (
                "256 × 256 × 180 head",
                version_of(stored, key),
                median(stored[key], "file to files"),
                median(stored[key], "CPU"),
            )
            for key in commands
        ],
    )
    others = [key for key in stored if key.count("/") == 1]
    lines += table(
        ("others", "one window (s)", "windows", "all (s)", "times ours", "peak (MB)"),
        [
            (
                key.partition("/")[2],
                median(stored[key], "one window"),
                stored[key]["rows"][0]["windows"],
                median(stored[key], "last level"),
                ratio(stored[key], ours_beside(stored, key)),
                f"{median(stored[key], 'peak MB'):.0f}",
            )
            for key in others
        ],
    )
    lines += stage_table(stored, "head", "stage, CPU seconds of all levels")
    lines += work_table(stored)
    lines += ratios(stored)
    lines += draw(stored, folder)
    (folder / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


_NAMES = {
    "head": "256 × 256 × 180 head",
    "busy": "the same beside two busy loops",
    "hippocampus": "36 × 52 × 36 crop, hippocampus-mr",
}


def told(key: str) -> str:
    part, name, _ = key.split("/")
    return _NAMES.get(part, name)


def version_of(stored: dict[str, Any], key: str) -> str:
    return f"{key.rpartition('/')[2]} ({stored[key]['commit']})"


def ratio(entry: dict[str, Any], ours: dict[str, Any] | None) -> str:
    return f"{median(entry, 'last level') / median(ours, 'level 3'):.1f}" if ours else "–"


def ours_beside(stored: dict[str, Any], peer: str) -> dict[str, Any] | None:
    """What of ours a peer's measurement is to be seen beside."""
    _, on, device = peer.partition(" on ")
    part = "head" if peer.startswith("peers/") else "hippocampus"
    return stored.get(f"{part}/CompactSeg/now{on}{device}")


def work_table(stored: dict[str, Any]) -> list[str]:
    """What an accelerator is asked to do for all levels of a head."""
    found = {key: stored[key] for key in stored if key.startswith("work/")}
    lines = stage_table(
        stored, "work", "operations that an accelerator begins, all levels of a head"
    )
    names = [name for entry in found.values() for name in entry["rows"][0] if name != "stages"]
    return lines + table(
        ("and beside them", *(version_of(stored, key) for key in found)),
        [
            (name, *(f"{median(entry, name):.0f}" for entry in found.values()))
            for name in dict.fromkeys(names)
        ],
    )


def stage_table(stored: dict[str, Any], part: str, heading: str) -> list[str]:
    """What stages of all three levels of a head take."""
    found = {
        key.rpartition("/")[2]: stored[key]["rows"]
        for key in stored
        if key.startswith(f"{part}/CompactSeg/") and "stages" in stored[key]["rows"][0]
    }
    names = dict.fromkeys(name for rows in found.values() for name in rows[0]["stages"])
    return table(
        (heading, *found),
        [
            (
                name,
                *(
                    statistics.median(row["stages"].get(name, 0) for row in rows)
                    for rows in found.values()
                ),
            )
            for name in names
        ],
    )


def ratios(stored: dict[str, Any]) -> list[str]:
    """What grows with what."""
    rows = []
    for version in ("before", "now"):
        head, busy = (stored.get(f"{name}/CompactSeg/{version}") for name in ("head", "busy"))
        for fewer, more in ((256, 320), (320, 400)):
            small, large = (stored.get(f"sizes/{n}³/{version}") for n in (fewer, more))
            if small and large:
                times = median(large, "level 3") / median(small, "level 3")
                rows.append((f"{more}³ against {fewer}³, level 3", version, f"{times:.2f}"))
                exponent = math.log(times) / math.log((more / fewer) ** 3)
                rows.append(("the same as a power of the voxels", version, f"{exponent:.2f}"))
        if head and "of the ceiling" in head["rows"][0]:
            share = median(head, "of the ceiling")
            rows.append(
                (
                    "blocks and heads, of one large convolution's operations in a CPU second",
                    version,
                    f"{share:.2f}",
                )
            )
        # What is called before may be an older version in one part than in another.
        if head and busy and (version == "now" or head["commit"] == busy["commit"]):
            times = median(busy, "level 3") / median(head, "level 3")
            rows.append(("a head beside two busy loops against alone", version, f"{times:.2f}"))
    for what, key, until in (
        ("a head until level 1", "head/CompactSeg", "level 1"),
        ("a head until level 3", "head/CompactSeg", "level 3"),
        ("a head from file to files", "command/CompactSeg", "file to files"),
    ):
        now, before = (stored.get(f"{key}/{version}") for version in ("now", "before"))
        if now and before:
            times = median(now, until) / median(before, until)
            rows.append((f"{what}, now against {before['commit']}", "both", f"{times:.2f}"))
    return table(("ratio", "version", "times"), rows)


def table(headings: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    """A Markdown table; nothing where there are no rows."""
    if not rows:
        return []
    cells = [
        [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows
    ]
    lines = [list(headings), ["---"] * len(headings), *cells]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def draw(stored: dict[str, Any], folder: Path) -> list[str]:
    """Seconds and memory by volume, as pictures beside the tables."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    of_sizes = [key for key in stored if key.startswith("sizes/")]
    if not of_sizes:
        return []
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    seconds, memory = figure.subplots(1, 2)
    for version, style in (("before", "--"), ("now", "-")):
        keys = sorted(
            (key for key in of_sizes if key.endswith(f"/{version}")), key=lambda key: _millions(key)
        )
        if not keys:
            continue
        voxels = [_millions(key) for key in keys]
        for level, color in ((1, "tab:blue"), (2, "tab:orange"), (3, "tab:green")):
            seconds.plot(
                voxels,
                [median(stored[key], f"level {level}") for key in keys],
                f"o{style}",
                color=color,
                label=f"level {level}, {version}",
            )
        memory.plot(
            voxels,
            [median(stored[key], "peak MB") for key in keys],
            f"o{style}",
            color="black",
            label=version,
        )
    for axes, what in ((seconds, "seconds until the level"), (memory, "peak memory (MB)")):
        axes.set(xlabel="million voxels", ylabel=what, ylim=(0, None))
        axes.legend(fontsize=7)
    figure.savefig(folder / "results.png", dpi=110)
    return ["![Seconds and memory by volume](results.png)", ""]


def _millions(key: str) -> float:
    return int(key.split("/")[1].rstrip("³")) ** 3 / 1e6
