"""The report holds what was done and what came out, in plain JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

import CompactSegLib
from CompactSegLib import Level, OutputError, RunInfo
from CompactSegLib.output.report import run_report, write_report
from CompactSegLib.volume.volume import VolumeSource

NAMES = ("Anterior hippocampus", "Posterior hippocampus")
RUN = RunInfo("cuda:0", "A graphics card", "bf16", 128, ("Memory ran out: tiles of 64 voxels.",))
WHEN = datetime(2026, 11, 22, 12, 30, tzinfo=timezone.utc)


@pytest.fixture
def two_levels(an_oblique_volume) -> list[Level]:
    labels = np.zeros(an_oblique_volume.shape_kji, np.uint8)
    first = Level(
        number=1,
        labels=labels,
        geometry=an_oblique_volume.geometry,
        structures=(),
        improvement=None,
        improvement_by_label={},
        seconds=0.12345,
        millilitres=dict.fromkeys(NAMES, 1 / 3),
        parameters=1000,
        macs_per_voxel=500.5,
    )
    second = replace(
        first,
        number=2,
        improvement=np.float64(0.25),
        improvement_by_label=dict(zip(NAMES, (0.25, 0.0), strict=True)),
        stop="threshold",
        stop_reason="the improvement is below the threshold",
    )
    return [first, second]


@pytest.fixture
def report(two_levels, an_oblique_volume, the_tiny_model) -> dict:
    volume = replace(an_oblique_volume, warnings=("3 voxels are not finite.",))
    return run_report(
        two_levels,
        volume,
        model=the_tiny_model,
        run=RUN,
        threshold=0.3,
        date=WHEN,
        files={1: "a_level-1.nii.gz", 2: "a_level-2.nii.gz"},
    )


def test_the_software_is_told(report: dict):
    assert report["versions"]["compactseg"] == CompactSegLib.__version__
    assert set(report["versions"]) == {"compactseg", "python", "torch"}


def test_levels_are_told(report: dict):
    first, second = report["levels"]
    assert first["level"] == 1
    assert first["improvement"] is None
    assert first["seconds"] == 0.123
    assert first["millilitres"] == dict.fromkeys(NAMES, 0.333333)
    assert first["file"] == "a_level-1.nii.gz"
    assert second["improvement"] == 0.25
    assert second["improvement_by_label"] == {NAMES[0]: 0.25, NAMES[1]: 0.0}


def test_the_end_and_the_way_there_are_told(report: dict, the_tiny_model):
    assert report["stopped_at"] == 2
    assert report["stop"] == "threshold"
    assert report["reason"] == "the improvement is below the threshold"
    assert report["threshold"] == 0.3
    assert report["device"] == "cuda:0"
    assert report["precision"] == "bf16"
    assert report["seconds"] == 0.247
    assert report["model"] == the_tiny_model.name
    assert report["model_sha256"] == the_tiny_model.weights_sha256
    assert report["messages"] == ["3 voxels are not finite.", "Memory ran out: tiles of 64 voxels."]
    assert datetime.fromisoformat(report["date"]) == WHEN


def test_all_levels_means_no_threshold(two_levels, an_oblique_volume, the_tiny_model):
    report = run_report(
        two_levels, an_oblique_volume, model=the_tiny_model, run=RUN, threshold=0.0, date=WHEN
    )
    assert report["threshold"] is None
    assert report["levels"][0]["file"] is None


def test_the_geometry_gives_back_the_grid(report: dict, an_oblique_volume):
    from CompactSegLib import Geometry

    assert Geometry(**report["geometry"]) == an_oblique_volume.geometry


def test_a_dicom_series_is_named(two_levels, an_oblique_volume, the_tiny_model):
    source = VolumeSource(Path("scan"), (Path("scan/1.dcm"), Path("scan/2.dcm")), "1.2.3")
    volume = replace(an_oblique_volume, source=source)
    report = run_report(two_levels, volume, model=the_tiny_model, run=RUN, threshold=0.0, date=WHEN)
    assert report["input"] == {"path": "scan", "series_uid": "1.2.3", "images": 2}


def test_what_is_written_is_what_was_reported(report: dict, tmp_path: Path):
    write_report(report, tmp_path / "new" / "a_report.json")
    assert json.loads((tmp_path / "new" / "a_report.json").read_text(encoding="utf-8")) == report


def test_a_report_that_cannot_be_written_leaves_nothing(report: dict, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_report(report, tmp_path / "file" / "a_report.json")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(report | {"seconds": float("nan")}, tmp_path / "a_report.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
