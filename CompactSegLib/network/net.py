"""The multi-level net (US 10,783,640): a chain of blocks with a head after each pair of neighbouring feature maps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.blocks import Block, Head
from CompactSegLib.network.boxes import Box, full_box, grown, relative
from CompactSegLib.network.config import BlockConfig, HeadConfig, NetConfig
from CompactSegLib.network.feature_map import FeatureMap
from CompactSegLib.network.upsampling import upsample


class MultiLevelNet(nn.Module):
    """Blocks 1..L+1 and heads 1..L.

    F_1 = block_1(image), F_{k+1} = block_{k+1}(F_k); M_n joins F_n and F_{n+1}; the logits of level n are
    head_n(M_n) (claims 1, 10 and 17).

    Args:
        config: What to build.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(
            Block(channels, block)
            for channels, block in zip(config.block_channels, config.blocks, strict=False)
        )
        self.heads = nn.ModuleList(
            Head(config.level_channels(level), head, classes=config.classes)
            for level, head in enumerate(config.heads, start=1)
        )

    @property
    def levels(self) -> int:
        return self.config.levels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Logits of all levels, each ``(N, classes, D, H, W)``; arguments and errors as `evaluate`."""
        evaluation = self.evaluate(image)
        return [evaluation.logits(level) for level in range(1, self.levels + 1)]

    def evaluate(self, image: Tensor) -> LevelEvaluation:
        """Levels of one image on demand.

        Args:
            image: ``(N, in_channels, D, H, W)``, prepared as the model says.

        Raises:
            ConfigurationError: The image has another shape.
        """
        return LevelEvaluation(self, image)

    def level_map(self, level: int, maps: dict[int, Tensor], *, shape: torch.Size) -> Tensor:
        """Join feature maps to the level feature map M_level, voxel by voxel (claims 6, 8 and 9).

        Args:
            level: The level n, from 1.
            maps: The feature maps by number, at least F_n and F_{n+1}, each ``(N, channels, D, H, W)``; the last three
                sizes are the image's, divided by the map's stride.
            shape: ``(D, H, W)`` of the image; coarser maps are up-sampled to it, the others are taken as they are.
        """
        joined = [
            upsample(
                maps[number],
                factor=self.config.map_strides[number - 1],
                shape=shape,
            )
            for number in (level, level + 1)
        ]
        return torch.cat(joined, dim=1)

    def level_features(
        self, level: int, maps: dict[int, FeatureMap], *, shape: torch.Size
    ) -> FeatureMap:
        """The level feature map M_level, not joined; without gradients only.

        Args:
            level: The level n, from 1.
            maps: As for `level_map`.
            shape: The image's ``(D, H, W)``.
        """
        first, second = (
            maps[number].for_image(self.config.map_strides[number - 1], shape)
            for number in (level, level + 1)
        )
        return first.beside(second)

    def level_logits(self, level: int, features: FeatureMap, *, box: Box | None = None) -> Tensor:
        """Class scores of a level, ``(N, classes, D, H, W)``; without gradients only.

        The same as its head applied to `level_map`, up to rounding, but slab by slab: the level feature map, the
        largest of all, never exists as a whole.

        Args:
            level: The level n, from 1.
            features: Its feature map, of `level_features`.
            box: Of which voxels; None for all.
        """
        head: Any = self.heads[level - 1]
        box = full_box(features.shape) if box is None else box
        seen = grown(box, head.margin, features.shape)
        logits: Tensor = head(features.cropped(seen))
        return logits[(slice(None), slice(None), *relative(box, seen))]

    def add_level(self, block: BlockConfig, head: HeadConfig) -> MultiLevelNet:
        """A net with one level more, whose earlier levels share this net's modules and so give bit-identical outputs.

        Args:
            block: Of the new level: the one behind the last block.
            head: Of the new level.

        Returns:
            A new net; the blocks and heads it has in common with this one are the same objects.
        """
        grown = MultiLevelNet(self.config.with_level(block, head))
        for mine, theirs in ((self.blocks, grown.blocks), (self.heads, grown.heads)):
            for index, module in enumerate(mine):
                theirs[index] = module
        reference = next(self.parameters())
        grown.to(device=reference.device, dtype=reference.dtype)
        return grown.train(self.training)


class LevelEvaluation:
    """The levels of one image, each computed when first asked for.

    Level n runs blocks 1..n+1 and head n; asking for level n+1 afterwards runs one block and one head.
    """

    def __init__(self, net: MultiLevelNet, image: Tensor) -> None:
        if image.ndim != 5 or image.shape[1] != net.config.in_channels:
            raise ConfigurationError(
                f"image: expected shape (N, {net.config.in_channels}, D, H, W), got {tuple(image.shape)}."
            )
        self.net = net
        self.image = image
        self._maps: dict[int, Tensor] = {0: image}
        self._logits: dict[int, Tensor] = {}

    def feature_map(self, number: int) -> Tensor:
        """F_number, ``(N, channels, D / stride, H / stride, W / stride)`` rounded up."""
        if number not in self._maps:
            self._maps[number] = self.net.blocks[number - 1](self.feature_map(number - 1))
        return self._maps[number]

    def logits(self, level: int) -> Tensor:
        """Class scores of a level, ``(N, classes, D, H, W)``.

        Raises:
            ConfigurationError: The net has no such level.
        """
        self.net.config.checked_level(level)
        if level not in self._logits:
            maps = {number: self.feature_map(number) for number in (level, level + 1)}
            joined = self.net.level_map(level, maps, shape=self.image.shape[-3:])
            self._logits[level] = self.net.heads[level - 1](joined)
        return self._logits[level]
