"""How far an output voxel reaches into the image, as gradients show it."""

from __future__ import annotations

from unittest.mock import patch

import torch
from torch.nn import functional

from CompactSegLib.network import blocks
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.network.reach import receptive_field


def gradient_reach(config: NetConfig, level: int) -> tuple[int, int, int]:
    """Voxels before, voxels after and extent along an axis in which any gradient of an output voxel is not zero.

    Positive weights and images keep all rectifiers open. A mean takes the place of the largest value, of the same
    windows: max pooling hands a gradient to one voxel of its window only. Every place within the stride is tried, since
    pooling makes them differ; across the axis a column as wide as the stride holds a path to all that is reached.
    """
    torch.manual_seed(0)
    # In double precision, where the largest of so many sums of positive numbers still is a number.
    net = MultiLevelNet(config).eval().double()
    for parameter in net.parameters():
        parameter.data.uniform_(0.5, 1.0)
    stride = config.stride()
    edge = receptive_field(config, level) + 2 * stride
    edge += -edge % stride
    before = after = extent = 0
    middle = edge // stride // 2 * stride
    with patch.object(blocks, "max_pool", _mean_pool):
        image = torch.rand((1, config.in_channels, edge, stride, stride), dtype=torch.float64)
        image.requires_grad_()
        logits = net.evaluate(image).logits(level)
        for place in range(middle, middle + stride):
            one = logits[:, :, place, stride // 2, stride // 2].sum()
            (gradient,) = torch.autograd.grad(one, image, retain_graph=True)
            (touched,) = (gradient.abs().amax(dim=(0, 1, 3, 4)) > 0).nonzero(as_tuple=True)
            before = max(before, place - int(touched.min()))
            after = max(after, int(touched.max()) - place)
            extent = max(extent, int(touched.max() - touched.min()) + 1)
    return before, after, extent


def _mean_pool(maps: torch.Tensor, factor: int) -> torch.Tensor:
    return functional.avg_pool3d(maps, factor, ceil_mode=True) if factor > 1 else maps
