"""Batch norm folded into the convolution in front of it, for inference."""

from __future__ import annotations

import copy

import torch
from torch import nn

from CompactSegLib.network.blocks import Conv, ConvLayer
from CompactSegLib.network.net import MultiLevelNet


def fold_batch_norm(net: MultiLevelNet) -> MultiLevelNet:
    """A copy of ``net`` for inference in which every convolution carries its batch norm as weights and bias.

    With running statistics, batch norm is a scale and a shift per channel, so the outputs agree up to rounding; what
    remains depends on no voxel outside the receptive field, which exact tiles need.

    Returns:
        A new net in evaluation mode, without gradients, in the precision of ``net``.
    """
    folded = copy.deepcopy(net).eval().requires_grad_(False)
    for layer in [module for module in folded.modules() if isinstance(module, ConvLayer)]:
        layer.conv = _folded(layer.conv, layer.norm)
        layer.norm = nn.Identity()
    return folded


def _folded(conv: Conv, norm: nn.Module) -> Conv:
    if isinstance(norm, nn.Identity):
        return conv
    if not isinstance(norm, nn.BatchNorm3d):
        raise TypeError(f"only batch norm folds into a convolution, got {type(norm).__name__}")
    # In double precision, so that folding costs one rounding instead of three.
    deviation = torch.sqrt(norm.running_var.double() + norm.eps)  # type: ignore[union-attr]
    scale = norm.weight.double() / deviation
    shift = norm.bias.double() - norm.running_mean.double() * scale  # type: ignore[union-attr]
    new = type(conv)(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,  # type: ignore[arg-type]
        dilation=conv.dilation,  # type: ignore[arg-type]
        padding=conv.padding,  # type: ignore[arg-type]
        device=conv.weight.device,
        dtype=conv.weight.dtype,
    )
    weight = conv.weight.double() * scale.reshape(-1, 1, 1, 1, 1)
    new.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
    new.bias = nn.Parameter(shift.to(conv.weight.dtype), requires_grad=False)
    return new
