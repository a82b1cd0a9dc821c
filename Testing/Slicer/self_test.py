"""What run_in_slicer.py lets Slicer execute: each scenario of the self-test, its outcome written down at once.

So that also a Slicer that crashes leaves a report, which says how far it came.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import slicer


class Report:
    """Goes to the file with every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.content: dict[str, Any] = {
            "planned": [],
            "passed": [],
            "failed": {},
            "problem": "",
            "slicer": slicer.app.applicationVersion,
        }

    def write(self) -> None:
        self._path.write_text(json.dumps(self.content), encoding="utf-8")


class Unhandled:
    """Exceptions in what Qt or VTK calls: nobody gets them, so they fail the scenario they fall into."""

    def __init__(self) -> None:
        self._traces: list[str] = []
        self._before = sys.excepthook
        sys.excepthook = self._take

    def _take(self, kind: Any, error: Any, trace: Any) -> None:
        self._traces.append("".join(traceback.format_exception(kind, error, trace)))
        self._before(kind, error, trace)

    def taken(self) -> str:
        text, self._traces = "\n".join(self._traces), []
        return text


def run(report: Report, *, only: tuple[str, ...]) -> None:
    """Run the scenarios whose name begins with one of these; all where there are none."""
    if not hasattr(slicer.modules, "compactseg"):
        report.content["problem"] = "The module CompactSeg was not loaded; the log above says why."
        return
    from CompactSegQt.Packages import Packages

    if missing := Packages().missing():
        report.content["problem"] = (
            f"Slicer's Python lacks {', '.join(missing)}: install with PythonSlicer -m pip install."
        )
        return
    from CompactSegQt.SelfTest import SCENARIOS, runScenario, sentence
    from CompactSegQt.SelfTest.Driver import Driver

    chosen = {sentence(each.__name__): each for each in SCENARIOS}
    chosen = {name: each for name, each in chosen.items() if name.startswith(only or "")}
    report.content["planned"] = list(chosen)
    report.write()
    driver, unhandled = Driver(), Unhandled()
    for name, scenario in chosen.items():
        print(f"CompactSeg: {name}", flush=True)
        try:
            runScenario(driver, scenario)
            trace = unhandled.taken()
        except Exception:  # noqa: BLE001 - whatever a scenario raises, the next one is to run
            trace = traceback.format_exc() + unhandled.taken()
        if trace:
            report.content["failed"][name] = trace
        else:
            report.content["passed"].append(name)
        report.write()


def main() -> None:
    report = Report(Path(os.environ["COMPACTSEG_REPORT"]))
    try:
        run(report, only=tuple(os.environ.get("COMPACTSEG_SCENARIOS", "").splitlines()))
    except Exception:  # noqa: BLE001 - told in the report, and Slicer must end
        report.content["problem"] = traceback.format_exc()
    report.write()
    is_green = report.content["passed"] and not (
        report.content["failed"] or report.content["problem"]
    )
    slicer.util.exit(0 if is_green else 1)


# Not by __name__: how Slicer executes a script is not promised.
if "COMPACTSEG_REPORT" in os.environ:
    main()
