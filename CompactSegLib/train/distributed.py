"""The processes of a run as ``torchrun`` starts them; without it there is one.

On a CPU one process per core with one thread each is faster than one process with all threads: batch norm, up-sampling
and the many small convolutions gain little from a second thread (measured on two cores: 8.9 against 5.6 patches/s).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Which process this is (`rank`, from 0), of how many (`count`); rank 0 writes all files."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, value: T) -> T:
        """The value that rank 0 has."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def gather(self, values: list[T]) -> list[T]:
        """The values of all processes, in order of rank."""
        if self.count == 1:
            return values
        boxes: list[list[T]] = [[] for _ in range(self.count)]
        dist.all_gather_object(boxes, values)
        return [value for box in boxes for value in box]

    def copy_state(self, net: nn.Module) -> None:
        """Give all processes the weights and statistics of rank 0."""
        if self.count > 1:
            for tensor in net.state_dict().values():
                # Through contiguous memory: broadcast refuses channels-last.
                same = tensor.contiguous()
                dist.broadcast(same, src=0)
                tensor.copy_(same)


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """Join the other processes where ``torchrun`` started several."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(rank=dist.get_rank(), count=count)
    finally:
        dist.destroy_process_group()
