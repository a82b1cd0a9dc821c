"""What a run hands out: levels, and how it was carried out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.labels import Label
from CompactSegLib.output.writing import write_labels
from CompactSegLib.volume.geometry import Geometry

if TYPE_CHECKING:
    import SimpleITK


@dataclass(frozen=True)
class Level:
    """One level's segmentation and what is known of it.

    Attributes:
        number: From 1.
        labels: uint8 ``(K, J, I)`` on the source grid, axes as SimpleITK's arrays; 0 is background. Read only: copy
            them to edit them.
        geometry: The grid of the labels.
        structures: What their values mean.
        improvement: Largest over labels of 1 - Jaccard to the level before; None for level 1.
        improvement_by_label: The same by label name; empty for level 1.
        seconds: Wall time of this level; level 1 includes bringing the volume to the model's grid.
        millilitres: Volume by label name.
        parameters: Of the blocks and the head that this level needs.
        macs_per_voxel: Multiply-accumulates to get this level alone, per voxel of the model's grid.
        blocks_run: How many different blocks were executed for this level; 1 when the maps before were kept.
        stop: None while levels go on, else ``threshold``, ``levels-requested`` or ``last-level``.
        stop_reason: The same as a sentence.
        messages: Sentences on what the run noticed of the image and of its result, such as that hardly anything was
            found.
    """

    number: int
    labels: NDArray[np.uint8] = field(repr=False)
    geometry: Geometry = field(repr=False)
    structures: tuple[Label, ...] = field(repr=False)
    improvement: float | None
    improvement_by_label: dict[str, float]
    seconds: float
    millilitres: dict[str, float]
    parameters: int
    macs_per_voxel: float
    blocks_run: int = 0
    stop: str | None = None
    stop_reason: str | None = None
    messages: tuple[str, ...] = ()

    @property
    def classes(self) -> NDArray[np.uint8]:
        """The labels as classes of the net, ``(K, J, I)``: left and right of a structure are one."""
        table = np.zeros(256, dtype=np.uint8)
        for label in self.structures:
            table[label.value] = label.of_class
        return table[self.labels]

    def to_sitk(self) -> SimpleITK.Image:
        """The labels as an image of SimpleITK, on the source's grid."""
        return self.geometry.to_sitk(self.labels)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the labels, whole or not at all.

        Args:
            path: Ends in ``.seg.nrrd``, which keeps names, colours and terminology, or in ``.nii.gz``. Missing folders
                are made, a file that is there is replaced.

        Raises:
            OutputError: Another ending, or the file could not be written.
        """
        write_labels(self.labels, self.geometry, label_list=self.structures, path=path)


@dataclass(frozen=True)
class RunInfo:
    """How a run was carried out.

    Attributes:
        device: Such as ``cpu`` or ``cuda:0``.
        device_name: What a person calls it.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        tile: Edge in model-grid voxels of the last level's tiles.
        messages: Sentences on what did not go as planned, such as memory that ran out, first to last.
    """

    device: str
    device_name: str
    precision: str
    tile: int
    messages: tuple[str, ...] = ()
