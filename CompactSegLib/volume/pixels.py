"""Pixel types of files as torch knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Share an array's memory with a tensor, or copy it where torch could not read it.

    Torch knows neither foreign byte order nor negative strides, and warns of read-only memory.
    """
    import torch

    native = np.require(array, array.dtype.newbyteorder("="), ["W"])
    if any(stride < 0 for stride in native.strides):
        native = np.ascontiguousarray(native)
    return torch.from_numpy(native)


def as_float(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Bring values to the device as float32."""
    import torch

    # Small integers travel as they are; not every device knows the other types.
    if values.dtype not in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.float32):
        values = values.to(torch.float32)
    return values.to(device).to(torch.float32)
