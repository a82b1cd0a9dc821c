"""Seconds from sending a whole head to holding each level, and the worker's peak memory, as Slicer's side sees them.

The head is the MNI152 T1 template, on a grid as a scanner has it. "first" is the first volume after torch is loaded,
"warm" the best of those after it. Each setting has a worker of its own; its peak is that of its whole life.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from apart import measure_apart
from tables import show, write_json

from CompactSegLib.serve.protocol import Frame, read_frames, write_frame

WORKER = (sys.executable, "-m", "CompactSegLib.cli", "worker")


def template_head(size_ijk: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The template in the middle of a grid of 1 mm voxels: int16 (k, j, i), and its voxels to RAS."""
    from nilearn.datasets import load_mni152_template

    template = load_mni152_template(resolution=1)
    image = np.round(1000 * template.get_fdata()).astype(np.int16)
    start = [(here - there) // 2 for here, there in zip(size_ijk, image.shape, strict=True)]
    inner = [slice(max(0, a), max(0, a) + n) for a, n in zip(start, image.shape, strict=True)]
    cut = [slice(max(0, -a), max(0, -a) + n) for a, n in zip(start, size_ijk, strict=True)]
    whole = np.zeros(size_ijk, np.int16)
    whole[tuple(inner)] = image[tuple(cut)]
    ijk_to_ras = template.affine.copy()
    ijk_to_ras[:3, 3] -= ijk_to_ras[:3, :3] @ start
    return np.ascontiguousarray(whole.T), ijk_to_ras


def peak_of_children_megabytes() -> float:
    """The most memory that a child that has ended held."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def until(events: Iterator[Frame], *names: str) -> Frame:
    """The next event with one of these names."""
    for frame in events:
        if frame.message["event"] == "error":
            raise SystemExit(frame.message["sentence"])
        if frame.message["event"] in names:
            return frame
    raise SystemExit("The worker ended.")


def measure(setting: dict) -> dict:
    """Run one setting; in a process of its own, whose only child is the worker."""
    array, ijk_to_ras = template_head(tuple(setting["size"]))
    worker = subprocess.Popen(
        WORKER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": str(setting["threads"])},
    )
    events = read_frames(worker.stdout)
    until(events, "devices")
    runs: list[list[float]] = []
    last = {}
    for number in range(1 + setting["repeats"]):
        begin, seconds = time.perf_counter(), []
        request = {
            "id": number,
            "model": setting["model"],
            "ijk_to_ras": ijk_to_ras.tolist(),
            "precision": setting["precision"],
            "device": setting["device"],
            "all_levels": True,
        }
        write_frame(worker.stdin, {"request": "segment", **request}, array)
        while (frame := until(events, "level", "done")).message["event"] == "level":
            seconds.append(time.perf_counter() - begin)
            last = frame.message
        runs.append(seconds)
    worker.stdin.close()
    worker.wait()
    warm = min(runs[1:], key=lambda seconds: seconds[-1])
    return {
        "precision": last["precision"],
        "device": last["device"],
        "threads": setting["threads"],
        "tile": last["tile"],
        **{
            f"{when}, level {level} (s)": at
            for when, seconds in (("first", runs[0]), ("warm", warm))
            for level, at in enumerate(seconds, start=1)
        },
        "peak (MB)": round(peak_of_children_megabytes()),
        "messages": "; ".join(last["messages"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="brain-mr", help="name or folder")
    parser.add_argument(
        "--size", type=int, nargs=3, default=(180, 256, 256), metavar=("I", "J", "K")
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", nargs="+", default=["fp32", "auto"])
    parser.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count() or 1])
    parser.add_argument("--repeats", type=int, default=3, help="warm runs, the fastest counts")
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    parser.add_argument("--setting", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.setting:
        print(json.dumps(measure(options.setting)))
        return
    rows = []
    for precision, threads in itertools.product(options.precision, options.threads):
        print(f"{precision}, {threads} threads …", file=sys.stderr, flush=True)
        names = ("model", "size", "device", "repeats")
        setting = {name: getattr(options, name) for name in names}
        rows.append(measure_apart(__file__, setting | {"precision": precision, "threads": threads}))
    show(f"{options.model} on {'×'.join(map(str, options.size))} voxels of 1 mm", rows)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
