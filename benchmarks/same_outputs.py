"""The command of two checkouts on the same inputs: which files come out byte for byte the same.

    python benchmarks/same_outputs.py OLD_CHECKOUT head.nii.gz:brain-mr crop.nii.gz:hippocampus-mr

Each input is segmented with all levels, in fp32 on the CPU, by this checkout and by the old one. Reports are compared
value by value, without what no two runs have in common, seconds and dates; pictures are left out, as they show seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tables import show

REPOSITORY = Path(__file__).resolve().parents[1]
_OWN = {"seconds", "date"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path, help="the other checkout")
    parser.add_argument("inputs", nargs="+", metavar="FILE:MODEL")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for text in arguments.inputs:
            source, _, model = text.rpartition(":")
            outputs = [Path(folder) / name for name in ("old", "new")]
            for checkout, output in zip((arguments.old, REPOSITORY), outputs, strict=True):
                segment(Path(source).resolve(), model, checkout.resolve(), output)
            rows.append({"input": Path(source).name, "model": model, **compared(*outputs)})
    show("Files of the old and the new command", rows)


def segment(source: Path, model: str, checkout: Path, output: Path) -> None:
    """Run a checkout's command; the output folder is emptied first."""
    for file in output.glob("*"):
        file.unlink()
    options = ["--all-levels", "--precision", "fp32", "--device", "cpu", "--overwrite"]
    command = [sys.executable, "-m", "CompactSegLib.cli", "segment", source]
    subprocess.run(
        [*map(str, command), "--model", model, "--output", str(output), *options],
        cwd=output.parent,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def compared(old: Path, new: Path) -> dict[str, object]:
    """How many files are the same, and what differs."""
    names = {path.name for path in (*old.iterdir(), *new.iterdir()) if path.suffix != ".png"}
    same, different = 0, []
    for name in sorted(names):
        if name.endswith(".json"):
            different += differences(*(json.loads((f / name).read_text()) for f in (old, new)))
        elif (old / name).read_bytes() == (new / name).read_bytes():
            same += 1
        else:
            different.append(name)
    return {
        "files the same, byte for byte": f"{same} of {len(names) - 1}",
        "what differs": ", ".join(sorted(set(different))) or "–",
    }


def differences(old: Any, new: Any, where: str = "report") -> list[str]:
    """The places of two reports that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            place
            for key in sorted({*old, *new} - _OWN)
            for place in differences(old.get(key), new.get(key), f"{where}.{key}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            place
            for before, after in zip(old, new, strict=True)
            for place in differences(before, after, f"{where}[]")
        ]
    return [] if old == new else [where]


if __name__ == "__main__":
    main()
