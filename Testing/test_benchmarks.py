"""The benchmarks run, and measure what they say."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from CompactSegLib.datasets.settings import read_settings
from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.stopping import Measured
from CompactSegLib.train.training import train
from CompactSegLib.train.training_plan import TrainingPlan
from Testing import forked
from Testing.crops import write_crops
from Testing.Lib.dataset_files import write_dataset
from Testing.Lib.synthesis.heads import write_head

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def run(script: str, *arguments: object, output: Path) -> list[dict]:
    done = forked.run([sys.executable, BENCHMARKS / script, *arguments, "--json", output])
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text(encoding="utf-8"))["rows"]


def test_exact_tiles(tmp_path: Path):
    left, _ = write_crops(tmp_path)
    rows = run("exact_tiles.py", "--volume", left, "--tile", 24, output=tmp_path / "tiles.json")
    assert [row["level"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert row["labels that differ"] == 0
        assert float(row["largest logit difference"]) <= 1e-4


def test_stop_rule(tmp_path: Path):
    data = write_dataset(tmp_path / "Task99_Balls")
    layer = {"channels": 4}
    net = NetConfig.from_dict(
        {
            "in_channels": 1,
            "classes": 3,
            "blocks": [{"branches": [{"layers": [layer]}]}] * 4,
            "heads": [{"layers": [layer]}] * 3,
        }
    )
    plan = TrainingPlan(name="balls", steps=4, batch=2, patch=(12, 12, 12), workers=0)
    model = train(plan, net, data=data, output=tmp_path / "run", fold=0)
    picture, output = tmp_path / "curves.png", tmp_path / "rules.json"
    rows = run("stop_rule.py", data, "--model", model, "--picture", picture, output=output)
    assert {row["rule"] for row in rows} == {
        "Jaccard change",
        "mean entropy",
        "fixed depth",
        "oracle",
    }
    assert picture.read_bytes().startswith(b"\x89PNG")
    held_out = {sum(row["stopped_at"]) for row in rows}
    assert held_out == {2}


def test_no_rule_beats_the_oracle(monkeypatch):
    """Forty cases; the less a case changed at level 2, the less level 3 brings."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    stop_rule = importlib.import_module("stop_rule")
    changes = np.random.default_rng(3).uniform(0.02, 0.3, 40)
    dice = np.stack([np.full(40, 0.8), np.full(40, 0.85), 0.84 + 0.1 * changes], axis=1)
    steps = np.stack([np.full(40, np.nan), changes, changes / 2], axis=1)
    measured = Measured(dice, steps, np.array([10.0, 40.0, 100.0]))
    entropies = np.stack([0.3 + changes, 0.2 + changes, 0.1 + changes], axis=1)
    curves = stop_rule.outcomes_of_rules(measured, entropies)
    assert curves["mean entropy"][0].stopped_at == (0, 0, 40)
    assert curves["mean entropy"][-1].stopped_at == (40, 0, 0)
    first, second, third = curves["fixed depth"]
    assert (first.macs_saved, second.macs_saved, third.macs_saved) == pytest.approx((0.9, 0.6, 0))
    assert first.dice_lost == pytest.approx(dice[:, 2].mean() - 0.8)
    assert (third.dice_lost, first.stopped_at) == (0, (40, 0, 0))
    # At some price the oracle is at least as good: it is the frontier of all that stopping can do.
    best = sorted((each.macs_saved, each.dice_lost) for each in curves["oracle"])
    for outcome in (each for name in curves for each in curves[name]):
        frontier = np.interp(outcome.macs_saved, *zip(*best, strict=True))
        assert frontier <= outcome.dice_lost + 1e-3


def test_synthesis(tmp_path: Path):
    (tmp_path / "heads").mkdir()
    write_head(tmp_path / "heads" / "head.nii.gz")
    plan = read_settings(BENCHMARKS.parent / "Resources/Training/brain-mr/plan-4.json")
    (tmp_path / "plan.json").write_text(json.dumps(plan | {"patch": [16, 16, 16]}))
    rows = run(
        "synthesis.py",
        *("--data", tmp_path / "heads", "--plan", tmp_path / "plan.json"),
        *("--device", "cpu", "--repeats", 2),
        output=tmp_path / "synthesis.json",
    )
    assert [row["what"] for row in rows] == ["make a batch", "learn from it"]
    assert all(row["seconds"] > 0 for row in rows)
    assert sum(row["share of a step"] for row in rows) == pytest.approx(1)
