"""Seconds per level and peak memory on a synthetic volume, for each precision, thread count and tile size.

Each setting runs in a process of its own, so that its peak memory is its own. "before" is the peak once torch, the
volume and the model are loaded; "peak" is that of the whole run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

from apart import measure_apart
from tables import show, write_json


def a_head(shape_kji: tuple[int, ...]):
    """A volume of 1 mm voxels with a bright ellipsoid in smooth and rough noise, about as a T1 head."""
    import numpy as np

    from CompactSegLib.volume.geometry import Geometry
    from CompactSegLib.volume.volume import Volume

    generator = np.random.default_rng(0)
    radius = sum(
        (axis / (0.45 * size)) ** 2
        for axis, size in zip(
            np.ogrid[tuple(slice(-size / 2, size / 2) for size in shape_kji)],
            shape_kji,
            strict=True,
        )
    )
    waves = np.sin(np.arange(shape_kji[2]) / 7) * np.sin(np.arange(shape_kji[1]) / 9)[:, None]
    array = (radius < 1) * (500 + 200 * waves) + generator.normal(0, 30, shape_kji)
    geometry = Geometry(size_ijk=shape_kji[::-1], spacing_mm=(1.0, 1.0, 1.0))
    return Volume(array=array[None].astype(np.float32), geometry=geometry, name="head")


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(setting: dict) -> dict:
    """Run one setting in this process."""
    import torch

    from CompactSegLib import Segmenter, load_model
    from CompactSegLib.inference.devices import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(setting["threads"])
    volume = a_head(tuple(setting["shape"]))
    begin = time.perf_counter()
    segmenter = Segmenter(
        load_model(setting["model"]),
        device=setting["device"],
        precision=setting["precision"],
        tile=setting["tile"],
    )
    ready = time.perf_counter() - begin
    before = peak_megabytes()
    best: list[float] = []
    for _ in range(setting["repeats"]):
        run = segmenter.start(volume)
        seconds = [level.seconds for level in run.levels(all_levels=True)]
        best = seconds if not best or sum(seconds) < sum(best) else best
    return {
        "device": str(run.info.device),
        "precision": run.info.precision,
        "threads": setting["threads"],
        "tile": run.info.tile,
        "ready (s)": ready,
        **{f"level {number} (s)": value for number, value in enumerate(best, start=1)},
        "all levels (s)": sum(best),
        "before (MB)": round(before),
        "peak (MB)": round(peak_megabytes()),
        "messages": "; ".join(run.info.messages),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="hippocampus-mr", help="name or folder")
    parser.add_argument(
        "--shape", type=int, nargs=3, default=(180, 256, 256), metavar=("K", "J", "I")
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", nargs="+", default=["fp32", "auto"])
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--tile", type=int, nargs="+", default=[0], help="0: as the engine chooses")
    parser.add_argument("--repeats", type=int, default=1, help="the fastest counts")
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    parser.add_argument("--setting", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.setting:
        print(json.dumps(measure(options.setting)))
        return

    rows = []
    for precision, threads, tile in itertools.product(
        options.precision, options.threads, options.tile
    ):
        print(
            f"{precision}, {threads} threads, tile {tile or 'chosen'} …",
            file=sys.stderr,
            flush=True,
        )
        setting = {
            "model": options.model,
            "shape": options.shape,
            "device": options.device,
            "precision": precision,
            "threads": threads,
            "tile": tile or None,
            "repeats": options.repeats,
        }
        rows.append(
            {
                "asked for": precision,
                **measure_apart(__file__, setting, OMP_NUM_THREADS=str(setting["threads"])),
            }
        )
    k, j, i = options.shape
    show(f"{options.model} on {i}×{j}×{k} voxels of 1 mm", rows)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
