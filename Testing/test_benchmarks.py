"""The benchmarks run, and measure what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from examples.demo import write_crops

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def run(script: str, *arguments: object, output: Path) -> list[dict]:
    command = [sys.executable, BENCHMARKS / script, *map(str, arguments), "--json", output]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads(output.read_text(encoding="utf-8"))["rows"]


def test_import_time(tmp_path: Path):
    rows = run("import_time.py", "--repeats", 1, output=tmp_path / "deep" / "import.json")
    beyond = {row["what"]: row["beyond bare Python"] for row in rows}
    assert beyond["bare Python"] == 0
    assert {"the library", "the command", "ready to segment"} <= beyond.keys()


def test_exact_tiles(tmp_path: Path):
    left, _ = write_crops(tmp_path)
    rows = run("exact_tiles.py", "--volume", left, "--tile", 24, output=tmp_path / "tiles.json")
    assert [row["level"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert row["labels that differ"] == 0
        assert float(row["largest logit difference"]) <= 1e-4


def test_segment(tmp_path: Path):
    rows = run(
        *[
            "segment.py",
            "--shape",
            20,
            24,
            28,
            "--precision",
            "fp32",
            "--threads",
            1,
            "--tile",
            16,
            0,
        ],
        output=tmp_path / "segment.json",
    )
    assert [row["asked for"] for row in rows] == ["fp32", "fp32"]
    assert rows[0]["tile"] == 16
    for row in rows:
        levels = [seconds for name, seconds in row.items() if name.startswith("level ")]
        assert len(levels) > 1
        assert sum(levels) == row["all levels (s)"]
        assert row["peak (MB)"] >= row["before (MB)"] > 50
