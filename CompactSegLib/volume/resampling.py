"""From the source grid to the model's grid and back: image in, labels out.

The model wants its own orientation and spacing. The axes of the source are permuted and flipped to
the model's (an oblique source keeps its small angles: nothing is rotated), then each axis is
resampled alone. Both grids share their edges, so along an axis

    u_model = (i_source + 0.5) * scale - 0.5,    scale = source spacing / model spacing.

*Oriented* means permuted and flipped, not yet resampled; axes are then (D, H, W) like the model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, prod
from typing import TYPE_CHECKING

import numpy as np

from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.network.boxes import Box
from CompactSegLib.network.slabs import slabs
from CompactSegLib.volume.geometry import Geometry, orientation_axes
from CompactSegLib.volume.interpolation import Interpolation
from CompactSegLib.volume.labelling import SLAB_BYTES, Labelling
from CompactSegLib.volume.pixels import as_float, as_tensor

if TYPE_CHECKING:
    import torch

_TAKEN_AS_EQUAL = 1e-3
_MOST_MODEL_VOXELS = 2**32


@dataclass(frozen=True)
class GridMap:
    """The axis-aligned map between a source grid and a model's grid.

    Attributes:
        source_axes: For D, H and W, the array axis of the source (0 is k, 1 is j, 2 is i).
        flipped: For D, H and W, whether the source runs the other way.
        scales: For D, H and W, source spacing / model spacing; exactly 1 where taken 1:1.
        oriented_shape: (D, H, W) of the source after permutation.
        model_shape: (D, H, W) of the model's grid.
    """

    source_axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    scales: tuple[float, float, float]
    oriented_shape: tuple[int, int, int]
    model_shape: tuple[int, int, int]

    @classmethod
    def between(
        cls, geometry: Geometry, *, orientation: str, spacing_mm: tuple[float, float, float]
    ) -> GridMap:
        """Return the map from `geometry` to a model's grid.

        Args:
            geometry: The source grid.
            orientation: Where the model's i, j, k (tensor axes W, H, D) run to, such as ``"RAS"``.
            spacing_mm: The model's spacing along the axes named by `orientation`, in that order.
                Axes whose spacing is within 0.1 % of the source's are taken 1:1.

        Raises:
            ConfigurationError: No such orientation, or a spacing that is not above 0.
            InputError: The volume would be enormous at this spacing.
        """
        if len(spacing_mm) != 3 or not all(0 < mm < float("inf") for mm in spacing_mm):
            raise ConfigurationError(
                f"spacing: expected three lengths above 0 mm, got {spacing_mm}."
            )
        nearest, signs = geometry.nearest_axes()
        axes, flips, scales, oriented, model = [], [], [], [], []
        for (lps, sign), mm in reversed(
            list(zip(orientation_axes(orientation), spacing_mm, strict=True))
        ):
            ijk = nearest[lps]
            scale = geometry.spacing_mm[ijk] / mm
            scale = 1.0 if abs(scale - 1.0) < _TAKEN_AS_EQUAL else scale
            size = geometry.size_ijk[ijk]
            axes.append(2 - ijk)
            flips.append(signs[lps] != sign)
            scales.append(scale)
            oriented.append(size)
            model.append(max(1, floor(size * scale + 0.5)))
        if prod(model) > _MOST_MODEL_VOXELS:
            raise InputError(
                f"A volume of {geometry.size_ijk} voxels of {geometry.spacing_mm} mm would have "
                f"{prod(model):.1e} voxels at the model's spacing of {tuple(spacing_mm)} mm; "
                "check the spacing in its header, or crop it."
            )
        return cls(*(tuple(v) for v in (axes, flips, scales, oriented, model)))  # type: ignore[arg-type]

    @property
    def resamples(self) -> bool:
        """Whether any axis is not taken 1:1."""
        return self.scales != (1.0, 1.0, 1.0)

    def prepare(self, array: np.ndarray, device: str | torch.device = "cpu") -> torch.Tensor:
        """Bring an image to the model's grid.

        Linear interpolation; where the model is coarser, a triangle as wide as two of its voxels,
        so that nothing aliases. Works slab by slab: beyond the result little memory is used.

        Args:
            array: (C, K, J, I), any real pixel type.
            device: Where the work is done and the result lives.

        Returns:
            float32 tensor (C, D, H, W), contiguous. Intensities are not changed.
        """
        import torch

        source = self._oriented_view(array)
        channels = source.shape[0]
        axes = [self._onto_model(axis) for axis in range(3)]
        result = torch.empty((channels, *self.model_shape), dtype=torch.float32, device=device)
        # Shrinking axes first: the less is left for the others.
        order = sorted(range(3), key=lambda axis: self.scales[axis])
        plane = [max(pair) for pair in zip(self.oriented_shape, self.model_shape, strict=True)][1:]
        row_bytes = 4 * channels * prod(plane) * max(1.0, 1.0 / self.scales[0])
        for rows in slabs(self.model_shape[0], row_bytes, SLAB_BYTES.on(result.device)):
            needed = axes[0].needed(rows)
            slab = self._float_slab(source, needed, result.device)
            for axis in order:
                if self.scales[axis] == 1.0:
                    continue
                window = rows if axis == 0 else slice(0, self.model_shape[axis])
                start = needed.start if axis == 0 else 0
                slab = axes[axis].apply(slab, axis + 1, window, start)
            result[:, rows] = slab
        return result

    def oriented_box(self, model_box: Box) -> Box:
        """Return the box of oriented source voxels that belong to a box of model voxels.

        A source voxel belongs to the model voxel in which its centre lies, so a partition of the
        model grid gives a partition of the source grid. Where the model is finer than the source a
        box can be empty.
        """
        boxes = []
        for axis, part in enumerate(model_box):
            size, last = self.oriented_shape[axis], self.model_shape[axis] - 1
            owner = np.floor((np.arange(size) + 0.5) * self.scales[axis]).clip(0, last)
            start, stop = np.searchsorted(owner, [part.start, part.stop])
            boxes.append(slice(int(start), int(stop)))
        return boxes[0], boxes[1], boxes[2]

    def support(self, oriented_box: Box) -> Box:
        """Return the box of model voxels between which these source voxels are interpolated."""
        d, h, w = (self._onto_source(a).needed(part) for a, part in enumerate(oriented_box))
        return d, h, w

    def labels(self, logits: torch.Tensor, logits_box: Box, oriented_box: Box) -> torch.Tensor:
        """Interpolate logits to the oriented source grid and take the most likely class.

        Args:
            logits: (classes, d, h, w), on any device, any floating type.
            logits_box: The model voxels that `logits` cover; must hold ``support(oriented_box)``.
            oriented_box: The source voxels to label.

        Returns:
            uint8 tensor of the shape of `oriented_box`, on the logits' device.
        """
        return self._labelling(logits, logits_box, oriented_box).labels()

    def labels_and_ties(
        self, logits: torch.Tensor, logits_box: Box, oriented_box: Box, *, within: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`labels`, and which of these voxels are nearly undecided between their two best classes.

        Args:
            logits: As for ``labels``.
            logits_box: As for ``labels``.
            oriented_box: The source voxels to label.
            within: How near the classes are, relative to 1 + the best logit's magnitude.

        Returns:
            uint8 and bool tensors of the shape of `oriented_box`.
        """
        labelling = self._labelling(logits, logits_box, oriented_box)
        return labelling.labels_and_ties(within=within)

    def _labelling(self, logits: torch.Tensor, logits_box: Box, oriented_box: Box) -> Labelling:
        support = self.support(oriented_box)
        inside = [
            part.start >= b.start and part.stop <= b.stop
            for part, b in zip(support, logits_box, strict=True)
        ]
        depth, height, width = (part.stop - part.start for part in oriented_box)
        if depth * height * width and (
            not all(inside) or list(logits.shape[1:]) != [b.stop - b.start for b in logits_box]
        ):
            raise ValueError(f"logits {tuple(logits.shape)} on {logits_box} do not cover {support}")
        crop = tuple(
            slice(s.start - b.start, s.stop - b.start)
            for s, b in zip(support, logits_box, strict=True)
        )
        axes = [
            None if scale == 1.0 else self._onto_source(axis).window(outputs, inputs)
            for axis, (scale, outputs, inputs) in enumerate(
                zip(self.scales, oriented_box, support, strict=True)
            )
        ]
        return Labelling(logits[(slice(None), *crop)], axes, (depth, height, width))

    def to_source(self, oriented: np.ndarray) -> np.ndarray:
        """Bring labels (D, H, W) on the oriented grid to the source's (K, J, I), contiguous."""
        return np.ascontiguousarray(self._turned(oriented).transpose(np.argsort(self.source_axes)))

    def to_oriented(self, array: np.ndarray) -> np.ndarray:
        """The inverse of `to_source`: a view of (K, J, I) as (D, H, W)."""
        return self._turned(array.transpose(self.source_axes))

    def _turned(self, array: np.ndarray) -> np.ndarray:
        """(D, H, W) with the axes that are flipped running the other way."""
        return array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def _onto_model(self, axis: int) -> Interpolation:
        scale = self.scales[axis]
        centres = (np.arange(self.model_shape[axis]) + 0.5) / scale - 0.5
        return Interpolation.triangle(centres, max(1.0, 1.0 / scale), self.oriented_shape[axis])

    def _onto_source(self, axis: int) -> Interpolation:
        size = self.model_shape[axis]
        centres = (np.arange(self.oriented_shape[axis]) + 0.5) * self.scales[axis] - 0.5
        return Interpolation.triangle(centres.clip(0, size - 1), 1.0, size)

    def _oriented_view(self, array: np.ndarray) -> torch.Tensor:
        """(C, D, H, W) in the same memory, not yet flipped: torch knows no negative strides."""
        if array.ndim != 4 or array.shape[1:] != self._source_shape:
            raise ValueError(
                f"expected an array (C, K, J, I) with {self._source_shape}, got {array.shape}"
            )
        return as_tensor(array).permute(0, *(axis + 1 for axis in self.source_axes))

    @property
    def _source_shape(self) -> tuple[int, ...]:
        return tuple(self.oriented_shape[self.source_axes.index(axis)] for axis in range(3))

    def _float_slab(self, source: torch.Tensor, rows: slice, device: torch.device) -> torch.Tensor:
        """Rows of the oriented source as float32 on the device, flipped as the map says."""
        if self.flipped[0]:
            size = self.oriented_shape[0]
            rows = slice(size - rows.stop, size - rows.start)
        slab = as_float(source[:, rows], device)
        return slab.flip([axis + 1 for axis in range(3) if self.flipped[axis]])
