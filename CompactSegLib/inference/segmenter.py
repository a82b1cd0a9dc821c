"""``Segmenter``, a model with the options of its runs, and ``segment``, which yields a result per level."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from numpy.typing import ArrayLike

from CompactSegLib.errors import CompactSegError, ConfigurationError, ModelError
from CompactSegLib.inference.devices import Runtime, select_runtime
from CompactSegLib.inference.progress import Progress
from CompactSegLib.inference.run import Run
from CompactSegLib.model.model import Model
from CompactSegLib.model.registry import load_model
from CompactSegLib.output.level import Level
from CompactSegLib.volume.conversion import VolumeLike, as_volume
from CompactSegLib.volume.volume import Volume
from CompactSegLib.words import shown

# Voxels, far more than any axis has.
_LARGEST_TILE = 2**20
_MOST_KEPT_BYTES = 2**60


@dataclass(frozen=True, eq=False)
class Segmenter:
    """A model and how its runs compute; nothing in it changes, whatever happens to a run.

    Attributes:
        model: The model.
        device: ``auto``, ``cpu``, ``cuda`` (or ``cuda:1``) or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``. In fp32 the labels do not depend on the tile size.
        tile: Edge of the tiles' cores in voxels of the model's grid, rounded up to the net's stride; None to choose it
            from the free memory.
        kept_bytes: Memory for feature maps kept from level to level; None for a third of what is free. Beyond it they
            are recomputed.
        runtime: The device and the precision that were chosen, with which each run begins.

    Raises:
        DeviceError: There is no such device.
        ConfigurationError: ``tile`` or ``kept_bytes`` is out of range.
    """

    model: Model
    device: str = field(default="auto", kw_only=True)
    precision: str = field(default="auto", kw_only=True)
    tile: int | None = field(default=None, kw_only=True)
    kept_bytes: int | None = field(default=None, kw_only=True)
    runtime: Runtime = field(init=False)

    def __post_init__(self) -> None:
        if self.tile is not None and not _is_whole(self.tile, 1, _LARGEST_TILE):
            raise ConfigurationError(
                f"tile: expected a whole number of voxels from 1 to {_LARGEST_TILE}, got {shown(self.tile)}."
            )
        if self.kept_bytes is not None and not _is_whole(self.kept_bytes, 0, _MOST_KEPT_BYTES):
            raise ConfigurationError(
                f"kept memory: expected a whole number of bytes from 0 to {_MOST_KEPT_BYTES}, got "
                f"{shown(self.kept_bytes)}."
            )
        object.__setattr__(self, "runtime", select_runtime(self.device, self.precision))

    def start(self, volume: Volume) -> Run:
        """Begin with a volume; nothing is computed until a level is asked for.

        Raises:
            InputError: The volume does not fit the model.
            ModelError: The volume shows more than the model knows, and what finds its regions is not there.
        """
        return Run(
            self.model,
            volume,
            runtime=self.runtime,
            tile=self.tile,
            kept_bytes=self.kept_bytes,
            find=self._find if self.model.region else None,
        )

    def _find(self, volume: Volume) -> Run:
        """Begin the run that finds the model's regions."""
        return self.finder.start(volume)

    @cached_property
    def finder(self) -> Segmenter:
        """The same with the model that finds this one's regions.

        Raises:
            ModelError: It is not there, or does not have the structure or the level that the region names.
        """
        region = self.model.region
        assert region is not None
        try:
            found = load_model(region.model)
            found.checked_level(region.level)
        except CompactSegError as error:
            raise ModelError(
                f"{self.model.name}: expected the model {region.model} to find the {region.structure.lower()} in a "
                f"whole image, but {error}"
            ) from error
        if {label.side for label in found.labels if label.structure == region.structure} != {
            "left",
            "right",
        }:
            raise ModelError(
                f"{self.model.name}: expected {region.model} to tell left and right {region.structure.lower()}, got "
                f"{', '.join(label.name for label in found.labels)}; crop the volume by hand, or update the models."
            )
        return Segmenter(
            found,
            device=self.device,
            precision=self.precision,
            tile=self.tile,
            kept_bytes=self.kept_bytes,
        )


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def segment(
    volume: VolumeLike,
    model: Model | str | os.PathLike[str],
    *,
    levels: int | None = None,
    threshold: float | None = None,
    all_levels: bool = False,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    affine: ArrayLike | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[Level]:
    """Segment a volume level by level.

    Yields each level as soon as it is there. Blocks beyond the last yielded level are never executed: not when the
    threshold ends the run, and not when the caller takes no further level.

    Args:
        volume: A path, a ``Volume``, an image of SimpleITK or nibabel, or an array ``(I, J, K)`` with `affine`.
        model: A ``Model``, its name or its folder.
        levels: The most levels to compute; None for all the model has.
        threshold: Stop when the improvement (1 - Jaccard to the level before) is below it; None for the model's own, 0
            for never.
        all_levels: Switch the threshold off.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto`` (the fastest that the device computes in), ``fp32`` (the labels do not depend on the tile),
            ``bf16`` or ``fp16``.
        tile: Edge of the tiles in voxels; None to choose it from the free memory.
        affine: ``(4, 4)``, from an array's indices to RAS millimetres.
        progress: Called often with how far the run is.
        cancel: Asked often; when it returns True the run ends with ``Cancelled``.

    Returns:
        An iterator of levels, from 1.

    Raises:
        CompactSegError: Its subclasses say what does not fit; arguments are checked before the first level.
    """
    known = model if isinstance(model, Model) else load_model(model)
    segmenter = Segmenter(known, device=device, precision=precision, tile=tile)
    return segmenter.start(as_volume(volume, affine=affine)).levels(
        most=levels, threshold=threshold, all_levels=all_levels, progress=progress, cancel=cancel
    )
