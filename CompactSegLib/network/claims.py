"""Which claims of US 10,783,640 a net executes, as far as that hangs on its configuration."""

from __future__ import annotations

from dataclasses import dataclass

from CompactSegLib.network.config import NetConfig


@dataclass(frozen=True)
class Claim:
    """A claim, in its forms on a system, a method and a stored program.

    Attributes:
        numbers: Of the claim's forms.
        what: What it is about.
        where: Where a net does that; empty where it does not.
    """

    numbers: tuple[int, ...]
    what: str
    where: str


def claims_of(config: NetConfig) -> list[Claim]:
    """The claims in their order, those on the second block as the claims have it."""
    second = config.blocks[1]
    layers = [layer for branch in second.branches for layer in branch.layers]
    dilations = sorted({layer.dilation for layer in layers if layer.dilation > 1})
    pools = sorted({branch.pool for branch in second.branches if branch.pool > 1})
    coarse = [number for number, stride in enumerate(config.map_strides, start=1) if stride > 1]
    head_layers = sorted({len(head.layers) + 1 for head in config.heads})
    several = len(second.branches) > 1
    return [
        Claim(
            (1, 10, 17),
            "each level joins two neighbouring feature maps",
            f"levels 1 to {config.levels}",
        ),
        Claim(
            (2, 11, 18),
            "convolution layers in parallel",
            f"block 2: {len(second.branches)} branches" if several else "",
        ),
        Claim(
            (3, 12, 19),
            "dilated convolution layers",
            f"block 2: dilation {_listed(dilations)}" if dilations else "",
        ),
        Claim(
            (4, 13),
            "max-pooling layers",
            f"block 2: by {_listed([*pools, second.pool] if second.pool > 1 else pools)}"
            if pools or second.pool > 1
            else "",
        ),
        Claim(
            (5, 14),
            "heads are serial convolution blocks",
            f"{_listed(head_layers)} layers in a row",
        ),
        Claim(
            (6, 15, 20),
            "coarser feature maps are up-sampled before they are joined",
            f"feature map {_listed(coarse)}" if coarse else "",
        ),
        Claim(
            (7, 16),
            "no block is executed after the improvement falls below the threshold",
            f"blocks 3 to {len(config.blocks)}" if config.levels > 1 else "",
        ),
        Claim((8, 9), "feature maps are joined voxel by voxel", "all levels"),
    ]


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
