"""The benchmark of the worker: what it tells, and the head that it sends."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from examples.demo import load_template

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_seconds_until_each_level_and_the_peak_memory_are_told(tmp_path: Path):
    arguments = ["--model", "hippocampus-mr", "--size", 30, 40, 36, "--precision", "fp32"]
    command = [sys.executable, BENCHMARKS / "worker.py", *map(str, arguments)]
    output = tmp_path / "worker.json"
    subprocess.run(
        [*command, "--threads", "1", "--repeats", "1", "--json", output],
        check=True,
        capture_output=True,
    )
    (row,) = json.loads(output.read_text(encoding="utf-8"))["rows"]
    for when in ("first", "warm"):
        seconds = [row[f"{when}, level {level} (s)"] for level in (1, 2, 3)]
        assert 0 < seconds[0] < seconds[1] < seconds[2]
    assert row["peak (MB)"] > 50


def test_the_benchmarks_head_is_the_template_in_its_place(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    worker = importlib.import_module("worker")
    template = load_template()
    for size in ((256, 256, 180), (30, 40, 36), (30, 300, 189)):
        array, ijk_to_ras = worker.template_head(size)
        assert array.shape == size[::-1]
        k, j, i = (int(index[index.size // 2]) for index in array.nonzero())
        there = np.linalg.inv(template.affine) @ ijk_to_ras @ [i, j, k, 1]
        value = template.get_fdata()[tuple(there[:3].round().astype(int))]
        assert array[k, j, i] == round(1000 * value)
