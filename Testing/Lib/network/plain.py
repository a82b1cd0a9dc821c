"""The claims in PyTorch's own words."""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from CompactSegLib import Model
from CompactSegLib.model.weights import WEIGHTS_FILE
from CompactSegLib.network.config import LayerConfig


class Plain:
    """A net recomputed from the file of weights: no module of the library takes part.

    Attributes:
        maps: F_1, F_2 and so on, of an image ``(1, C, D, H, W)``.
        branches: What each branch gave to F_k, by k.
        logits: The scores of level 1, 2 and so on.
    """

    def __init__(self, model: Model, image: Tensor) -> None:
        self.config = model.net_config
        self.weights = {
            name: each.float() for name, each in load_file(model.folder / WEIGHTS_FILE).items()
        }
        self.maps: list[Tensor] = []
        self.branches: dict[int, list[Tensor]] = {}
        self.logits: list[Tensor] = []
        before = image
        for k, block in enumerate(self.config.blocks):
            pooled = self.pooled(before, block.pool)
            self.branches[k + 1] = [
                self.upsampled(
                    self.layers(
                        self.pooled(pooled, branch.pool), branch.layers, f"blocks.{k}.branches.{b}"
                    ),
                    branch.pool,
                    pooled,
                )
                for b, branch in enumerate(block.branches)
            ]
            before = torch.cat(self.branches[k + 1], dim=1)
            self.maps.append(before)
        for n, head in enumerate(self.config.heads):
            pair = [
                self.upsampled(self.maps[at], self.config.map_strides[at], image)
                for at in (n, n + 1)
            ]
            features = self.layers(torch.cat(pair, dim=1), head.layers, f"heads.{n}")
            last = f"heads.{n}.classifier"
            self.logits.append(
                functional.conv3d(
                    features, self.weights[f"{last}.weight"], self.weights[f"{last}.bias"]
                )
            )

    def layers(self, maps: Tensor, layers: tuple[LayerConfig, ...], place: str) -> Tensor:
        for number, each in enumerate(layers):
            name = f"{place}.layers.{number}"
            maps = functional.conv3d(
                maps,
                self.weights[f"{name}.conv.weight"],
                padding=each.dilation * (each.kernel // 2),
                dilation=each.dilation,
            )
            of_norm = ("running_mean", "running_var", "weight", "bias")
            norm = (self.weights[f"{name}.norm.{each}"] for each in of_norm)
            maps = functional.batch_norm(maps, *norm).relu()
        return maps

    @staticmethod
    def pooled(maps: Tensor, factor: int) -> Tensor:
        return functional.max_pool3d(maps, factor, ceil_mode=True) if factor > 1 else maps

    @staticmethod
    def upsampled(maps: Tensor, factor: int, like: Tensor) -> Tensor:
        if factor == 1:
            return maps
        finer = functional.interpolate(maps, scale_factor=float(factor), mode="trilinear")
        d, h, w = like.shape[-3:]
        return finer[..., :d, :h, :w]
