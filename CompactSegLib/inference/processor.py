"""Where a run computes: a net on a device, in a precision, and what did not go as planned there."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from CompactSegLib.inference.devices import Runtime
from CompactSegLib.network.blocks import ConvLayer
from CompactSegLib.network.net import MultiLevelNet

_KEPT_SHARE = 1 / 3


class Processor:
    """A copy of a model's net on a device; one run's own, which leaves the device for the CPU where it must.

    Args:
        net: The model's net, on the CPU in fp32.
        runtime: Where to compute.
        tile: Edge of the tiles' cores in voxels of the model's grid; None to choose it from the free memory.
        kept_bytes: Memory for feature maps kept from level to level; None for a third of what is free.

    Attributes:
        runtime: Where it computes now.
        net: The copy there; the last convolution of each head stays in fp32.
        messages: Sentences on what did not go as planned, first to last.
        interrupt: Called before every convolution; what it raises ends the computation.
    """

    def __init__(
        self,
        net: MultiLevelNet,
        runtime: Runtime,
        *,
        tile: int | None = None,
        kept_bytes: int | None = None,
    ) -> None:
        self.reference = net
        self.tile = tile
        self.messages: list[str] = []
        self.interrupt: Callable[[], None] | None = None
        self._kept_bytes = kept_bytes
        self._move(runtime)

    @property
    def is_reference(self) -> bool:
        """Whether this is the CPU in fp32, which all else is compared with."""
        return self.runtime.device.type == "cpu" and self.runtime.precision == "fp32"

    def kept_limit(self) -> int:
        """Bytes that kept feature maps may take."""
        if self._kept_bytes is not None:
            return self._kept_bytes
        return int(self.runtime.free_bytes() * _KEPT_SHARE)

    def tell(self, message: str) -> None:
        """Note something that did not go as planned; it reaches the report."""
        self.messages.append(message)

    def fall_back_to_cpu(self, message: str) -> None:
        """Go on with the CPU."""
        self.tell(message)
        self._move(self.runtime.on_cpu())

    def distrust(self) -> None:
        """The device's labels are wrong in this precision: go on in fp32, or if that was fp32, on the CPU."""
        runtime = self.runtime
        better = runtime.in_fp32() if runtime.precision != "fp32" else runtime.on_cpu()
        self.tell(
            f"Labels on {runtime.device} in {runtime.precision} did not agree with the CPU in fp32, "
            f"going on with {better.device} in {better.precision}."
        )
        self._move(better)

    def _move(self, runtime: Runtime) -> None:
        self.runtime = runtime
        net = copy.deepcopy(self.reference).to(runtime.device, runtime.dtype)
        for head in net.heads:
            # Rounded to bf16, logits tie so often that the first class would win voxels it should not.
            head.classifier.to(torch.float32)
        self.net: MultiLevelNet = net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        for layer in self.net.modules():
            if isinstance(layer, ConvLayer):
                layer.register_forward_pre_hook(self._before_layer)

    def _before_layer(self, _layer: torch.nn.Module, _inputs: object) -> None:
        if self.interrupt is not None:
            self.interrupt()
