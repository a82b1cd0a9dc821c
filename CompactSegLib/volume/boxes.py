"""The box of a grid that holds something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from CompactSegLib.volume.resampling import Box

__all__ = ["box_of"]


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
