"""The level-by-level engine: a model on a device, and ``segment``, which yields a result per level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.inference.devices import Runtime, select_runtime
from CompactSegLib.inference.evaluation import Evaluation
from CompactSegLib.inference.placement import place_net
from CompactSegLib.inference.progress import Progress
from CompactSegLib.inference.remarks import on_extent
from CompactSegLib.inference.results import Level, RunInfo
from CompactSegLib.inference.stop import StopRule
from CompactSegLib.network.blocks import ConvLayer
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model

_KEPT_SHARE = 1 / 3


class Segmenter:
    """A model ready on a device; it stays warm from volume to volume.

    Args:
        model: The model.
        device: ``auto``, ``cpu``, ``cuda`` (or ``cuda:1``) or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``. In fp32 the labels do not depend on the tile size.
        tile: Edge of the tiles' cores in voxels of the model's grid, rounded up to the net's stride; None to choose it
            from the free memory.
        kept_bytes: Memory for feature maps kept from level to level; None for a third of what is free. Beyond it they
            are recomputed.

    Raises:
        DeviceError: There is no such device.
        ConfigurationError: ``tile`` or ``kept_bytes`` is out of range.
    """

    def __init__(
        self,
        model: Model,
        *,
        device: str = "auto",
        precision: str = "auto",
        tile: int | None = None,
        kept_bytes: int | None = None,
    ) -> None:
        if tile is not None and not _is_whole(tile, 1):
            raise ConfigurationError(
                f"tile: expected a whole number of voxels of at least 1, got {tile!r}."
            )
        if kept_bytes is not None and not _is_whole(kept_bytes, 0):
            raise ConfigurationError(
                f"kept memory: expected a whole number of bytes of at least 0, got {kept_bytes!r}."
            )
        self.model = model
        self.tile = tile
        self.last_edge = tile or 0
        self._kept_bytes = kept_bytes
        self._messages: list[str] = []
        self._lasting_messages: list[str] = []
        self._finding: str | None = None
        self.interrupt: Callable[[], None] | None = None
        """Called before every convolution; what it raises ends the computation."""
        self._use(select_runtime(device, precision))

    def start(self, volume: Volume) -> Evaluation:
        """Begin with a volume; nothing is computed until a level is asked for.

        Raises:
            InputError: The volume does not fit the model.
        """
        self._messages = list(self._lasting_messages)
        self._finding = None
        if self.runtime is not self._preferred:
            self._place(self._preferred)
        evaluation = Evaluation(self, volume)
        if remark := on_extent(volume, evaluation.grid, self.model):
            self.tell(remark)
        return evaluation

    def levels(
        self,
        volume: Volume,
        *,
        levels: int | None = None,
        threshold: float | StopRule | None = None,
        all_levels: bool = False,
        progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Iterator[Level]:
        """Yield a volume's levels as ``segment`` does."""
        rule = self.stop_rule(threshold, all_levels=all_levels)
        most = self._most_levels(levels)
        evaluation = self.start(volume)
        return self.levels_of(evaluation, most=most, rule=rule, progress=progress, cancel=cancel)

    def stop_rule(
        self, threshold: float | StopRule | None, *, all_levels: bool = False
    ) -> StopRule | None:
        """The rule that a run uses: the given one, else the model's; None when all levels are wanted.

        Raises:
            ConfigurationError: A threshold in Dice for a model without calibration, or out of range.
        """
        if all_levels:
            return None
        settings = self.model.stop
        if threshold is None:
            return StopRule(settings.threshold, unit=settings.unit)
        rule = threshold if isinstance(threshold, StopRule) else StopRule(threshold)
        if rule.unit == "dice" and not settings.calibration:
            raise ConfigurationError(
                f"threshold: expected a model with a calibration for a threshold in Dice, but {self.model.name} "
                "has none; give it as improvement (Jaccard) instead."
            )
        return rule

    def _most_levels(self, levels: int | None) -> int:
        available = self.model.net_config.levels
        if levels is not None and not (_is_whole(levels, 1) and levels <= available):
            raise ConfigurationError(
                f"level: expected 1 to {available}, the levels of model {self.model.name}, got {levels!r}."
            )
        return levels or available

    def levels_of(
        self,
        evaluation: Evaluation,
        *,
        most: int,
        rule: StopRule | None,
        progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Iterator[Level]:
        """Yield the levels of a volume that was begun with ``start``, to level ``most`` or until the rule ends it."""
        for number in range(1, most + 1):
            told = progress and (lambda step: progress(replace(step, levels=most)))
            level = evaluation.level(number, progress=told, cancel=cancel)
            stop, reason = self._stop(level, most, rule)
            yield replace(level, stop=stop, stop_reason=reason)
            if stop:
                return

    def _stop(
        self, level: Level, most: int, rule: StopRule | None
    ) -> tuple[str | None, str | None]:
        available = self.model.net_config.levels
        if level.number == available:
            return "last-level", f"level {level.number} is the model's last"
        if level.number == most:
            return "levels-requested", f"no level above {most} was asked for"
        reason = rule and rule.reason(
            improvement=level.improvement, expected_gain=level.expected_gain
        )
        return ("threshold", reason) if reason else (None, None)

    @property
    def info(self) -> RunInfo:
        """How the current volume is being computed."""
        return RunInfo(
            device=str(self.runtime.device),
            device_name=self.runtime.name,
            precision=self.runtime.precision,
            tile=self.last_edge,
            messages=(*self._messages, *([self._finding] if self._finding else [])),
        )

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
        self._messages.append(message)

    def tell_finding(self, remark: str | None) -> None:
        """Note what is to be said of the level just computed, in place of what was said of the one before."""
        self._finding = remark

    def fall_back_to_cpu(self, message: str) -> None:
        """Go on with the CPU for this volume; the next one may fit the device."""
        self.tell(message)
        self._place(self.runtime.on_cpu())

    def distrust(self) -> None:
        """The device's labels are wrong in this precision: go on in fp32, or if that was fp32, on the CPU."""
        runtime = self.runtime
        better = runtime.in_fp32() if runtime.precision != "fp32" else runtime.on_cpu()
        message = (
            f"Labels on {runtime.device} in {runtime.precision} did not agree with the CPU in fp32, "
            f"going on with {better.device} in {better.precision}."
        )
        self.tell(message)
        self._lasting_messages.append(message)
        self._use(better)

    def _use(self, runtime: Runtime) -> None:
        """Compute there from now on."""
        self._preferred = runtime
        self._place(runtime)

    def _place(self, runtime: Runtime) -> None:
        """Compute there for the current volume."""
        self.runtime = runtime
        self.net = place_net(self.model.net, runtime)
        for layer in self.net.modules():
            if isinstance(layer, ConvLayer):
                layer.register_forward_pre_hook(self._before_layer)

    def _before_layer(self, _layer: torch.nn.Module, _inputs: object) -> None:
        if self.interrupt is not None:
            self.interrupt()


def _is_whole(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def segment(
    volume: Volume,
    model: Model,
    *,
    levels: int | None = None,
    threshold: float | StopRule | None = None,
    all_levels: bool = False,
    device: str = "auto",
    tile: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[Level]:
    """Segment a volume level by level.

    Yields each level as soon as it is there. Blocks beyond the last yielded level are never executed: not when the stop
    rule ends the run, and not when the caller takes no further level.

    Args:
        volume: What to segment.
        model: With what.
        levels: The most levels to compute; None for all the model has.
        threshold: Stop when the improvement (1 - Jaccard to the level before) is below it, or a ``StopRule``; None for
            the model's own.
        all_levels: Switch the stop rule off.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        tile: Edge of the tiles in voxels; None to choose it from the free memory.
        progress: Called often with how far the run is.
        cancel: Asked often; when it returns True the run ends with ``Cancelled``.

    Yields:
        A ``Level`` each, from 1.

    Raises:
        CompactSegError: Its subclasses say what does not fit; arguments are checked before the first level.
    """
    segmenter = Segmenter(model, device=device, tile=tile)
    return segmenter.levels(
        volume,
        levels=levels,
        threshold=threshold,
        all_levels=all_levels,
        progress=progress,
        cancel=cancel,
    )
