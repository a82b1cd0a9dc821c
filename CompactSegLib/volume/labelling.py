"""From logits on the model's grid to labels on the source's: interpolated, then the most likely class.

Inside a structure all model voxels around a source voxel agree on the class, and so does every mean of their logits
with weights that are not negative. Only where they do not agree, or where one of them is nearly undecided, is anything
interpolated: on a head at half the resolution that is a tenth of the voxels. The labels are exactly those of
interpolating everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from CompactSegLib.network.slabs import AtATime, slabs
from CompactSegLib.volume.classes import most_likely, most_likely_of_rows, ranked
from CompactSegLib.volume.interpolation import Interpolation

if TYPE_CHECKING:
    import torch

SLAB_BYTES = AtATime(64 * 2**20, 512 * 2**20)
"""About the most memory at a time: work goes slab by slab, and no result depends on it."""
# Of a best logit's lead, relative to 1 + its magnitude. Interpolation in fp32 errs by a hundredth of it, so that where
# all neighbours lead by more no other class comes level.
_CLEAR = 1e-5
_UNCLEAR = 255
# Above it, interpolating all voxels of a slab is quicker than picking some of them.
_MOST_PICKED = 0.3


@dataclass(frozen=True)
class Labelling:
    """Logits, and how source voxels draw from them.

    Attributes:
        logits: (classes, d, h, w), on any device, any floating type.
        axes: For d, h and w, with inputs that are numbers of `logits`; None where source voxels are model voxels.
        shape: Of the source voxels.
    """

    logits: torch.Tensor
    axes: Sequence[Interpolation | None]
    shape: tuple[int, int, int]

    def labels(self) -> torch.Tensor:
        """The most likely class of each source voxel, uint8 ``(D, H, W)``; the first wins a tie."""
        import torch

        result = torch.empty(self.shape, dtype=torch.uint8, device=self.logits.device)
        for rows, slab, open_ in self._slabs(_CLEAR):
            if open_ is None:
                slab = most_likely(self._interpolated(rows))
            elif len(open_):
                slab[tuple(open_.T)] = most_likely_of_rows(self._picked(rows, open_))
            result[rows] = slab
        return result

    def labels_and_ties(self, *, within: float) -> tuple[torch.Tensor, torch.Tensor]:
        """`labels`, and where the two best classes are nearly equal, as `GridMap.labels_and_ties` says."""
        import torch

        result = torch.empty(self.shape, dtype=torch.uint8, device=self.logits.device)
        ties = torch.zeros(self.shape, dtype=torch.bool, device=self.logits.device)
        for rows, slab, open_ in self._slabs(max(2 * within, _CLEAR)):
            if open_ is None:
                slab, ties[rows] = _decided(self._interpolated(rows), within)
            elif len(open_):
                where = tuple(open_.T)
                picked = self._picked(rows, open_).T.contiguous()
                slab[where], ties[rows][where] = _decided(picked, within)
            result[rows] = slab
        return result, ties

    def _slabs(self, lead: float) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor | None]]:
        """Source voxels slab by slab.

        Args:
            lead: Of a class at a model voxel, from which on it is clear; relative to 1 + its logit's magnitude.

        Yields:
            The rows; the class on which the neighbours of each voxel agree; and those voxels ``(n, 3)`` that have to
            be interpolated, or None where that is best done for all.
        """
        import torch

        if prod(self.shape) == 0:
            return
        resamples = any(along is not None for along in self.axes)
        agreed = self._agreed(lead) if resamples else None
        # Twice: interpolation holds its input beside its output.
        row_bytes = 2 * 4 * self.logits.shape[0] * self.shape[1] * self.shape[2]
        for rows in slabs(self.shape[0], row_bytes, SLAB_BYTES.on(self.logits.device)):
            if agreed is None:
                yield rows, self.logits[0, rows], None
                continue
            slab = agreed(rows)
            # As numbers: of comparisons, those that give bool are slow.
            is_open = torch.eq(slab, _UNCLEAR, out=torch.empty_like(slab))
            open_ = is_open.view(torch.bool).nonzero()
            yield rows, slab, open_ if len(open_) <= _MOST_PICKED * slab.numel() else None

    def _agreed(self, lead: float) -> Callable[[slice], torch.Tensor]:
        """The class on which all model voxels agree that a source voxel draws from, else `_UNCLEAR`; rows by rows.

        Many source voxels draw from the same model voxels. These are compared once, on a grid hardly finer than the
        model's, and what they agree on is handed out: along W first, where that is slow, and by whole rows along D.
        """
        import torch

        common = self._clear(lead)
        of_outputs: list[torch.Tensor | None] = []
        for axis, along in enumerate(self.axes):
            if along is None:
                of_outputs.append(None)
                continue
            inputs, of_output = (torch.from_numpy(each).to(common.device) for each in along.sets())
            first, *others = (common.index_select(axis, each) for each in inputs)
            for other in others:
                differs = torch.ne(first, other, out=torch.empty_like(first))
                first.bitwise_or_(differs.mul_(_UNCLEAR))
            common = first
            of_outputs.append(of_output)
        by_d, by_h, by_w = of_outputs
        common = common if by_w is None else common.index_select(2, by_w)

        def at(rows: slice) -> torch.Tensor:
            slab = common[rows].clone() if by_d is None else common.index_select(0, by_d[rows])
            return slab if by_h is None else slab.index_select(1, by_h)

        return at

    def _clear(self, lead: float) -> torch.Tensor:
        """The best class of each model voxel, uint8; `_UNCLEAR` where another comes near it."""
        import torch

        result = torch.empty(self.logits.shape[1:], dtype=torch.uint8, device=self.logits.device)
        row_bytes = 4 * 4 * prod(self.logits.shape) / max(1, self.logits.shape[1])
        for rows in slabs(self.logits.shape[1], row_bytes, SLAB_BYTES.on(self.logits.device)):
            logits = self.logits[:, rows].float().movedim(0, -1)
            best, labels = logits.max(dim=-1)
            near = (best - lead * (1 + best.abs()))[..., None]
            # The best itself, and what is as good but for rounding; none where there is NaN.
            count = torch.gt(logits, near, out=torch.empty_like(logits)).sum(dim=-1)
            is_unclear = torch.ne(count, 1, out=torch.empty_like(count)).to(torch.uint8)
            result[rows] = labels.to(torch.uint8).bitwise_or_(is_unclear.mul_(_UNCLEAR))
        return result

    def _interpolated(self, rows: slice) -> torch.Tensor:
        """Logits ``(classes, rows, H, W)`` of a slab of source voxels."""
        needed = rows if self.axes[0] is None else self.axes[0].needed(rows)
        slab = self.logits[:, needed].float().contiguous()
        for axis, (along, outputs) in enumerate(zip(self.axes, self._outputs(rows), strict=True)):
            if along is not None:
                slab = along.apply(slab, axis + 1, outputs, 0 if axis else needed.start)
        return slab

    def _picked(self, rows: slice, voxels: torch.Tensor) -> torch.Tensor:
        """Logits ``(n, classes)`` of some voxels ``(n, 3)`` of a slab, with the same roundings as `_interpolated`.

        Axis after axis as there, but along each only at the places from which the voxels draw: neighbours share them.
        """
        import torch

        places = voxels.unbind(1)
        shape = [rows.stop - rows.start, *self.shape[1:]]
        drawn = []
        for axis in (2, 1):
            along = self.axes[axis]
            if along is None:
                continue
            shape[axis] = self.logits.shape[axis + 1]
            inputs, weights = [], []
            for place, weight in along.at(places[axis]):
                inputs.append(_flat([*places[:axis], place, *places[axis + 1 :]], shape))
                weights.append(weight)
            needed = torch.zeros(prod(shape), dtype=torch.bool, device=voxels.device)
            for flat in inputs:
                needed.index_fill_(0, flat, True)
            kept = needed.nonzero().squeeze(1)
            number = kept.new_empty(len(needed))
            number[kept] = torch.arange(len(kept), device=voxels.device)
            drawn.append(
                [
                    (number.index_select(0, flat), weight)
                    for flat, weight in zip(inputs, weights, strict=True)
                ]
            )
            places = _places(kept, shape)
        depth, height, width = places[0] + rows.start, places[1], places[2]
        shape[0] = self.logits.shape[1]
        if self.axes[0] is None:
            values = self._by_voxel.index_select(0, _flat([depth, height, width], shape)).float()
        else:
            each = self.axes[0].at(depth)
            values = _mean(self._by_voxel, [(_flat([d, height, width], shape), w) for d, w in each])
        for each in reversed(drawn):
            values = _mean(values, each)
        return values

    @cached_property
    def _by_voxel(self) -> torch.Tensor:
        """Logits ``(voxels, classes)``: the classes of a voxel lie together, as the net leaves them."""
        return self.logits.permute(1, 2, 3, 0).reshape(-1, self.logits.shape[0])

    def _outputs(self, rows: slice) -> tuple[slice, slice, slice]:
        return rows, slice(0, self.shape[1]), slice(0, self.shape[2])


def _decided(logits: torch.Tensor, within: float) -> tuple[torch.Tensor, torch.Tensor]:
    labels, best, second = ranked(logits)
    return labels, best - second <= within * (1 + best.abs())


def _mean(values: torch.Tensor, drawn: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Weighted means of rows, which come as their numbers and weights."""
    total = None
    for index, weight in drawn:
        part = values.index_select(0, index).float().mul_(weight[:, None])
        total = part if total is None else total.add_(part)
    assert total is not None
    return total


def _flat(places: Sequence[torch.Tensor], shape: Sequence[int]) -> torch.Tensor:
    """Places along D, H and W as numbers in memory."""
    _, height, width = shape
    d, h, w = places
    return (d * height + h) * width + w


def _places(flat: torch.Tensor, shape: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """The inverse of `_flat`. ``torch.unravel_index`` imports SymPy when first called: a second of a command's time."""
    _, height, width = shape
    rows = flat // width
    depth = rows // height
    return depth, rows - depth * height, flat - rows * width
