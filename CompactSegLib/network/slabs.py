"""How much is computed at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch


class AtATime(NamedTuple):
    """Values, voxels or bytes that are computed at a time; no result but its rounding depends on it.

    Attributes:
        on_cpu: What its caches hold.
        elsewhere: More, since an accelerator takes as long to begin an operation as to compute millions of values.
    """

    on_cpu: int
    elsewhere: int

    def on(self, device: torch.device) -> int:
        return self.on_cpu if device.type == "cpu" else self.elsewhere


def slabs(rows: int, row_size: float, at_a_time: int) -> list[slice]:
    """Cut rows, each of so many bytes or voxels, into runs of about as many as `at_a_time`, one row each at least."""
    step = max(1, int(at_a_time // max(1, row_size)))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
