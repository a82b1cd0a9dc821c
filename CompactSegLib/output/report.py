"""The report of a run: what was segmented, with what, how, and what came out, as JSON data."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import CompactSegLib
from CompactSegLib.files import write_text

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level, RunInfo
    from CompactSegLib.volume.volume import Volume

SCHEMA = 1


def run_report(
    levels: Sequence[Level],
    volume: Volume,
    *,
    model: Model,
    run: RunInfo,
    threshold: float,
    date: datetime,
    files: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """The report, of plain JSON values.

    Args:
        levels: The levels of the run, level 1 first; at least one.
        volume: What was segmented.
        model: With what.
        run: How.
        threshold: The improvement below which levels were to stop; 0 for never.
        date: When the run ended, with its time zone.
        files: By level, the name of the file that holds its segmentation.

    Returns:
        ``levels`` (each with ``level``, ``seconds``, ``improvement``, ``improvement_by_label``, ``millilitres``,
        ``parameters``, ``macs_per_voxel``, ``file``), ``stopped_at``, ``stop``, ``reason``,
        ``device`` and more. Volumes in ml, times in seconds, lengths in mm; world coordinates are LPS.
    """
    last = levels[-1]
    return {
        "schema": SCHEMA,
        "case": volume.name,
        "input": _source(volume),
        "geometry": {
            "size_ijk": list(volume.geometry.size_ijk),
            "spacing_mm": list(volume.geometry.spacing_mm),
            "origin_lps_mm": list(volume.geometry.origin_lps_mm),
            "direction_lps": list(volume.geometry.direction_lps),
        },
        "model": model.name,
        "model_title": model.title,
        "model_sha256": model.weights_sha256,
        "labels": {label.name: label.value for label in model.labels},
        "levels": [_level(level, (files or {}).get(level.number)) for level in levels],
        "stopped_at": last.number,
        "stop": last.stop,
        "reason": last.stop_reason,
        "threshold": threshold or None,
        **asdict(run),
        "seconds": round(sum(level.seconds for level in levels), 3),
        "messages": [*volume.warnings, *run.messages],
        "date": date.isoformat(timespec="seconds"),
        "versions": versions(),
    }


def write_report(report: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a report as a JSON file, whole or not at all.

    Raises:
        OutputError: The file could not be written.
    """
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text)


def versions() -> dict[str, str]:
    """Of the software, by name."""
    import torch

    return {
        "compactseg": CompactSegLib.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
    }


def _source(volume: Volume) -> dict[str, Any] | None:
    if volume.source is None:
        return None
    source: dict[str, Any] = {"path": str(volume.source.path)}
    if volume.source.dicom_files:
        source["series_uid"] = volume.source.series_uid
        source["images"] = len(volume.source.dicom_files)
    return source


def _level(level: Level, file: str | None) -> dict[str, Any]:
    return {
        "level": level.number,
        "seconds": round(level.seconds, 3),
        "improvement": rounded(level.improvement),
        "improvement_by_label": {k: rounded(v) for k, v in level.improvement_by_label.items()},
        "millilitres": {name: rounded(value) for name, value in level.millilitres.items()},
        "parameters": level.parameters,
        "macs_per_voxel": level.macs_per_voxel,
        "file": file,
    }


def rounded(value: float | None) -> float | None:
    """To six places: a nanolitre, or a millionth of an overlap; None for NaN, which JSON does not know."""
    return None if value is None or math.isnan(value) else round(float(value), 6)
