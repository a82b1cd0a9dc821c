"""What a volume's labels look like in it: one intensity each, and a smooth field by which coils brighten them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from CompactSegLib.volume.interpolation import Interpolation

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from CompactSegLib.network.boxes import Box

_CELL = 4
_FIELD_MM = 20.0
_FIELD_RANGE = 3.0
_FIELD_PRIOR = 0.02
# Beyond so many standard deviations one intensity is as strange as another.
_STRANGE = 4.0
_BINS = 64
# Of those in which medians are found, to each bin of the background.
_FINER = 64
# One bright vessel, or voxels that a scanner did not fill, say nothing of the rest.
_ENDS = (0.005, 0.995)
_RANGE = (-1.0, 2.0)
_LEAST_VOXELS = 20


@dataclass(frozen=True)
class Scale:
    """What brings intensities mostly between 0 and 1, and none far from there.

    Attributes:
        low: What becomes 0.
        high: What becomes 1.
    """

    low: float
    high: float

    @classmethod
    def of(cls, image: torch.Tensor) -> Scale:
        """The scale of an image ``(D, H, W)`` of any intensities."""
        values = image.flatten().cpu().numpy()
        places = [round(share * (len(values) - 1)) for share in _ENDS]
        return cls(*np.partition(values, places)[places].tolist())

    def scaled(self, image: torch.Tensor) -> torch.Tensor:
        """New intensities."""
        return ((image - self.low) / ((self.high - self.low) or 1.0)).clamp_(*_RANGE)


@dataclass(frozen=True)
class Mixture:
    """The intensities of labels in an image.

    Attributes:
        means: By label, those above 0 that there are enough voxels of.
        deviation: Standard deviation, the same for all: borders then lie halfway between two means, where a voxel that
            holds both has as much of one as of the other, whatever the slice thickness.
        background: Logarithm of the density in equal bins; None where there is no background.
        lowest: Where the first bin begins.
        bin: Width of a bin.
    """

    means: dict[int, float]
    deviation: float
    background: torch.Tensor | None
    lowest: float
    bin: float

    @property
    def labels(self) -> list[int]:
        return [*([0] if self.background is not None else []), *self.means]

    @classmethod
    def of(cls, labels: torch.Tensor, image: torch.Tensor) -> Mixture:
        """Look at an image; medians, as some voxels of a label are not what it says.

        They are found in narrow bins, so that all voxels are counted once and none are sorted.

        Args:
            labels: ``(D, H, W)`` uint8.
            image: Their intensities.
        """
        import torch

        low, high = (float(end) for end in torch.aminmax(image))
        bins = _BINS * _FINER
        width = max(high - low, 1e-6) / bins
        rows = labels.int().mul_(2).add_(_at_border(labels))
        places = rows.mul_(bins).add_(_bin_of(image, low, width, bins)).flatten()
        counts = torch.bincount(places, minlength=2 * bins * (int(labels.max()) + 1))
        background, *by_label = counts.cpu().numpy().reshape(-1, 2, bins)
        means, squares, voxels = {}, 0.0, 0
        for label, (core, border) in enumerate(by_label, 1):
            mine = core + border
            count = int(mine.sum())
            if count >= _LEAST_VOXELS:
                spread = 1.4826 * width * _median(_by_distance(mine, _median(mine)))
                squares, voxels = squares + count * spread**2, voxels + count
                # What is shared with other tissues at the border would draw means together.
                own = core if core.sum() >= _LEAST_VOXELS else mine
                means[label] = low + width * (_median(own) + 0.5)
        width *= _FINER
        # No sharper than the background's bins, against which it stands.
        deviation = max(math.sqrt(squares / max(1, voxels)), width / math.sqrt(2 * math.pi))
        density = None
        if background.sum() >= _LEAST_VOXELS:
            wide = np.pad(background.reshape(2, _BINS, _FINER).sum(axis=(0, 2)), 1, mode="edge")
            smooth = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
            smooth = (smooth / smooth.sum()).clip(1e-6) / width
            density = torch.from_numpy(np.log(smooth).astype(np.float32)).to(image)
        return cls(means, deviation, density, low, width)

    def visible_borders(self, contrast: float, alike: Sequence[Sequence[int]] = ()) -> torch.Tensor:
        """Between which labels a border is visible, ``(256, 256)`` bool: their means differ by `contrast` deviations.

        Labels of a group in `alike` have none between them. That of a label with itself counts as visible, and so do
        those of the background and of what has no mean.
        """
        import torch

        means = table_of(self.means, otherwise=math.nan)
        apart = (means[:, None] - means[None]).abs()
        visible = apart.isnan() | (apart >= contrast * self.deviation)
        for group in alike:
            labels = torch.tensor(group, dtype=torch.long)
            visible[labels[:, None], labels] = False
        return visible.logical_or_(torch.eye(256, dtype=torch.bool))

    def strangeness(self, label: int, image: torch.Tensor) -> torch.Tensor:
        """The squared distance of each voxel's intensity from a label's mean, and what is as unlikely as background.

        A likelihood is 2 to the power of it times the `exponent`, but for a factor that all labels share.
        """
        if label == 0:
            assert self.background is not None
            highest = -0.5 * math.log(2 * math.pi * self.deviation**2)
            table = (self.background - highest) * (-2 * self.deviation**2)
            return looked_up(table, _bin_of(image, self.lowest, self.bin, _BINS))
        most = _STRANGE * self.deviation
        return (image - self.means[label]).clamp_(-most, most).square_()

    @property
    def exponent(self) -> float:
        return -0.5 * math.log2(math.e) / self.deviation**2

    def to(self, device: torch.device | str) -> Mixture:
        background = self.background
        return replace(self, background=None if background is None else background.to(device))


def _bin_of(image: torch.Tensor, lowest: float, width: float, bins: int) -> torch.Tensor:
    return (image - lowest).div_(width).int().clamp_(0, bins - 1)


def _median(counts: NDArray[np.int64]) -> int:
    """The bin of the median of what is counted; of an even number that of the lower one."""
    return int(counts.cumsum().searchsorted((counts.sum() + 1) // 2))


def _by_distance(counts: NDArray[np.int64], middle: int) -> NDArray[np.int64]:
    """What is counted by how many bins away from one it is."""
    after, before = counts[middle:], counts[:middle][::-1]
    away = np.zeros(max(len(after), len(before) + 1), counts.dtype)
    away[: len(after)] += after
    away[1 : len(before) + 1] += before
    return away


def table_of(values: Mapping[int, float], *, otherwise: float) -> torch.Tensor:
    """``(256,)``, for `looked_up` by label; made on the CPU, so that an accelerator gets it in one copy."""
    import torch

    table = torch.full((256,), float(otherwise))
    for label, value in values.items():
        table[label] = value
    return table


def looked_up(table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """``table[index]``, five times as fast on CPUs (torch 2.13).

    Args:
        table: ``(n,)``.
        index: Integers of any type and shape, from 0 to n - 1.
    """
    return table.index_select(0, index.flatten().int()).view(index.shape)


def _at_border(labels: torch.Tensor) -> torch.Tensor:
    """1 where a voxel that shares a face with one has another label, else 0; uint8."""
    differs = labels.new_zeros(labels.shape)
    for axis in range(3):
        size = labels.shape[axis]
        if size > 1:
            one, other = (labels.narrow(axis, first, size - 1) for first in (0, 1))
            change = one ^ other
            for first in (0, 1):
                differs.narrow(axis, first, size - 1).bitwise_or_(change)
    return differs.clamp_max_(1)


@dataclass(frozen=True, eq=False)
class Field:
    """The smooth factor by which an image is brighter than its labels' means.

    Attributes:
        cells: ``(D, H, W)``, the factor in cells of `_CELL` times `steps` voxels.
        first: The image's voxel at which the first cell begins, along D, H and W.
        steps: Of the voxels that were looked at.
    """

    cells: torch.Tensor
    first: tuple[int, ...]
    steps: Sequence[int]

    @classmethod
    def of(
        cls,
        labels: torch.Tensor,
        image: torch.Tensor,
        mixture: Mixture,
        *,
        first: tuple[int, ...],
        steps: Sequence[int],
        spacing_mm: Sequence[float],
    ) -> Field:
        """Least squares around each cell.

        Args:
            labels: ``(D, H, W)``, of the voxels that are looked at.
            image: Their intensities.
            mixture: What labels look like.
            first: The image's voxel that is the first of them.
            steps: From one of them to the next, in voxels of the image.
            spacing_mm: Of the image, along D, H and W.
        """
        import torch

        expected = looked_up(table_of(mixture.means, otherwise=0.0).to(image), labels)
        sums = torch.stack([image * expected, expected.square()])
        padded = torch.nn.functional.pad(sums, _missing(image.shape))
        cells = torch.nn.functional.avg_pool3d(padded, _CELL)
        for axis, (mm, step) in enumerate(zip(spacing_mm, steps, strict=True), start=1):
            places = torch.arange(cells.shape[axis], device=image.device) * (mm * step * _CELL)
            distances = places[:, None] - places[None]
            near = torch.exp(-0.5 * (distances / _FIELD_MM).square())
            cells = torch.tensordot(cells, near.to(cells), dims=([axis], [0])).movedim(-1, axis)
        prior = _FIELD_PRIOR * cells[1].amax()
        if not prior > 0:  # nothing is labelled, or all of it is as dark as can be
            return cls(torch.ones_like(cells[0]), first, steps)
        factor = (cells[0] + prior) / (cells[1] + prior)
        return cls(factor.clamp_(1 / _FIELD_RANGE, _FIELD_RANGE), first, steps)

    def interpolations(self, box: Box, every: Sequence[int] = (1, 1, 1)) -> list[Interpolation]:
        """How voxels of a box draw from the cells along D, H and W.

        Args:
            box: Of the image; beyond the cells the outermost go on.
            every: From one voxel to the next.
        """
        along = []
        for part, each, first, step, cells in zip(
            box, every, self.first, self.steps, self.cells.shape, strict=True
        ):
            voxels = np.arange(part.start, part.stop, each) - first
            centres = (voxels + 0.5) / (_CELL * step) - 0.5
            along.append(Interpolation.triangle(centres.clip(0, cells - 1), 1.0, cells))
        return along

    def at(self, box: Box, every: Sequence[int]) -> torch.Tensor:
        """The factor at voxels of a box; `interpolations` says of which."""
        factor = self.cells
        for axis, along in enumerate(self.interpolations(box, every)):
            factor = along.apply(factor, axis, slice(0, along.indices.shape[1]), 0)
        return factor

    def to(self, device: torch.device | str) -> Field:
        return replace(self, cells=self.cells.to(device))


def _missing(shape: Sequence[int]) -> list[int]:
    """What pads a shape to whole cells, as `pad` takes it."""
    return [side for last in reversed([-side % _CELL for side in shape]) for side in (0, last)]
