"""Seconds until CompactSeg can be used: what imports cost beyond a bare Python.

Each is measured in fresh interpreters; the median counts, since the first one also fills the disk's cache.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tables import show, write_json

STATEMENTS = {
    "bare Python": "pass",
    "the library": "import CompactSegLib",
    "the command": "import CompactSegLib.cli.app",
    "the list of models": "from CompactSegLib import list_models; list_models()",
    "ready to segment": "from CompactSegLib import Segmenter, load_model; Segmenter(load_model('hippocampus-mr'))",
    "for comparison: torch": "import torch",
    "for comparison: monai": "import monai",
}


def seconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs a statement."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    options = parser.parse_args()

    rows = []
    bare = 0.0
    for name, statement in STATEMENTS.items():
        median = statistics.median(seconds(statement) for _ in range(options.repeats))
        bare = bare or median
        rows.append({"what": name, "seconds": median, "beyond bare Python": median - bare})
    show(f"Import time, median of {options.repeats}", rows)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
