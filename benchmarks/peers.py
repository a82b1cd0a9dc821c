"""Nets of others, built as their authors or MONAI build them, and the windows in which a head goes through them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

CLASSES = 16


@dataclass(frozen=True)
class Peer:
    """A net with untrained weights: its time does not depend on them.

    Attributes:
        window: Voxels along each edge of what it sees at a time.
        overlap: Of neighbouring windows, as a share of the edge; None where one window is all that is seen.
        build: Makes the net for so many classes.
    """

    window: int
    overlap: float | None
    build: Callable[[int], nn.Module]

    def windows(self, size: tuple[int, ...]) -> int:
        """How many windows a volume takes."""
        if self.overlap is None:
            return 1
        step = self.window * (1 - self.overlap)
        return math.prod(max(0, math.ceil((n - self.window) / step)) + 1 for n in size)


def _dynunet(classes: int) -> nn.Module:
    from monai.networks.nets import DynUNet

    return DynUNet(
        3,
        1,
        classes,
        kernel_size=[3] * 6,
        strides=[1, 2, 2, 2, 2, 2],
        upsample_kernel_size=[2] * 5,
        filters=[32, 64, 128, 256, 320, 320],
    )


def small_dynunet(classes: int) -> nn.Module:
    """nnU-Net's plan for crops of about 40×56×40."""
    from monai.networks.nets import DynUNet

    return DynUNet(
        3,
        1,
        classes,
        kernel_size=[3] * 4,
        strides=[1, 2, 2, 2],
        upsample_kernel_size=[2] * 3,
        filters=[32, 64, 128, 256],
    )


def _segresnet(classes: int) -> nn.Module:
    from monai.networks.nets import SegResNet

    return SegResNet(3, init_filters=16, in_channels=1, out_channels=classes)


def _highresnet(classes: int) -> nn.Module:
    from monai.networks.nets import HighResNet

    return HighResNet(3, 1, classes)


def _synthseg_like(classes: int) -> nn.Module:
    from monai.networks.nets import BasicUNet

    return BasicUNet(3, 1, classes, features=(24, 48, 96, 192, 384, 24))


PEERS = {
    "DynUNet, nnU-Net's plan": Peer(128, 0.5, _dynunet),
    "SegResNet": Peer(128, 0.25, _segresnet),
    "HighResNet": Peer(64, 0.25, _highresnet),
    "SynthSeg-like U-Net": Peer(192, None, _synthseg_like),
}
"""A SynthSeg-like net sees one crop of 192 voxels, as SynthSeg does."""
