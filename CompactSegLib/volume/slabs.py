"""Volumes worked on slab by slab, each core at a slab of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["in_slabs", "slabs"]

_LOOK_SECONDS = 0.05


def slabs(rows: int, row_bytes: float, slab_bytes: float) -> list[slice]:
    """Cut rows into runs of about `slab_bytes`, at least one row each."""
    step = max(1, int(slab_bytes // max(1, row_bytes)))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def in_slabs(
    work: Callable[[slice], None],
    rows: int,
    row_size: float,
    size: float,
    *,
    device: torch.device,
    least_rows: int = 1,
    check: Callable[[], None] | None = None,
) -> None:
    """Do a work in inference mode for each slab, on the CPU with as many threads as PyTorch has, each by itself.

    Threads that share an operation wait for each other at its end: where operations are small, or another program has
    one of the cores, that takes longer than the work.

    Args:
        work: Done for each slab, at once with others; no result may depend on how rows are cut, or on the order.
        rows: How many there are.
        row_size: Of a row, in any unit.
        size: About the most at a time, of all threads together.
        device: Where the work's tensors are. An accelerator gets slab after slab.
        least_rows: Of a slab.
        check: Called now and then in the caller's thread; what it raises ends the work.

    Raises:
        Exception: Whatever `work` or `check` raises, when no thread works any more.
    """
    import torch

    usual = torch.get_num_threads()
    threads = usual if device.type == "cpu" else 1
    parts = slabs(rows, row_size, max(size / threads, least_rows * row_size))
    if min(threads, len(parts)) < 2:
        for part in parts:
            if check:
                check()
            work(part)
        return

    def alone() -> None:
        torch.get_num_threads()  # the first call in a thread takes over the number of the process
        torch.set_num_threads(1)

    def inferred(part: slice) -> None:
        with torch.inference_mode():
            work(part)

    pool = ThreadPoolExecutor(threads, initializer=alone)
    try:
        working = {pool.submit(inferred, part) for part in parts}
        while working:
            done, working = wait(working, timeout=_LOOK_SECONDS)
            for one in done:
                one.result()
            if check:
                check()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(usual)
