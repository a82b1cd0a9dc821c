"""The net's configuration: plain values that can be written as JSON and checked before anything is built.

A net has ``len(blocks) = levels + 1`` blocks and one head per level. A *branch* is a series of convolution layers; a
*block* holds one branch (a serial block) or several in parallel, whose outputs are concatenated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.limits import (
    LARGEST_DILATION,
    LARGEST_KERNEL,
    LARGEST_STRIDE,
    MOST_BRANCHES,
    MOST_CHANNELS,
    MOST_LAYERS,
    MOST_LEVELS,
    MOST_WEIGHTS,
    check_choice,
    check_length,
    check_whole,
)

UPSAMPLINGS = ("linear", "nearest")
POOLS = (1, 2, 4, 8)

T = TypeVar("T")


def _from_dict(cls: type[T], data: object, where: str, nested: Mapping[str, Any]) -> T:
    """Build dataclass ``cls`` from JSON data, naming the place of whatever is wrong."""
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{where}: expected an object, got {type(data).__name__}.")
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - known)
    if unknown:
        raise ConfigurationError(
            f"{where}: unknown name {unknown[0]!r}; the names known here are {', '.join(sorted(known))}."
        )
    values: dict[str, Any] = dict(data)
    for name, child in nested.items():
        if name not in values:
            continue
        if not isinstance(values[name], list | tuple):
            raise ConfigurationError(
                f"{where}.{name}: expected a list, got {type(values[name]).__name__}."
            )
        values[name] = tuple(
            child.from_dict(item, where=f"{where}.{name}[{index}]")
            for index, item in enumerate(values[name])
        )
    try:
        built = cls(**values)
    except TypeError as error:
        raise ConfigurationError(f"{where}: {str(error).split('()')[-1].strip()}.") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}.{error}") from None
    return built


@dataclass(frozen=True)
class LayerConfig:
    """A convolution with batch norm and ReLU.

    Attributes:
        channels: Output channels.
        kernel: Edge length in voxels, odd.
        dilation: Distance in voxels between the kernel's taps; above 1 it enlarges the receptive field (claim 3).
    """

    channels: int
    kernel: int = 3
    dilation: int = 1

    def __post_init__(self) -> None:
        check_whole("channels", self.channels, maximum=MOST_CHANNELS)
        check_whole("kernel", self.kernel, maximum=LARGEST_KERNEL)
        check_whole("dilation", self.dilation, maximum=LARGEST_DILATION)
        if self.kernel % 2 == 0:
            raise ConfigurationError(
                f"kernel: expected an odd edge length, so that the output stays centred, got {self.kernel}."
            )

    @classmethod
    def from_dict(cls, data: object, *, where: str = "layer") -> LayerConfig:
        return _from_dict(cls, data, where, {})


@dataclass(frozen=True)
class BranchConfig:
    """Layers in series, at a resolution ``pool`` times coarser than their block's.

    Attributes:
        layers: The convolution layers, first to last; none for a pooling-only branch.
        pool: Factor of the max pooling in front of the layers; the output is up-sampled back to the block's resolution.
    """

    layers: tuple[LayerConfig, ...]
    pool: int = 1

    def __post_init__(self) -> None:
        check_choice("pool", self.pool, POOLS)
        check_length("layers", self.layers, MOST_LAYERS)
        if not self.layers and self.pool == 1:
            raise ConfigurationError("layers: expected a layer or pooling, got an empty branch.")

    @classmethod
    def from_dict(cls, data: object, *, where: str = "branch") -> BranchConfig:
        return _from_dict(cls, data, where, {"layers": LayerConfig})

    def out_channels(self, in_channels: int) -> int:
        return self.layers[-1].channels if self.layers else in_channels


@dataclass(frozen=True)
class BlockConfig:
    """One convolution block: branches in parallel, behind an optional max pooling (claims 2 and 4).

    Attributes:
        branches: The parallel branches, whose outputs are concatenated; one branch makes a serial block.
        pool: Factor of the max pooling in front of all branches; it makes this block's feature map coarser.
    """

    branches: tuple[BranchConfig, ...]
    pool: int = 1

    def __post_init__(self) -> None:
        check_choice("pool", self.pool, POOLS)
        check_length("branches", self.branches, MOST_BRANCHES)
        if not self.branches:
            raise ConfigurationError("branches: expected at least one branch, got none.")
        if not any(branch.layers for branch in self.branches):
            raise ConfigurationError("branches: expected at least one convolution layer, got none.")

    @classmethod
    def from_dict(cls, data: object, *, where: str = "block") -> BlockConfig:
        return _from_dict(cls, data, where, {"branches": BranchConfig})

    def out_channels(self, in_channels: int) -> int:
        return sum(branch.out_channels(in_channels) for branch in self.branches)


@dataclass(frozen=True)
class HeadConfig:
    """A serial convolution block that turns a level's feature map into class scores (claim 5).

    Attributes:
        layers: Layers in front of the last 1×1×1 convolution to the classes.
    """

    layers: tuple[LayerConfig, ...] = ()

    def __post_init__(self) -> None:
        check_length("layers", self.layers, MOST_LAYERS)

    @classmethod
    def from_dict(cls, data: object, *, where: str = "head") -> HeadConfig:
        return _from_dict(cls, data, where, {"layers": LayerConfig})


@dataclass(frozen=True)
class NetConfig:
    """The whole net.

    Attributes:
        in_channels: Channels of the image.
        classes: Classes of the segmentation, background included.
        blocks: Blocks 1..levels+1.
        heads: Heads 1..levels.
        upsampling: How coarser maps come back to a finer resolution.

    Raises:
        ConfigurationError: A value is out of range or the numbers of blocks and heads do not fit.
    """

    in_channels: int
    classes: int
    blocks: tuple[BlockConfig, ...]
    heads: tuple[HeadConfig, ...]
    upsampling: str = "linear"

    def __post_init__(self) -> None:
        check_whole("in_channels", self.in_channels, maximum=MOST_CHANNELS)
        check_whole("classes", self.classes, minimum=2)
        check_choice("upsampling", self.upsampling, UPSAMPLINGS)
        if self.classes > 256:
            raise ConfigurationError(
                f"classes: expected at most 256, since labels are stored as bytes, got {self.classes}."
            )
        if len(self.heads) < 1 or len(self.blocks) != len(self.heads) + 1:
            raise ConfigurationError(
                f"blocks: expected one block more than there are heads (level n uses blocks 1..n+1 and head n), "
                f"got {len(self.blocks)} blocks and {len(self.heads)} heads."
            )
        check_length("heads", self.heads, MOST_LEVELS)
        if self.stride() > LARGEST_STRIDE:
            raise ConfigurationError(
                f"blocks: expected poolings of {LARGEST_STRIDE} together at most, got {self.stride()}."
            )
        if self._weights() > MOST_WEIGHTS:
            raise ConfigurationError(
                f"blocks: expected at most {MOST_WEIGHTS} weights, got {self._weights():.3g}."
            )

    @classmethod
    def from_dict(cls, data: object, *, where: str = "net") -> NetConfig:
        """Read a configuration from JSON data; every error names the place, such as ``net.blocks[1].pool``."""
        return _from_dict(cls, data, where, {"blocks": BlockConfig, "heads": HeadConfig})

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON data; ``from_dict`` gives an equal configuration back."""
        return asdict(self)

    def _weights(self) -> int:
        """Of the convolutions in front of the classes."""
        series = [
            (branch.layers, before)
            for before, block in zip(self.block_channels, self.blocks, strict=False)
            for branch in block.branches
        ]
        series += [(head.layers, self.level_channels(n + 1)) for n, head in enumerate(self.heads)]
        total = 0
        for layers, channels in series:
            for layer in layers:
                total += channels * layer.channels * layer.kernel**3
                channels = layer.channels
        return total

    @property
    def levels(self) -> int:
        return len(self.heads)

    def checked_level(self, level: object, *, of: str = "this net") -> int:
        """A level's number as a user gave it.

        Raises:
            ConfigurationError: There is no such level.
        """
        if not isinstance(level, int) or isinstance(level, bool) or not 1 <= level <= self.levels:
            raise ConfigurationError(
                f"level: expected 1 to {self.levels}, the levels of {of}, got {level!r}."
            )
        return level

    @property
    def map_channels(self) -> tuple[int, ...]:
        """Channels of F_1, F_2 and so on."""
        return self.block_channels[1:]

    @property
    def block_channels(self) -> tuple[int, ...]:
        """Channels of what block 1 gets, of F_1, F_2 and so on."""
        channels = [self.in_channels]
        for block in self.blocks:
            channels.append(block.out_channels(channels[-1]))
        return tuple(channels)

    @property
    def map_strides(self) -> tuple[int, ...]:
        """Image voxels per voxel of F_1, F_2, … along each axis."""
        return self.block_strides[1:]

    @property
    def block_strides(self) -> tuple[int, ...]:
        """Image voxels per voxel of what block 1 gets, of F_1, F_2, … along each axis."""
        strides = [1]
        for block in self.blocks:
            strides.append(strides[-1] * block.pool)
        return tuple(strides)

    def level_channels(self, level: int) -> int:
        """Channels of the level feature map M_level."""
        return self.map_channels[level - 1] + self.map_channels[level]

    def stride(self, block: int | None = None) -> int:
        """Voxels to which tiles must be aligned so that every pooling of blocks 1..block sees whole windows."""
        number = len(self.blocks) if block is None else block
        return max(
            before * config.pool * max(branch.pool for branch in config.branches)
            for before, config in zip(self.block_strides, self.blocks[:number], strict=False)
        )

    def with_level(self, block: BlockConfig, head: HeadConfig) -> NetConfig:
        """This configuration with one level more."""
        return replace(self, blocks=(*self.blocks, block), heads=(*self.heads, head))
