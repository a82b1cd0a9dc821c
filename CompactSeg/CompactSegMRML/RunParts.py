"""What a run consists of: what was asked, how far it is, and what the worker keeps of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from CompactSegMRML.Labels import VoxelBox
from CompactSegMRML.Results import ModelInfo, Run
from CompactSegMRML.VolumeInput import VolumeCopy
from CompactSegMRML.WorkerProcess import Sending

__all__ = ["Current", "Kept", "RunOptions"]

COPY_SECONDS = 0.02
"""That copying a volume may hold up the event loop, at a time."""


@dataclass(frozen=True)
class RunOptions:
    """What is asked of the worker; as `CompactSegLogic.segment`."""

    model: str
    levels: int | None = None
    threshold: float | None = None
    allLevels: bool = False
    device: str = "auto"
    keptBytes: int | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Of the request."""
        return {
            "model": self.model,
            "levels": self.levels,
            "threshold": self.threshold,
            "all_levels": self.allLevels,
            "device": self.device,
            "kept_bytes": self.keptBytes,
        }

    def thresholdFor(self, model: ModelInfo) -> float:
        """By which a run with this model stops."""
        return model.stopThreshold if self.threshold is None else self.threshold


@dataclass(frozen=True)
class Kept:
    """The volume whose feature maps the worker keeps, as far as is known."""

    request: str
    volumeID: str
    stamp: tuple[object, ...]
    options: RunOptions
    box: VoxelBox
    imageCrc: int


@dataclass
class Current:
    """The run that is under way."""

    run: Run
    volumeNode: Any
    options: RunOptions
    box: VoxelBox
    request: str
    of: (
        str | None
    )  # the request whose kept volume is asked for a level; None where the volume is sent
    began: float
    copy: VolumeCopy | None = None
    steps: Iterator[None] | None = None
    sending: Sending | None = None
    cancelledAt: float | None = None

    def copySome(self) -> None:
        """Copy the volume on for a moment.

        Raises:
            InputError: It changed in the middle.
        """
        end = time.monotonic() + COPY_SECONDS
        for _step in self.steps or ():
            if time.monotonic() >= end:
                return
        self.steps = None

    @property
    def message(self) -> dict[str, Any]:
        """The request, without the voxels."""
        if self.copy is None:
            level = {"of": self.of, "level": self.run.firstLevel}
            return {"request": "level", "id": self.request, **level}
        return {
            "request": "segment",
            "id": self.request,
            "name": self.run.volumeName,
            "ijk_to_ras": self.copy.ijkToPatient.tolist(),
            **self.options.fields,
        }
