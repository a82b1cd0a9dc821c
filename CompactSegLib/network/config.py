"""The net's configuration: plain values that can be written as JSON and checked before anything is built.

A net has ``len(blocks) = levels + 1`` blocks and one head per level. A *branch* is a series of convolution layers; a
*block* holds one branch (a serial block) or several in parallel, whose outputs are concatenated.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.json_data import Invalid, build, check, listed, one_of, read_json, whole

# A configuration may come from anybody. What is beyond these would be computed for ever, or not fit any memory, when
# it is only read; all are far above what a compact net has.
_MOST_LEVELS = 32
_LARGEST_STRIDE = 256
_MOST_WEIGHTS = 2**30
_Channels = Annotated[int, whole(1, 4096)]
_Pool = Annotated[int, one_of(1, 2, 4, 8)]


@dataclass(frozen=True)
class LayerConfig:
    """A convolution with batch norm and ReLU.

    Attributes:
        channels: Output channels.
        kernel: Edge length in voxels, odd.
        dilation: Distance in voxels between the kernel's taps; above 1 it enlarges the receptive field (claim 3).
    """

    channels: _Channels
    kernel: Annotated[int, whole(1, 31)] = 3
    dilation: Annotated[int, whole(1, 128)] = 1

    def __post_init__(self) -> None:
        check(self)
        if self.kernel % 2 == 0:
            raise Invalid(
                "kernel", "an odd edge length, so that the output stays centred", self.kernel
            )


_Layers = Annotated[tuple[LayerConfig, ...], listed(64)]


@dataclass(frozen=True)
class BranchConfig:
    """Layers in series, at a resolution ``pool`` times coarser than their block's.

    Attributes:
        layers: The convolution layers, first to last; none for a pooling-only branch.
        pool: Factor of the max pooling in front of the layers; the output is up-sampled back to the block's resolution.
    """

    layers: _Layers
    pool: _Pool = 1

    def __post_init__(self) -> None:
        check(self)
        if not self.layers and self.pool == 1:
            raise Invalid("layers", told="expected a layer or pooling, got an empty branch")

    def out_channels(self, in_channels: int) -> int:
        return self.layers[-1].channels if self.layers else in_channels


@dataclass(frozen=True)
class BlockConfig:
    """One convolution block: branches in parallel, behind an optional max pooling (claims 2 and 4).

    Attributes:
        branches: The parallel branches, whose outputs are concatenated; one branch makes a serial block.
        pool: Factor of the max pooling in front of all branches; it makes this block's feature map coarser.
    """

    branches: Annotated[tuple[BranchConfig, ...], listed(64)]
    pool: _Pool = 1

    def __post_init__(self) -> None:
        check(self)
        if not any(branch.layers for branch in self.branches):
            what = "convolution layer" if self.branches else "branch"
            raise Invalid("branches", told=f"expected at least one {what}, got none")

    def out_channels(self, in_channels: int) -> int:
        return sum(branch.out_channels(in_channels) for branch in self.branches)


@dataclass(frozen=True)
class HeadConfig:
    """A serial convolution block that turns a level's feature map into class scores (claim 5).

    Attributes:
        layers: Layers in front of the last 1×1×1 convolution to the classes.
    """

    layers: _Layers = ()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class NetConfig:
    """The whole net.

    Attributes:
        in_channels: Channels of the image.
        classes: Classes of the segmentation, background included.
        blocks: Blocks 1..levels+1.
        heads: Heads 1..levels.
        upsampling: How coarser maps come back to a finer resolution; there is one way, which files state.

    Raises:
        ConfigurationError: A value is out of range or the numbers of blocks and heads do not fit.
    """

    in_channels: _Channels
    classes: Annotated[int, whole(2, 256)]  # labels are stored as bytes
    blocks: Annotated[tuple[BlockConfig, ...], listed(_MOST_LEVELS + 1)]
    heads: Annotated[tuple[HeadConfig, ...], listed(_MOST_LEVELS)]
    upsampling: Annotated[str, one_of("linear")] = "linear"

    def __post_init__(self) -> None:
        check(self)
        if len(self.heads) < 1 or len(self.blocks) != len(self.heads) + 1:
            raise Invalid(
                "blocks",
                told="expected one block more than there are heads (level n uses blocks 1..n+1 and head n), "
                f"got {len(self.blocks)} blocks and {len(self.heads)} heads",
            )
        if self.stride() > _LARGEST_STRIDE:
            raise Invalid(
                "blocks", f"poolings of {_LARGEST_STRIDE} together at most", self.stride()
            )
        if self._weights() > _MOST_WEIGHTS:
            raise Invalid("blocks", f"at most {_MOST_WEIGHTS} weights", self._weights())

    @classmethod
    def from_dict(cls, data: object, *, where: str = "net") -> NetConfig:
        """Build a configuration from JSON data.

        Args:
            data: What JSON gave, an object.
            where: What errors begin with, before the place in it: ``net, blocks[1].pool``.

        Raises:
            ConfigurationError: A name is unknown, or a value cannot be.
        """
        return build(cls, data, where=where)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> NetConfig:
        """Read a configuration from a JSON file.

        Args:
            path: The file.

        Raises:
            ConfigurationError: It cannot be read, or holds no configuration; the sentence names it.
        """
        return cls.from_dict(read_json(path), where=f"{path} (net)")

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

        Args:
            level: The number, from 1; any other value is an error.
            of: Whose levels they are, for the sentence.

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
        """This configuration with one level more.

        Args:
            block: The one behind the last block.
            head: The new level's.
        """
        return replace(self, blocks=(*self.blocks, block), heads=(*self.heads, head))
