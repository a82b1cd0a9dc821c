"""The box of a grid that holds something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from CompactSegLib.volume.resampling import Box

__all__ = ["box_of", "boxes_of"]


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


def boxes_of(
    labels: torch.Tensor, values: Sequence[int], *, margin: Sequence[int] = (0, 0, 0)
) -> dict[int, Box]:
    """`box_of` each of some values that is there: of all in one pass, with a bit for each.

    Args:
        labels: ``(D, H, W)`` uint8, on any device.
        values: Which to look for.
        margin: As for `box_of`.
    """
    import numpy as np

    array = labels.cpu().numpy()
    boxes: dict[int, Box] = {}
    for start in range(0, len(values), 63):
        some = values[start : start + 63]
        bit = np.zeros(256, dtype=np.int64)
        bit[some] = 1 << np.arange(len(some), dtype=np.int64)
        bits = bit[array]
        plane = np.bitwise_or.reduce(bits, axis=0)
        along = [
            np.bitwise_or.reduce(bits.reshape(len(bits), -1), axis=1),
            np.bitwise_or.reduce(plane, axis=1),
            np.bitwise_or.reduce(plane, axis=0),
        ]
        for value in some:
            places = [np.flatnonzero(held & bit[value]) for held in along]
            if len(places[0]):
                d, h, w = (
                    slice(max(0, int(at[0]) - more), min(size, int(at[-1]) + 1 + more))
                    for at, more, size in zip(places, margin, array.shape, strict=True)
                )
                boxes[value] = (d, h, w)
    return boxes
