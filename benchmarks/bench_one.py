"""One measurement, in a process of its own: ``--setting JSON`` in, a row of JSON out.

It uses what every version of the library has, so that an older checkout is measured by the same code.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerator import accelerator
from peers import CLASSES, PEERS, small_dynunet
from worker import template_head

if TYPE_CHECKING:
    from CompactSegLib import Volume

_LONGEST = 256
_STAGES = (
    ("inference.prepared", "PreparedImage", "__init__", "prepare"),
    ("network.blocks", "Block", "forward", "net, blocks"),
    ("network.net", "MultiLevelNet", "level_logits", "net, heads"),
    ("network.feature_map", "FeatureMap", "joined", "net, maps joined"),
    ("inference.tiled_level", "TiledLevel", "labels", "tiles, ties"),
    ("volume.resampling", "GridMap", "labels", "labels on the source grid"),
    ("volume.resampling", "GridMap", "close_calls", "ties found"),
    ("volume.resampling", "GridMap", "labels_and_ties", "labels on the source grid"),
    ("volume.refinement", "Refinement", "refined", "refinement"),
    ("inference.run", "Run", "_with_sides", "sides"),
    ("inference.run", "Run", "_result", "change, millilitres"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--setting", type=json.loads, required=True)
    setting = parser.parse_args().setting
    kinds = {"product": product, "peer": peer, "command": command, "work": work}
    row = kinds[setting["kind"]](setting)
    print(json.dumps(row))


def the_head(size_ijk: tuple[int, int, int]) -> Volume:
    """The template in a grid of 1 mm voxels; in one larger than it is, enlarged so that it fills as much of it."""
    from CompactSegLib import Geometry, Volume

    scale = max(1.0, max(size_ijk) / _LONGEST)
    array, _ = template_head(tuple(round(n / scale) for n in size_ijk))
    if scale > 1:
        enlarged = torch.nn.functional.interpolate(
            torch.from_numpy(array)[None, None].float(), size=size_ijk[::-1], mode="trilinear"
        )
        array = enlarged[0, 0].round().numpy().astype(np.int16)
    # As the template lies: i to the patient's right, j to the front.
    geometry = Geometry(
        size_ijk, (1.0, 1.0, 1.0), direction_lps=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    )
    return Volume(array[None], geometry, name="head")


def product(setting: dict[str, Any]) -> dict[str, Any]:
    """All levels of a head, the second time in a warm process; seconds of each stage from a third."""
    from CompactSegLib import Segmenter, load_model
    from CompactSegLib.inference.devices import keep_freed_memory

    keep_freed_memory()
    if setting.get("is_busy"):
        # Versions before this one take as many as there are cores.
        with suppress(ImportError):
            from CompactSegLib.inference.threads import use_free_cores

            use_free_cores()
    volume = the_head(tuple(setting["size"]))
    device = setting.get("device", "cpu")
    segmenter = Segmenter(load_model(setting["model"]), device=device, precision=_precision(device))

    def run() -> list[float]:
        begin, until = time.perf_counter(), []
        for _ in segmenter.start(volume).levels(all_levels=True):
            until.append(time.perf_counter() - begin)
        return until

    if setting.get("is_cold"):
        before, until = 0.0, run()
    else:
        run()
        before, until = time.process_time(), run()
    row = {
        **{f"level {number}": at for number, at in enumerate(until, start=1)},
        "CPU": time.process_time() - before,
        "peak MB": _peak_megabytes(device),
    }
    if setting.get("stages") and device == "cpu":
        row["stages"] = _stages_of(run, time.process_time)
        row["of the ceiling"] = _of_the_ceiling(segmenter.model, volume, row["stages"])
    return row


def work(setting: dict[str, Any]) -> dict[str, Any]:
    """What an accelerator that is not there would have to do for all levels of a head."""
    from CompactSegLib import Segmenter, load_model

    volume = the_head(tuple(setting["size"]))
    with accelerator("cuda") as asked:
        segmenter = Segmenter(load_model(setting["model"]), device="cuda", precision="fp32")
        run = segmenter.start(volume)
        stages = _stages_of(lambda: list(run.levels(all_levels=True)), lambda: asked.begun.total())
        assert not run.info.messages, run.info.messages
    return {
        "stages": {stage: round(begun) for stage, begun in stages.items() if begun},
        "waits for a result": asked.waits,
        "copies to it": asked.uploads,
        "MB to it": asked.bytes_up / 1e6,
        "MB from it": asked.bytes_down / 1e6,
    }


def peer(setting: dict[str, Any]) -> dict[str, Any]:
    """One window through another's net, times the windows that a head takes."""
    if setting["name"] == "DynUNet, hippocampus":
        net, shape, windows = small_dynunet(3), (40, 56, 40), 1
    else:
        one = PEERS[setting["name"]]
        net, windows = one.build(CLASSES), one.windows(tuple(setting["size"]))
        shape = (one.window,) * 3
    device = setting.get("device", "cpu")
    net = net.eval().to(device)
    image = torch.randn(1, 1, *shape, device=device)
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        if setting.get("is_warm") or device != "cpu":
            net(image).flatten()[0].item()
        before, begin = time.process_time(), time.perf_counter()
        net(image).flatten()[0].item()  # an accelerator is waited for
        seconds = time.perf_counter() - begin
    return {
        "one window": seconds,
        "windows": windows,
        "last level": windows * seconds,
        "CPU": windows * (time.process_time() - before),
        "peak MB": _peak_megabytes(device),
    }


def command(setting: dict[str, Any]) -> dict[str, Any]:
    """``compactseg segment`` from file to files."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "head.nii.gz"
        _write(the_head(tuple(setting["size"])), file)
        arguments = [sys.executable, "-m", "CompactSegLib.cli", "segment", file, "--all-levels"]
        device = setting.get("device", "cpu")
        options = ["--model", setting["model"], "--device", device]
        options += ["--precision", _precision(device)]
        begin = time.perf_counter()
        subprocess.run(
            [*map(str, arguments), *options, "--output", str(Path(folder) / "out")],
            cwd=folder,  # what lies in it would be imported before the checkout asked for
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"file to files": seconds, "CPU": used.ru_utime + used.ru_stime}


def _write(volume: Any, path: Path) -> None:
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(volume.array[0])
    image.SetDirection(volume.geometry.direction_lps)
    sitk.WriteImage(image, str(path))


def _precision(device: str) -> str:
    return "fp32" if device == "cpu" else "auto"


def _stages_of(run: Callable[[], object], clock: Callable[[], float]) -> dict[str, float]:
    """What a clock counts in a run by stage, each without what stages within it take."""
    import importlib

    seconds: dict[str, float] = defaultdict(float)
    inside = [0.0]

    def timed(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*arguments: Any, **options: Any) -> Any:
            inside.append(0.0)
            begin = clock()
            try:
                return function(*arguments, **options)
            finally:
                took = clock() - begin
                seconds[stage] += took - inside.pop()
                inside[-1] += took

        return wrapper

    for module, owner, name, stage in _STAGES:
        with suppress(ImportError, AttributeError):  # an older version has fewer
            cls = getattr(importlib.import_module(f"CompactSegLib.{module}"), owner)
            setattr(cls, name, timed(getattr(cls, name), stage))
    timed(run, "rest")()
    return dict(seconds)


def _of_the_ceiling(model: Any, volume: Volume, stages: dict[str, float]) -> float:
    """Operations of blocks and heads in a CPU second, of those of one large convolution in a CPU second."""
    from CompactSegLib.network.cost import level_costs

    extent_mm3 = volume.array[0].size * 1000 * volume.geometry.voxel_millilitres
    voxels = extent_mm3 / math.prod(model.spacing_mm)
    work = level_costs(model.net_config)[-1].macs_per_voxel_all_levels * voxels
    took = sum(seconds for name, seconds in stages.items() if name.startswith("net, "))
    channels, edge = 64, 48
    weight = torch.randn(channels, channels, 3, 3, 3)
    image = torch.randn(1, channels, edge, edge, edge)
    image, weight = (each.to(memory_format=torch.channels_last_3d) for each in (image, weight))
    least = math.inf
    with torch.inference_mode():
        for _ in range(5):
            begin = time.process_time()
            torch.mkldnn_convolution(image, weight, None, (1, 1, 1), (1, 1, 1), (1, 1, 1), 1)
            least = min(least, time.process_time() - begin)
    return work / took / (channels**2 * 27 * edge**3 / least)


def _peak_megabytes(device: str) -> float:
    """The most that was ever held, on CUDA of the device's memory."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    if threads := os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(threads))
    main()
