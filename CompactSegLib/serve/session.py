"""What stays warm between requests: torch, the last model on its device, and the last volume with its feature maps."""

from __future__ import annotations

import ctypes
import json
import logging
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from CompactSegLib.errors import CompactSegError
from CompactSegLib.model.folder import model_data
from CompactSegLib.model.registry import load_model
from CompactSegLib.serve.requests import Id, LevelRequest, SegmentRequest
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.volume import Volume

if TYPE_CHECKING:
    from CompactSegLib.inference.progress import Progress
    from CompactSegLib.inference.run import Run
    from CompactSegLib.inference.segmenter import Segmenter
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level

_LOG = logging.getLogger("compactseg.worker")
_SECONDS_BETWEEN_PROGRESS = 0.05
_TOLD_OF_A_LEVEL = (
    "improvement", "improvement_by_label", "seconds", "millilitres", "parameters", "macs_per_voxel", "blocks_run",
    "stop", "stop_reason",
)  # fmt: skip

Tell = Callable[[dict[str, Any], np.ndarray | None], None]


class TorchError(CompactSegError):
    """PyTorch is not there, or does not load."""


class VolumeGone(CompactSegError):
    """A level of a volume that is no longer kept; the volume must be sent again."""


class Session:
    """Carries out requests, one after the other, in one thread."""

    def __init__(self) -> None:
        self._segmenter: Segmenter | None = None
        self._made_for: object = None
        self._run: Run | None = None
        self._of: Id | None = None
        self._known = 0
        self._has_torch = False

    def load_torch(self) -> None:
        """Import what segmenting needs; the first time it takes seconds.

        Raises:
            TorchError: It can not be imported.
        """
        begin = time.perf_counter()
        try:
            import torch

            from CompactSegLib.inference import segmenter
        except Exception as error:
            # Not only ImportError: a library that it needs may be missing, and a second try may fail in other ways.
            _LOG.exception("PyTorch could not be imported")
            raise TorchError(
                f"PyTorch could not be imported ({type(error).__name__}: {error}); install it, in Slicer with the "
                "PyTorch extension, elsewhere with pip install torch, and start the worker again."
            ) from error
        self._has_torch = True
        seconds = time.perf_counter() - begin
        if seconds > 0.1:
            _LOG.info(
                "torch %s and %s loaded in %.1f s", torch.__version__, segmenter.__name__, seconds
            )

    def prepare(self) -> None:
        """Load torch in a process of its own, which keeps the memory that it frees and takes the cores that are free.

        Raises:
            TorchError: It can not be imported.
        """
        is_first = not self._has_torch
        self.load_torch()
        from CompactSegLib.inference.devices import keep_freed_memory
        from CompactSegLib.inference.threads import use_free_cores

        if is_first:
            keep_freed_memory()
        use_free_cores()

    def devices(self) -> dict[str, Any]:
        """What ``devices`` tells: torch's version, and where it can compute, the one that ``auto`` takes first.

        A device that fails when it is only asked for its name is left out.

        Raises:
            TorchError: It can not be imported.
        """
        self.load_torch()
        import torch

        from CompactSegLib.inference.devices import select_runtime

        names = ["mps"] if torch.backends.mps.is_available() else []
        # Devices are counted by the driver's NVML, which also sees those that CUDA can not use.
        if torch.cuda.is_available():
            names = [f"cuda:{index}" for index in range(torch.cuda.device_count())] + names
        devices = []
        for name in [*names, "cpu"]:
            try:
                runtime = select_runtime(name)
                title = runtime.name
            except (CompactSegError, RuntimeError, AssertionError):  # the last one is torch's
                _LOG.exception("%s is left out", name)
                continue
            devices.append(
                {"name": str(runtime.device), "title": title, "precision": runtime.precision}
            )
        return {"torch": torch.__version__, "devices": devices}

    def segment(
        self, request: SegmentRequest, *, tell: Tell, cancel: Callable[[], bool]
    ) -> dict[str, Any]:
        """Segment a new volume; what was kept of the last one is freed.

        Args:
            request: What and how.
            tell: Takes ``progress`` and ``level`` events.
            cancel: Asked often; True ends the computation.

        Returns:
            What ``done`` tells.

        Raises:
            CompactSegError: Its subclasses say what does not fit.
            Cancelled: ``cancel`` said so; finished levels are kept.
        """
        size_ijk = request.array.shape[:-4:-1]
        geometry = Geometry.from_ijk_to_ras(size_ijk, np.array(request.ijk_to_ras))
        volume = Volume.from_array(request.array, geometry, name=request.name)
        model = load_model(request.model)
        self.load_torch()
        # Before the new maps are made, or both volumes' would be there at once.
        self._forget_volume()
        run = self.segmenter_for(model, request).start(volume)
        levels = run.levels(
            most=request.levels,
            threshold=request.threshold,
            all_levels=request.all_levels,
            progress=_Throttled(tell),
            cancel=cancel,
        )
        self._run, self._of = run, request.id
        return self._tell_levels(run, levels, request.levels, tell=tell)

    def level(
        self, request: LevelRequest, *, tell: Tell, cancel: Callable[[], bool]
    ) -> dict[str, Any]:
        """One level of the last volume, and those before it that are missing; arguments and events as `segment`.

        Raises:
            VolumeGone: The last volume is another one.
        """
        run = self._run
        if run is None or self._of != request.of:
            kept = "none is kept" if self._of is None else f"kept is that of {self._of!r}"
            raise VolumeGone(
                f"level: expected the volume of request {request.of!r}, but {kept}; segment it again."
            )
        levels = run.levels(
            most=request.level, all_levels=True, progress=_Throttled(tell), cancel=cancel
        )
        return self._tell_levels(run, levels, request.level, tell=tell)

    def _tell_levels(
        self, run: Run, levels: Iterator[Level], most: int | None, *, tell: Tell
    ) -> dict[str, Any]:
        """Tell the levels that are new, and level `most` also where it is not."""
        begin, blocks_run = time.perf_counter(), 0
        level: Level | None = None
        for level in levels:
            if level.number > self._known:
                self._known = level.number
                blocks_run += level.blocks_run
            elif level.number == most:
                level = replace(level, blocks_run=0)
            else:
                continue
            _LOG.info(
                "level %d in %.2f s, blocks run: %d", level.number, level.seconds, level.blocks_run
            )
            messages = [*run.volume.warnings, *run.info.messages]
            tell(_level_event(level) | asdict(run.info) | {"messages": messages}, level.labels)
        return {
            "level": level and level.number,
            "stop": level and level.stop,
            "stop_reason": level and level.stop_reason,
            "blocks_run": blocks_run,
            "seconds": time.perf_counter() - begin,
        }

    def segmenter_for(self, model: Model, request: SegmentRequest) -> Segmenter:
        """The model on the device and with the options that a request names; the one before, where it is that."""
        from CompactSegLib.inference.segmenter import Segmenter

        options: dict[str, Any] = {
            name: getattr(request, name) for name in ("device", "precision", "tile", "kept_bytes")
        }
        # A model's folder may have been replaced since.
        wanted = (str(model.folder), json.dumps(model_data(model), sort_keys=True), options)
        if self._segmenter is None or wanted != self._made_for:
            self._segmenter = None
            self._segmenter = Segmenter(model, **options)
            self._made_for = wanted
        return self._segmenter

    def forget(self) -> None:
        """Drop all but torch, as after a fault or when nobody will ask for a deeper level."""
        self._forget_volume()
        self._segmenter = None

    def _forget_volume(self) -> None:
        self._run, self._of, self._known = None, None, 0

    def rest(self) -> None:
        """Give memory that only waits for the next tensors back, as others may need it; the volume's maps stay."""
        if self._has_torch:
            import torch

            from CompactSegLib.inference.devices import release_cached

            # Not only where the volume is now: it may have left its device for the CPU, or the model another's.
            for kind in ("cuda", "mps"):
                release_cached(torch.device(kind))
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)


class _Throttled:
    """Progress events, of which a fast device would make thousands a second."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._level, self._next = tell, 0, 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.level != self._level or progress.fraction == 1 or now >= self._next:
            self._level, self._next = progress.level, now + _SECONDS_BETWEEN_PROGRESS
            self._tell({"event": "progress", **asdict(progress)}, None)


def _level_event(level: Level) -> dict[str, Any]:
    labels = [label.to_dict() for label in level.structures]
    told = {name: getattr(level, name) for name in _TOLD_OF_A_LEVEL}
    return {"event": "level", "level": level.number, "labels": labels, **told}
