"""The parts of a net: convolution layers, blocks and heads, built from their configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from CompactSegLib.network.boxes import full_box
from CompactSegLib.network.config import BlockConfig, BranchConfig, HeadConfig, LayerConfig
from CompactSegLib.network.feature_map import FeatureMap, Part, Reader
from CompactSegLib.network.reach import margin_of
from CompactSegLib.network.upsampling import upsample


def max_pool(maps: Tensor, factor: int) -> Tensor:
    """Max pooling of ``(N, C, D, H, W)`` with windows of ``factor`` voxels; at the border, of those that are there."""
    if factor == 1:
        return maps
    return functional.max_pool3d(maps, kernel_size=factor, stride=factor, ceil_mode=True)


class Conv(nn.Conv3d):
    """A convolution that runs in oneDNN wherever nothing is learnt on a CPU.

    PyTorch gives small ones, and with one thread those of 1×1×1, to code of its own that takes 2 to 15 times as long
    (torch 2.13), and by which roundings hang on the size of the map and on the threads.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to ``(N, channels, D, H, W)``."""
        return self._convolved(maps, self.weight, self.bias)

    def _convolved(self, maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if (
            torch.is_grad_enabled()
            or maps.device.type != "cpu"
            or maps.dtype != torch.float32
            or not torch.backends.mkldnn.is_available()
        ):
            return self._conv_forward(maps, weight, bias)
        return torch.mkldnn_convolution(
            maps,
            weight,
            bias,
            self.padding,  # type: ignore[arg-type]
            self.stride,
            self.dilation,
            self.groups,
        )


class PointConv(Conv):
    """A 1×1×1 convolution, which learns as a matrix product: on CPUs ten times as fast as PyTorch's own."""

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to ``(N, channels, D, H, W)``."""
        if not torch.is_grad_enabled() or maps.device.type != "cpu":
            return super().forward(maps)
        last = maps.movedim(1, -1)
        return functional.linear(last, self.weight.flatten(1), self.bias).movedim(-1, 1)

    def of_some(self, maps: Tensor, channels: Sequence[slice], *, biased: bool) -> Tensor:
        """What some of its input's channels add to its output; without gradients only."""
        weight = torch.cat([self.weight[:, each] for each in channels], dim=1)
        return self._convolved(maps, weight, self.bias if biased else None)


class ConvLayer(nn.Module):
    """Convolution, batch norm, ReLU; zeros lie beyond the border of the volume."""

    def __init__(self, in_channels: int, config: LayerConfig) -> None:
        super().__init__()
        kind = PointConv if config.kernel == 1 else Conv
        self.conv = kind(
            in_channels,
            config.channels,
            kernel_size=config.kernel,
            dilation=config.dilation,
            padding=config.dilation * (config.kernel // 2),
            bias=False,
        )
        self.norm: nn.Module = nn.BatchNorm3d(config.channels)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to ``(N, channels, D, H, W)``."""
        return self.after_conv(self.conv(maps))

    def after_conv(self, maps: Tensor) -> Tensor:
        """What follows the convolution."""
        return functional.relu(self.norm(maps), inplace=not self.training)


def conv_layers(in_channels: int, configs: tuple[LayerConfig, ...]) -> nn.Sequential:
    """Convolution layers in series."""
    layers = []
    for config in configs:
        layers.append(ConvLayer(in_channels, config))
        in_channels = config.channels
    return nn.Sequential(*layers)


class Branch(nn.Module):
    """Max pooling, convolution layers in series, and up-sampling back to the resolution it began with."""

    def __init__(self, in_channels: int, config: BranchConfig) -> None:
        super().__init__()
        self.pool = config.pool
        self.layers = conv_layers(in_channels, config.layers)

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to ``(N, channels, D, H, W)``."""
        coarse = self.layers(max_pool(maps, self.pool))
        return upsample(coarse, factor=self.pool, shape=maps.shape[-3:])


class Block(nn.Module):
    """A convolution block: makes feature map F_k from F_{k-1} (claims 1 to 4).

    The branches see the same input and their outputs are concatenated.

    Args:
        in_channels: Of that input.
        config: What to build.
    """

    def __init__(self, in_channels: int, config: BlockConfig) -> None:
        super().__init__()
        self.pool = config.pool
        self.branches = nn.ModuleList(Branch(in_channels, branch) for branch in config.branches)
        self._pools: list[int] = [branch.pool for branch in config.branches]

    def forward(self, maps: Tensor | FeatureMap) -> Tensor | FeatureMap:
        """F_{k-1} to F_k: ``(N, C, D, H, W)`` to ``(N, channels, D', H', W')``, ``D' = ceil(D / pool)`` and so on.

        A tensor gives a tensor. A map that is not joined gives such a map; without gradients only.
        """
        if isinstance(maps, FeatureMap):
            return self._unjoined(maps)
        if not torch.is_grad_enabled():
            return self._unjoined(FeatureMap.of(maps)).joined()
        pooled = max_pool(maps, self.pool)
        outputs = [branch(pooled) for branch in self.branches]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)

    def _unjoined(self, maps: FeatureMap) -> FeatureMap:
        shape = [-(-size // self.pool) for size in maps.shape]
        parts = [
            Part(values, pool, full_box(shape))
            for values, pool in zip(self._outputs(maps), self._pools, strict=True)
        ]
        return FeatureMap(tuple(parts))

    def _outputs(self, maps: FeatureMap) -> Iterator[Tensor]:
        """What the branches' layers make, one after the other."""
        factors = [self.pool * pool for pool in self._pools]
        finest = min((factor for factor in factors if factor > 1), default=1)
        layers: list[Any] = [branch.layers for branch in self.branches]
        # What needs no neighbours is made while pooling reads the map.
        begun = [
            n for n, factor in enumerate(factors) if factor == 1 and _begins_with_points(layers[n])
        ]
        if factors.count(1) > len(begun):  # another branch reads it as a whole: joined once for all
            maps = FeatureMap.of(maps.joined())
        readers: list[Reader] = [(layers[n][0], 1) for n in begun]
        if finest > 1:
            readers.append((partial(max_pool, factor=finest), finest))
        made = maps.read(readers) if readers else []
        pooled = coarsest = made.pop() if finest > 1 else None
        first, reached = dict(zip(begun, made, strict=True)), finest
        del made
        for number, factor in enumerate(factors):
            if number in first:
                yield layers[number][1:](first.pop(number))
            elif coarsest is None or pooled is None or factor == 1:
                yield layers[number](maps.joined())
            elif factor % reached == 0:
                # The largest of windows' largest values is their union's.
                coarsest, reached = max_pool(coarsest, factor // reached), factor
                yield layers[number](coarsest)
            else:
                yield layers[number](max_pool(pooled, factor // finest))


def _begins_with_points(layers: nn.Sequential) -> bool:
    return len(layers) > 0 and isinstance(layers[0].conv, PointConv)


class Head(nn.Module):
    """A serial convolution block: level feature map to class scores (claim 5).

    Args:
        in_channels: Of the level feature map.
        config: What to build.
        classes: Scores per voxel.
    """

    def __init__(self, in_channels: int, config: HeadConfig, *, classes: int) -> None:
        super().__init__()
        self.layers = conv_layers(in_channels, config.layers)
        last = config.layers[-1].channels if config.layers else in_channels
        self.classifier = PointConv(last, classes, kernel_size=1)
        self.margin = margin_of(config.layers)
        """How many voxels around one its scores depend on."""

    def forward(self, maps: Tensor | FeatureMap) -> Tensor:
        """Logits ``(N, classes, D, H, W)`` of the level feature map ``(N, C, D, H, W)``.

        A map that is not joined is read slab by slab; without gradients only.
        """
        if not isinstance(maps, FeatureMap):
            return self._scores(self.layers(maps))
        layers: Any = self.layers
        if not _begins_with_points(layers):
            (logits,) = maps.read(
                [(lambda slab: self._scores(layers(slab)), 1)], margin=self.margin
            )
            return logits
        first, others = layers[0], layers[1:]
        (logits,) = maps.read(
            [(lambda slab: self._scores(others(first.after_conv(slab))), 1)],
            margin=self.margin,
            mixing=first.conv.of_some,
        )
        return logits

    def _scores(self, features: Tensor) -> Tensor:
        if not torch.is_autocast_enabled(features.device.type):
            # In reduced precision the classifier alone stays in fp32 (inference.processor).
            features = features.to(self.classifier.weight.dtype)
        logits: Tensor = self.classifier(features)
        return logits
