"""A run: what the worker is asked and for which voxels, copied in steps; what it keeps of that, and how it ended."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from vtk.util.numpy_support import vtk_to_numpy

from CompactSegLib.errors import InputError
from CompactSegLib.json_data import stated
from CompactSegMRML.Labels import VoxelBox
from CompactSegMRML.Signal import tr as _
from CompactSegMRML.VolumeInput import gridInPatient, stampOf

if TYPE_CHECKING:
    from CompactSegMRML.WorkerFace import ModelInfo

COPY_SECONDS = 0.02
"""That copying a volume may hold up the event loop, at a time."""
STEP_BYTES = 8 * 2**20
"""That are copied at a time."""


@dataclass(frozen=True)
class Run:
    """A run that was started.

    Attributes:
        volumeID: MRML ID of the volume node.
        volumeName: Its name when the run began.
        model: Name of the model.
        levels: The most levels it will compute; None where the worker has not yet told how many the model has.
        firstLevel: The first that it will compute: 1, or more where known levels are refined.
    """

    volumeID: str
    volumeName: str
    model: str
    levels: int | None
    firstLevel: int = 1


@dataclass(frozen=True, eq=False)
class RunOutcome:
    """How a run ended.

    Attributes:
        volumeNode: The volume; None where it is no longer in the scene.
        kind: ``done``, ``cancelled`` or ``failed``.
        sentence: For the user, in every case.
        stop: Why it ended after this level: ``threshold``, ``levels-requested`` or ``last-level``; "" unless done.
        stopReason: The same as a sentence; "" unless done.
        blocksRun: Blocks of the net that the worker executed; a level that was known costs none.
        seconds: From the click to the end.
    """

    volumeNode: Any
    kind: str
    sentence: str
    stop: str = ""
    stopReason: str = ""
    blocksRun: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class RunOptions:
    """What is asked of the worker; as `CompactSegLogic.segment`."""

    model: str
    levels: int | None = None
    threshold: float | None = None
    allLevels: bool = field(default=False, metadata={"name": "all_levels"})
    device: str = "auto"
    keptBytes: int | None = field(default=None, metadata={"name": "kept_bytes"})

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

    @property
    def spacingMm(self) -> tuple[float, float, float]:
        """Of the volume when it was sent, along i, j and k."""
        matrix = np.reshape(self.stamp[-16:], (4, 4)).astype(float)
        return tuple(np.linalg.norm(matrix[:3, :3], axis=0).tolist())  # type: ignore[return-value]


class VolumeCopy:
    """A copy of a volume's voxels, made in steps that hold the event loop up for milliseconds only.

    It is a copy since the volume may be changed or deleted while the worker is being sent its voxels.

    Args:
        volumeNode: One that can be segmented.
        box: The voxels wanted.

    Attributes:
        array: (k, j, i), complete when the steps are done.
        ijkToPatient: (4, 4) of the box's voxels, at right angles.
        stamp: Changes when the image does.
        checksum: Of the array, complete when the steps are done.
    """

    def __init__(self, volumeNode: Any, box: VoxelBox) -> None:
        self._node, self._box = volumeNode, box
        self.ijkToPatient = box.shifted(gridInPatient(volumeNode))
        self.stamp = stampOf(volumeNode)
        self.array = np.empty(box.size[::-1], self._voxels().dtype)
        self.checksum = 0

    def steps(self) -> Iterator[None]:
        """Copy; each step is short.

        Raises:
            InputError: The image changed in the middle.
        """
        planeBytes = max(1, self.array[:1].nbytes)
        planes = max(1, STEP_BYTES // planeBytes)
        k, j, i = self._box.slicesKJI
        for first in range(0, self._box.size[2], planes):
            if stampOf(self._node) != self.stamp:
                raise InputError(
                    _("{name} was changed while it was read; segment it again.").format(
                        name=self._node.GetName()
                    )
                )
            source = slice(k.start + first, min(k.start + first + planes, k.stop))
            part = self.array[first : first + planes]
            part[:] = self._voxels()[source, j, i]
            self.checksum = zlib.crc32(part, self.checksum)
            yield

    def _voxels(self) -> np.ndarray:
        """(k, j, i), the volume's own memory, asked for anew since it may have been replaced."""
        image = self._node.GetImageData()
        scalars = vtk_to_numpy(image.GetPointData().GetScalars())
        return scalars.reshape(image.GetDimensions()[::-1])


def checksumOf(volumeNode: Any, box: VoxelBox) -> int:
    """Of a volume's voxels in a box, as `VolumeCopy.checksum`; some 10 ms for a head."""
    copy = VolumeCopy(volumeNode, box)
    for _step in copy.steps():
        pass
    return copy.checksum


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
    sending: threading.Event | None = None  # set when all of the request was handed over
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
    def isRefining(self) -> bool:
        """Whether levels are added to those that are there."""
        return self.of is not None

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
            **stated(self.options),
        }
