"""The boxes of a grid that masks and labels lie in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from CompactSegLib.network.boxes import Box

_BITS = 32


def box_of(mask: NDArray[Any] | torch.Tensor, *, margin: Sequence[int] = (0, 0, 0)) -> Box | None:
    """The smallest box with all that a mask holds, and a margin as far as the grid reaches.

    >>> import numpy
    >>> mask = numpy.zeros((5, 6, 7), bool)
    >>> mask[2, 3:5, 6] = True
    >>> box_of(mask, margin=(1, 0, 1))
    (slice(1, 4, None), slice(3, 5, None), slice(5, 7, None))

    Args:
        mask: ``(D, H, W)`` bool, an array or a tensor on any device.
        margin: Voxels along D, H and W.

    Returns:
        The box, None where the mask holds nothing.
    """
    held: Any = mask
    plane, box = held.any(0), []
    for flags, more in zip((held.any(2).any(1), plane.any(1), plane.any(0)), margin, strict=True):
        inside = flags.tolist()
        if True not in inside:
            return None
        first, end = inside.index(True), len(inside) - inside[::-1].index(True)
        box.append(slice(max(0, first - more), min(len(inside), end + more)))
    return box[0], box[1], box[2]


class LabelBoxes:
    """Where the values of a grid lie, looked at once: the boxes of any rows then cost next to nothing.

    Args:
        labels: ``(D, H, W)`` uint8.
    """

    def __init__(self, labels: NDArray[np.uint8]) -> None:
        import numpy as np

        depth, height, width = labels.shape
        self._shape = (depth, height, width)
        # A bit for each value: those along W of each row of H, and those along H.
        values = np.arange(int(labels.max(initial=0)) + 1)
        self._parts = []
        for some in np.split(values, range(_BITS, len(values), _BITS)):
            bit = np.zeros(256, dtype=np.uint32)
            bit[some] = 1 << (some - some[0])
            by_h = np.empty((depth, height), dtype=np.uint32)
            by_w = np.empty((depth, width), dtype=np.uint32)
            for row, plane in enumerate(labels):
                bits = bit.take(plane)
                np.bitwise_or.reduce(bits, axis=1, out=by_h[row])
                np.bitwise_or.reduce(bits, axis=0, out=by_w[row])
            self._parts.append((some, bit, by_h, by_w))

    def within(self, rows: slice, *, margin: Sequence[int] = (0, 0, 0)) -> dict[int, Box]:
        """By value, where in some rows one is that far from it at most: the smallest box for each.

        Args:
            rows: Of D.
            margin: Voxels along D, H and W.
        """
        import numpy as np

        first = max(0, rows.start - margin[0])
        begins = (rows.start, 0, 0)
        ends = (min(rows.stop, self._shape[0]), *self._shape[1:])
        boxes = {}
        for values, bit, by_h, by_w in self._parts:
            by_h, by_w = (each[first : rows.stop + margin[0]] for each in (by_h, by_w))
            at_d, at_h, at_w = (
                (np.bitwise_or.reduce(each, axis=axis)[:, None] & bit[values]) > 0
                for each, axis in ((by_h, 1), (by_h, 0), (by_w, 0))
            )
            along = []
            for at, shift, more, begin, end in zip(
                (at_d, at_h, at_w), (first, 0, 0), margin, begins, ends, strict=True
            ):
                starts = at.argmax(axis=0) + shift - more
                stops = len(at) - at[::-1].argmax(axis=0) + shift + more
                sides = starts.clip(begin).tolist(), stops.clip(max=end).tolist()
                along.append(list(zip(*sides, strict=True)))
            for value, is_there, *box in zip(
                values.tolist(), at_d.any(axis=0), *along, strict=True
            ):
                if is_there:
                    d, h, w = itertools.starmap(slice, box)
                    boxes[value] = (d, h, w)
        return boxes
