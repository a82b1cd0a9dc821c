"""The most likely label of each voxel, by the labels around it and by its intensity: one step of refinement.

Where it can be, a mask is numbers that are 0 or 1. On CPUs a comparison that gives bool, and what chooses by bool,
takes five to forty times as long as one operation on numbers (torch 2.13).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from CompactSegLib.network.boxes import hull, overlap, relative, shape_of
from CompactSegLib.network.slabs import AtATime, slabs
from CompactSegLib.volume.boxes import LabelBoxes
from CompactSegLib.volume.mixture import Mixture, looked_up, table_of

if TYPE_CHECKING:
    import torch

    from CompactSegLib.network.boxes import Box

_SLAB_VOXELS = AtATime(2**19, 2**23)
_LEAST_ROWS = 8


class Likeliest:
    """Finds the most likely label of each voxel around labels as a net put them.

    Args:
        labels: ``(D, H, W)`` uint8.
        kernels: By label, the weights with which it spreads along D, H and W; an odd number along each axis.
        weights: ``(256,)``, of the intensity where the net put a label.
    """

    def __init__(
        self,
        labels: torch.Tensor,
        *,
        kernels: Sequence[Sequence[Sequence[float]]],
        weights: torch.Tensor,
    ) -> None:
        self._labels, self._kernels, self._weights = labels, kernels, weights
        self._places = LabelBoxes(labels.cpu().numpy())
        self._reach = [
            max(len(along) for along in each) // 2 for each in zip(*kernels, strict=True)
        ]

    def found(
        self,
        image: Callable[[Box], torch.Tensor],
        mixture: Mixture,
        visible: torch.Tensor,
        check: Callable[[], None],
    ) -> torch.Tensor:
        """Labels ``(D, H, W)``.

        Args:
            image: Gives the intensities of a box.
            mixture: Of the image. What there is too little of to know its intensity stays.
            visible: ``(256, 256)`` bool, which labels a border can move between.
            check: Called now and then; what it raises ends the computation.
        """
        hidden = {
            label: visible[label].logical_not().nonzero().flatten().tolist()
            for label in mixture.labels
        }
        result = self._labels.clone()
        depth, height, width = result.shape
        plane = height * width
        voxels = max(_LEAST_ROWS * plane, _SLAB_VOXELS.on(result.device))
        for rows in slabs(depth, plane, voxels):
            check()
            boxes = self._places.within(rows, margin=self._reach)
            background = boxes.pop(0, None)
            if not boxes:  # nothing that could be another's
                continue
            part = hull(*boxes.values())
            if background is not None:
                boxes[0] = part
            self._label(result, part, boxes, image(part), mixture, hidden)
        return result

    def _label(
        self,
        result: torch.Tensor,
        part: Box,
        boxes: Mapping[int, Box],
        image: torch.Tensor,
        mixture: Mixture,
        hidden: Mapping[int, Sequence[int]],
    ) -> None:
        """Label a box, in place; `boxes` are where in it a label is within reach."""
        import torch

        labels = self._labels[part]
        best = torch.zeros_like(image)
        if not boxes.keys() <= hidden.keys():
            stays = table_of(dict.fromkeys(mixture.labels, 0.0), otherwise=math.inf)
            best = looked_up(stays.to(image), labels)
        exponents = looked_up(self._weights * mixture.exponent, labels)
        found = labels.to(image.dtype)
        number = torch.arange(256, dtype=image.dtype, device=image.device)
        for label in sorted(boxes.keys() & hidden.keys()):
            box = boxes[label]
            share = self._share(label, box)
            for other in hidden[label]:
                both = overlap(box, boxes[other]) if other in boxes else None
                if both is not None:
                    of_others = share.new_empty(shape_of(both))
                    torch.ne(self._labels[both], other, out=of_others)
                    share[relative(both, box)].mul_(of_others)
            inside = relative(box, part)
            likelihood = mixture.strangeness(label, image[inside]).mul_(exponents[inside]).exp2_()
            score, highest = share.mul_(likelihood), best[inside]
            is_better = torch.gt(score, highest, out=likelihood)
            torch.maximum(score, highest, out=highest)
            found[inside].lerp_(number[label], is_better)
        result[part] = found.to(result.dtype)

    def _share(self, label: int, box: Box) -> torch.Tensor:
        """How much of what spreads to each voxel of a box is of a label."""
        import torch

        reach, depth = len(self._kernels[label][0]) // 2, self._labels.shape[0]
        rows, height, width = box
        wide = slice(max(0, rows.start - reach), min(depth, rows.stop + reach))
        around = (wide, height, width)
        labels = self._labels[around]
        values = torch.empty(labels.shape, device=labels.device)
        torch.eq(labels, label, out=values)
        wanted = relative(box, around)
        for axis, (weights, part) in enumerate(zip(self._kernels[label], wanted, strict=True)):
            values = _smoothed(values, axis, weights, part)
        return values


def _smoothed(
    values: torch.Tensor, axis: int, weights: Sequence[float], wanted: slice
) -> torch.Tensor:
    """``(D, H, W)`` convolved along an axis, as far as that is wanted; beyond the border lie zeros."""
    middle, size, count = len(weights) // 2, values.shape[axis], wanted.stop - wanted.start
    result = values.narrow(axis, wanted.start, count) * weights[middle]
    for away in range(1, middle + 1):
        # The first that there is a value so far before, and as many as there is one so far behind.
        first = max(0, away - wanted.start)
        last = min(count, size - wanted.start - away)
        weight = weights[middle + away]
        if first < count:
            before = values.narrow(axis, wanted.start + first - away, count - first)
            result.narrow(axis, first, count - first).add_(before, alpha=weight)
        if last > 0:
            behind = values.narrow(axis, wanted.start + away, last)
            result.narrow(axis, 0, last).add_(behind, alpha=weight)
    return result
