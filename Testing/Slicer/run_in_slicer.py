"""Run the module's self-test in a real Slicer, and fail unless every scenario ran and passed.

Needs a Slicer whose Python has torch, psutil and safetensors, and a screen (``xvfb-run -a`` in front makes one)::

    path/to/Slicer-5.12/bin/PythonSlicer -m pip install torch psutil safetensors
    python Testing/Slicer/run_in_slicer.py path/to/Slicer-5.12/Slicer

Ends with 0 when all scenarios passed, 1 when one failed, 2 when not all of them ran.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PASSED, FAILED, DID_NOT_RUN = 0, 1, 2


@dataclass(frozen=True)
class Outcome:
    """What self_test.py wrote, as far as it came.

    Attributes:
        planned: Scenarios that were to run.
        passed: Those that did and passed.
        failed: Traceback of each that did not pass.
        problem: Why none could run; "" where they could.
        slicer: Its version.
    """

    planned: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    slicer: str = ""

    @property
    def missing(self) -> list[str]:
        return [name for name in self.planned if name not in {*self.passed, *self.failed}]

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """What is in the file; nothing where Slicer did not come so far as to write it."""
        if not path.is_file():
            return cls(problem="Slicer did not run the script.")
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            planned=tuple(content["planned"]),
            passed=tuple(content["passed"]),
            failed=content["failed"],
            problem=content["problem"],
            slicer=content["slicer"],
        )


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        ended = _run(options, report)
        outcome = Outcome.read(report)
    return _judge(outcome, ended)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("slicer", type=Path, help="the program Slicer")
    parser.add_argument(
        "--module",
        type=Path,
        default=REPOSITORY / "CompactSeg",
        metavar="FOLDER",
        help="where CompactSeg.py is: this checkout's, or that of an installation",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORDS",
        help="a scenario whose name begins with these words; may be given several times",
    )
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS")
    options = parser.parse_args(arguments)
    if not options.slicer.is_file():
        parser.error(f"{options.slicer}: expected the program Slicer, but there is no such file")
    if not (options.module / "CompactSeg.py").is_file():
        parser.error(f"{options.module}: expected the folder of CompactSeg.py, but it is not there")
    return options


def _run(options: argparse.Namespace, report: Path) -> str:
    """Start Slicer and wait; returns what was wrong with how it ended, or ""."""
    # A window is needed, since the scenarios look at slice views and open other modules. Testing mode leaves the
    # user's settings and other extensions alone, and shows no messages that somebody would have to close.
    command = [
        str(options.slicer.resolve()),
        "--testing",
        "--no-splash",
        "--disable-cli-modules",
        "--additional-module-path",
        str(options.module.resolve()),
        "--python-script",
        str(HERE / "self_test.py"),
    ]
    settings = {"COMPACTSEG_REPORT": str(report), "COMPACTSEG_SCENARIOS": "\n".join(options.only)}
    process = subprocess.Popen(command, env={**os.environ, **settings}, start_new_session=True)
    try:
        status = process.wait(options.timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        return f"Slicer was still running after {options.timeout:g} s and was ended."
    except BaseException:
        _kill(process)
        raise
    return f"Slicer ended with status {status}." if status else ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End Slicer; the program is a launcher, and the one that hangs is its child."""
    if os.name == "nt":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _judge(outcome: Outcome, ended: str) -> int:
    for name in outcome.passed:
        print(f"passed: {name}")
    for name, trace in outcome.failed.items():
        print(f"FAILED: {name}\n{trace}")
    for name in outcome.missing:
        print(f"DID NOT RUN: {name}")
    counts = f"{len(outcome.passed)} of {len(outcome.planned)} scenarios passed"
    where = f" in Slicer {outcome.slicer}" if outcome.slicer else ""
    print(" ".join([f"{counts}{where}.", outcome.problem, ended]).strip())
    if outcome.failed:
        return FAILED
    if outcome.missing or outcome.problem or ended or not outcome.passed:
        return DID_NOT_RUN
    return PASSED


if __name__ == "__main__":
    sys.exit(main())
