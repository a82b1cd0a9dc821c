"""What the user of ``compactseg segment`` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["SUFFIXES", "SegmentOptions"]

SUFFIXES = {"seg.nrrd": ".seg.nrrd", "nii.gz": ".nii.gz", "dicom-seg": ".dcm"}
"""Of the files, by the name of the format."""


@dataclass(frozen=True)
class SegmentOptions:
    """What the user asked for; the names are those of the options."""

    input: Path
    model: str
    output: Path
    level: int | None = None
    threshold: float | None = None
    all_levels: bool = False
    device: str = "auto"
    precision: str = "auto"
    tile: int | None = None
    format: str = "seg.nrrd"
    series: str | None = None
    overwrite: bool = False
    recursive: bool = False
    dask: str | None = None
    json: bool = False

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]

    def for_report(self) -> dict[str, Any]:
        """What decides on the results, so that a later run can tell whether they are the wanted ones."""
        return {
            "level": self.level,
            "threshold": self.threshold,
            "all_levels": self.all_levels,
            "precision": self.precision,
            "format": self.format,
        }
