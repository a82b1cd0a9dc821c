"""A worker that needs no torch: the real one, with levels that thresholds make instead of a net.

The self-test runs with it where PyTorch is not installed, as on machines that build extensions. It takes no time, but
for the deeper levels of an image called *held*: they wait for what a scenario does before them. Run as a program it
takes one argument, if any: the seconds that each level lasts instead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if __name__ == "__main__":
    # Beside the module's packages where it is installed, one folder up in a checkout.
    folders = Path(__file__).resolve().parents[2:4]
    sys.path[0] = str(next(each for each in folders if (each / "CompactSegLib").is_dir()))

from CompactSegLib.errors import Cancelled
from CompactSegLib.inference.progress import Progress
from CompactSegLib.inference.stop import jaccard_distances, overlap_counts
from CompactSegLib.output.level import Level, RunInfo
from CompactSegLib.serve.session import Session
from CompactSegLib.serve.worker import run_worker

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model
    from CompactSegLib.volume.volume import Volume

_STEP_SECONDS = 0.02
_HELD_SECONDS = 200.0


def commandOf(python: str, *, seconds: float | None = None) -> str:
    """The worker command that starts this file; None for levels that wait where a scenario needs it."""
    command = f'"{python}" "{Path(__file__).resolve()}"'
    return command if seconds is None else f"{command} {seconds}"


class _FakeSession(Session):
    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self._seconds = seconds

    def load_torch(self) -> None:
        pass

    def prepare(self) -> None:
        pass

    def devices(self) -> dict[str, Any]:
        device = {"name": "cpu", "title": "Fake processor", "precision": "fp32"}
        return {"torch": "none", "devices": [device]}

    def segmenter_for(self, model: Model, _request: Any) -> Any:
        return SimpleNamespace(start=partial(_FakeRun, model, self._seconds))


class _FakeRun:
    def __init__(self, model: Model, seconds: float | None, volume: Volume) -> None:
        self._model, self._seconds, self.volume = model, seconds, volume
        self._levels: list[Level] = []

    @property
    def info(self) -> RunInfo:
        isEmpty = not self._levels[-1].labels.any()
        messages = ("Nothing was found.",) if isEmpty else ()
        return RunInfo("cpu", "Fake processor", "fp32", 0, messages)

    def levels(
        self,
        *,
        most: int | None,
        threshold: float | None = None,
        all_levels: bool,
        progress: Callable[[Progress], None],
        cancel: Callable[[], bool],
    ) -> Iterator[Level]:
        last = len(self._model.levels)
        most = most or last
        threshold = self._model.threshold if threshold is None else threshold
        for number in range(1, most + 1):
            if number > len(self._levels):
                self._wait(number, most, progress, cancel)
                self._levels.append(self._level(number))
            level, stop = self._levels[number - 1], None
            change = level.improvement
            if number == most:
                stop = "last-level" if number == last else "levels-requested"
            elif not all_levels and change is not None and change < threshold:
                stop = "threshold"
            reason = f"the change at level {number} is {change}" if stop == "threshold" else stop
            yield replace(level, stop=stop, stop_reason=reason)
            if stop is not None:
                return

    def _wait(
        self,
        number: int,
        most: int,
        progress: Callable[[Progress], None],
        cancel: Callable[[], bool],
    ) -> None:
        seconds = self._secondsOf(number)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if cancel():
                raise Cancelled
            progress(Progress(number, most, 1 - left / seconds, ""))
            time.sleep(min(left, _STEP_SECONDS))

    def _secondsOf(self, number: int) -> float:
        if self._seconds is not None:
            return self._seconds
        return _HELD_SECONDS if self.volume.name.startswith("held") and number > 1 else 0.0

    def _level(self, number: int) -> Level:
        labels, known = self._labels(number), self._model.labels
        before = self._levels[-1].labels if self._levels else None
        counts = overlap_counts(before, labels, classes=len(known) + 1)
        changes = jaccard_distances(counts) if self._levels else {}
        millilitres = counts.sum(axis=0) * self.volume.geometry.voxel_millilitres
        return Level(
            number=number,
            labels=labels,
            geometry=self.volume.geometry,
            structures=known,
            improvement=max(changes.values(), default=None),
            improvement_by_label={each.name: changes[each.value] for each in known if changes},
            seconds=self._secondsOf(number),
            millilitres={each.name: float(millilitres[each.value]) for each in known},
            parameters=1,
            macs_per_voxel=1.0,
            blocks_run=1 if self._levels else 2,
        )

    def _labels(self, number: int) -> np.ndarray:
        """(k, j, i) uint8: what is brighter than the mean, cut into a slab for each label; less at deeper levels."""
        array = self.volume.array[0].astype(np.float32)
        isBody = array > array.mean() + 0.05 * number * array.std()
        values = np.array([each.value for each in self._model.labels], np.uint8)
        return isBody * values[np.arange(array.shape[2]) * len(values) // array.shape[2]]


if __name__ == "__main__":
    run_worker(session=_FakeSession(float(sys.argv[1]) if sys.argv[1:] else None))
