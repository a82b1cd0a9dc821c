"""A worker that needs no torch: it answers as the real one does, with labels that thresholds make.

The self-test runs with it where PyTorch is not installed, as on machines that build extensions. Run as a program it
takes one argument, the seconds that each level lasts.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

# Beside the module's packages where it is installed, one folder up in a checkout.
_FOLDERS = Path(__file__).resolve().parents[2:4]
_STEP_SECONDS = 0.02


def commandOf(python: str, *, seconds: float = 0.3) -> str:
    """The worker command that starts this file."""
    return f'"{python}" "{Path(__file__).resolve()}" {seconds}'


class _FakeWorker:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._cancelled: set[Any] = set()
        self._array: np.ndarray | None = None
        self._voxelMl = 0.0
        self._of: Any = None
        self._model: Any = None
        self._events = os.fdopen(os.dup(1), "wb", buffering=0)
        self._lock = threading.Lock()

    def serve(self) -> None:
        from CompactSegLib.serve.events import ready

        self._offer = ready()
        self._tell(self._offer)
        devices = [{"name": "cpu", "title": "Fake processor", "precision": "fp32"}]
        self._tell({"event": "devices", "id": None, "torch": "none", "devices": devices})
        threading.Thread(target=self._read, daemon=True).start()
        while (frame := self._requests.get()) is not None:
            self._answer(frame)

    def _read(self) -> None:
        from CompactSegLib.serve.protocol import Frame, read_frames

        for frame in read_frames(os.fdopen(os.dup(0), "rb", buffering=0)):
            kind = frame.message.get("request") if isinstance(frame, Frame) else None
            if kind == "shutdown":
                break
            if kind == "cancel":
                self._cancelled.add(frame.message["id"])
            elif kind is not None:
                self._requests.put(frame)
        self._requests.put(None)

    def _answer(self, frame: Any) -> None:
        message = frame.message
        kind, request = message["request"], message["id"]
        if kind in ("models", "hello"):
            self._tell({**self._offer, "event": "models", "id": request})
        elif kind == "segment":
            models = self._offer["models"]
            self._model = next(
                each for each in models if message["model"] in (each["name"], each["folder"])
            )
            self._array, self._of = frame.array, request
            self._voxelMl = abs(np.linalg.det(np.array(message["ijk_to_ras"])[:3, :3])) / 1000
            rule = message.get("threshold")
            rule = self._model["stop"]["threshold"] if rule is None else rule
            most = message.get("levels") or self._model["levels"]
            self._run(request, 1, most, 0.0 if message.get("all_levels") else rule)
        elif kind == "level" and message["of"] == self._of:
            self._run(request, message["level"], message["level"], 0.0)
        elif kind == "level":
            sentence = "The volume is no longer kept."
            self._tell(
                {"event": "error", "id": request, "kind": "volume-gone", "sentence": sentence}
            )

    def _run(self, request: Any, first: int, most: int, threshold: float) -> None:
        begin = time.monotonic()
        for level in range(first, most + 1):
            until = time.monotonic() + self._seconds
            while (left := until - time.monotonic()) > 0:
                if request in self._cancelled:
                    self._tell({"event": "cancelled", "id": request})
                    return
                told = {"level": level, "levels": most, "fraction": 1 - left / self._seconds}
                self._tell({"event": "progress", "id": request, "message": "", **told})
                time.sleep(min(left, _STEP_SECONDS))
            labels = self._labels(level)
            changes = self._changes(labels, self._labels(level - 1)) if level > 1 else None
            change = max(changes.values()) if changes else None
            isLast = level == self._model["levels"]
            stop = "last-level" if isLast else "levels-requested" if level == most else None
            if stop is None and change is not None and change < threshold:
                stop = "threshold"
            reason = f"the change at level {level} is {change}" if stop == "threshold" else stop
            print(f"level {level}, blocks run: 2", file=sys.stderr, flush=True)
            event = {
                "event": "level", "id": request, "level": level, "improvement": change,
                "improvement_by_label": changes, "seconds": self._seconds, "parameters": 1, "macs_per_voxel": 1.0,
                "millilitres": self._millilitres(labels), "labels": self._model["labels"], "blocks_run": 2,
                "stop": stop, "stop_reason": reason, "device": "cpu", "device_name": "Fake processor",
                "precision": "fp32", "tile": 0, "messages": [] if labels.any() else ["Nothing was found."],
            }  # fmt: skip
            self._tell(event, labels)
            if stop is not None:
                break
        told = {
            "level": level,
            "stop": stop,
            "stop_reason": reason,
            "blocks_run": level - first + 1,
        }
        self._tell({"event": "done", "id": request, "seconds": time.monotonic() - begin, **told})

    def _labels(self, level: int) -> np.ndarray:
        """(k, j, i) uint8: what is brighter than the mean, cut into a slab for each label; less at deeper levels."""
        array = self._array.astype(np.float32)
        isBody = array > array.mean() + 0.05 * level * array.std()
        names = self._model["labels"]
        slab = np.arange(array.shape[2]) * len(names) // array.shape[2]
        values = np.array([each["value"] for each in names], np.uint8)
        return isBody * values[slab]

    def _changes(self, labels: np.ndarray, before: np.ndarray) -> dict[str, float]:
        changes = {}
        for each in self._model["labels"]:
            now, then = labels == each["value"], before == each["value"]
            either = np.count_nonzero(now | then)
            both = np.count_nonzero(now & then)
            changes[each["name"]] = 1 - both / either if either else 0.0
        return changes

    def _millilitres(self, labels: np.ndarray) -> dict[str, float]:
        counts = np.bincount(labels.ravel(), minlength=256)
        return {
            each["name"]: float(counts[each["value"]] * self._voxelMl)
            for each in self._model["labels"]
        }

    def _tell(self, event: dict[str, Any], array: np.ndarray | None = None) -> None:
        from CompactSegLib.serve.protocol import write_frame

        with self._lock:
            write_frame(self._events, event, array)


if __name__ == "__main__":
    sys.path[0] = str(next(each for each in _FOLDERS if (each / "CompactSegLib").is_dir()))
    _FakeWorker(float(sys.argv[1]) if len(sys.argv) > 1 else 0.3).serve()
