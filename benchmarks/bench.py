"""``make bench``: CompactSeg and others on the same volumes, one after the other in turns, and RESULTS.md of it.

    python -m benchmarks.bench                                  # all parts, then benchmarks/RESULTS.md
    python -m benchmarks.bench --parts head peers --repeats 1   # some; the others stay as they were measured
    python -m benchmarks.bench --parts sizes --only 400³        # of a part, some
    python -m benchmarks.bench --before OLD_CHECKOUT            # an older version beside this one
    python -m benchmarks.bench --device cuda                    # on an accelerator, in its precision, up to 512³

Every measurement has a process of its own (`bench_one.py`). Others' nets are timed on one window, times the windows
that a head takes: no reading, resampling or blending is counted against them. Memory is the most a process ever held.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.apart import measure_apart
from benchmarks.bench_report import write_results
from benchmarks.peers import PEERS

HERE = Path(__file__).resolve().parent
# Beside the document that is made of it, so that parts measured elsewhere and earlier are not lost to it.
STORE = HERE / "results.json"
HEAD, CROP = (180, 256, 256), (36, 52, 36)
BRAIN, HIPPOCAMPUS = "brain-mr", "hippocampus-mr"
CUBES = (256, 320, 400)
PARTS = ("head", "sizes", "hippocampus", "command", "busy", "peers", "work")
# What tells of the CPU alone.
OF_THE_CPU = ("busy", "work")


def settings(part: str, device: str = "cpu") -> dict[str, dict[str, Any]]:
    """What a part measures, by name."""
    brain = {"kind": "product", "model": BRAIN}
    if part == "head":
        return {"CompactSeg": brain | {"size": HEAD, "stages": True}}
    if part == "busy":
        return {"CompactSeg": brain | {"size": HEAD, "is_busy": True}}
    if part == "sizes":
        cubes = CUBES if device == "cpu" else (*CUBES, 512)
        is_cold = device == "cpu"
        return {f"{n}³": brain | {"size": (n, n, n), "is_cold": is_cold} for n in cubes}
    if part == "work":
        return {"CompactSeg": {"kind": "work", "model": BRAIN, "size": HEAD}}
    if part == "command":
        return {"CompactSeg": {"kind": "command", "model": BRAIN, "size": HEAD}}
    if part == "hippocampus":
        return {
            "CompactSeg": {"kind": "product", "model": HIPPOCAMPUS, "size": CROP},
            "DynUNet, hippocampus": {
                "kind": "peer",
                "name": "DynUNet, hippocampus",
                "is_warm": True,
            },
        }
    return {name: {"kind": "peer", "name": name, "size": HEAD} for name in PEERS}


def chosen(
    parts: Sequence[str], only: Sequence[str] | None, device: str = "cpu"
) -> dict[str, dict[str, Any]]:
    """What is to be measured, by part and name.

    Raises:
        SystemExit: The parts have nothing of a name; it says which names there are.
    """
    found = {part: settings(part, device) for part in parts}
    names = sorted({name for of_part in found.values() for name in of_part})
    if unknown := sorted({*(only or ())} - {*names}):
        raise SystemExit(
            f"--only: expected names that {', '.join(parts)} have ({', '.join(map(repr, names))}), "
            f"got {', '.join(map(repr, unknown))}."
        )
    return {
        part: {name: each for name, each in of_part.items() if not only or name in only}
        for part, of_part in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS)
    parser.add_argument("--only", nargs="+", help="of a part, what has one of these names")
    parser.add_argument("--repeats", type=int, default=3, help="medians are told")
    parser.add_argument("--before", type=Path, help="a checkout of an older version")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    versions = {"now": HERE.parent}
    if options.before:
        versions = {"before": options.before.resolve(), **versions}
    parts = options.parts or [
        part for part in PARTS if options.device == "cpu" or part not in OF_THE_CPU
    ]
    wanted = chosen(parts, options.only, options.device)
    on = "" if options.device == "cpu" else f" on {options.device}"
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    for part in wanted:
        rows: dict[str, list[dict]] = {}
        checkouts: dict[str, Path] = {}
        for _ in range(options.repeats):
            for name, setting in wanted[part].items():
                for version, checkout in versions.items():
                    if setting["kind"] == "peer" and version == "before":
                        continue
                    of_version = f"/{version}" if setting["kind"] != "peer" else ""
                    key = f"{part}/{name}{of_version}{on}"
                    checkouts[key] = checkout
                    row = measured(setting | {"device": options.device}, checkout, options.threads)
                    rows.setdefault(key, []).append(row)
                    print(f"{key}: {row}", file=sys.stderr, flush=True)
        for key, found in rows.items():
            stored[key] = {
                "rows": found,
                "commit": commit_of(checkouts[key]),
                "date": time.strftime("%Y-%m-%d"),
                "threads": options.threads,
            }
        STORE.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    write_results(stored, HERE)


def measured(setting: dict[str, Any], checkout: Path, threads: int) -> dict[str, Any]:
    """One measurement of a checkout's library."""
    load = busy_loops(2) if setting.get("is_busy") else contextlib.nullcontext()
    environment = {"PYTHONPATH": str(checkout)}
    if not setting.get("is_busy"):  # there the library is to choose
        environment["OMP_NUM_THREADS"] = str(threads)
    with load:
        return measure_apart(str(HERE / "bench_one.py"), setting, **environment)


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many processes that do nothing but take a core's time."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def commit_of(checkout: Path) -> str:
    found = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    )
    return found.stdout.strip() or "no commit"


if __name__ == "__main__":
    main()
