"""A net on a device, in the precision that is fastest there."""

from __future__ import annotations

import copy

import torch

from CompactSegLib.inference.devices import Runtime
from CompactSegLib.network.net import MultiLevelNet


def place_net(net: MultiLevelNet, runtime: Runtime) -> MultiLevelNet:
    """A copy of the net on a device and in its precision; the last convolution of each head stays in fp32.

    Rounded to bf16, logits tie so often that the first class would win voxels it should not.
    """
    placed = copy.deepcopy(net).to(runtime.device, runtime.dtype)
    for head in placed.heads:
        head.classifier.to(torch.float32)
    return placed.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
