"""Segment the brain of the MNI152 T1 template, then both hippocampi in detail: ``make demo``.

The template comes inside the package nilearn, so nothing is downloaded; it is without its skull. Both models take the
whole of it: in a head, `hippocampus-mr` works where `brain-mr` finds the hippocampi.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

TEMPLATE = "mni152_template"
SHOWN = (
    "Left cerebral white matter",
    "Right cerebral white matter",
    "Left cerebral cortex",
    "Right cerebral cortex",
    "Left lateral ventricle",
    "Right lateral ventricle",
    "Left hippocampus",
    "Right hippocampus",
    "Brain stem",
)
"""Structures whose volumes are printed, where a model has them; the report has all."""
FEW = 4
"""So many structures of a model are all printed."""


def load_template() -> Nifti1Image:
    """The MNI152 T1 template at 1 mm, without its skull, as nilearn carries it."""
    from nilearn.datasets import load_mni152_template

    return load_mni152_template(resolution=1)


def write_template(folder: Path) -> Path:
    """Write the whole template as a NIfTI file into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TEMPLATE}.nii.gz"
    load_template().to_filename(path)
    return path


def segment(source: Path, *, model: str, output: Path, console: Console) -> int:
    """Run ``compactseg segment`` with all levels, as a user would, and return its exit code."""
    command = ["segment", str(source), "--model", model, "--output", str(output)]
    command += ["--all-levels", "--overwrite"]
    console.print(f"compactseg {' '.join(command)}", style="bold", soft_wrap=True, highlight=False)
    run = subprocess.run([sys.executable, "-m", "CompactSegLib.cli", *command], check=False)
    console.print()
    return run.returncode


def show(folder: Path, name: str, console: Console) -> None:
    """Print the levels of one case, and where its files are."""
    report = json.loads((folder / f"{name}_report.json").read_text(encoding="utf-8"))
    levels = report["levels"]
    console.print(_table(name.replace("_", " "), levels))
    console.print(f"  stopped at level {report['stopped_at']}: {report['reason']}")
    for path in [
        *sorted(folder.glob(f"{name}_level-*")),
        folder / f"{name}_report.json",
        folder / f"{name}_levels.png",
    ]:
        console.print(f"  {path}", soft_wrap=True, highlight=False)
    console.print()


def _table(title: str, levels: list[dict[str, Any]]) -> Table:
    """A column for each level: what it changed and cost, and millilitres."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for level in levels:
        table.add_column(f"level {level['level']}", justify="right")
    rows: dict[str, list[str]] = {
        "improvement": [
            "" if each["improvement"] is None else f"{each['improvement']:.3f}" for each in levels
        ],
        "seconds": [f"{each['seconds']:.2f}" for each in levels],
        "parameters": [f"{each['parameters']:,}" for each in levels],
    }
    names = list(levels[0]["millilitres"])
    for name in names if len(names) <= FEW else [each for each in SHOWN if each in names]:
        rows[f"{name} (ml)"] = [f"{each['millilitres'][name]:.2f}" for each in levels]
    for heading, cells in rows.items():
        table.add_row(heading, *cells)
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--output", type=Path, default=Path("demo-output"), help="folder for the results"
    )
    output = parser.parse_args(arguments).output
    console = Console()
    begin = time.perf_counter()

    console.print("Taking the MNI152 T1 template that nilearn carries")
    template = write_template(output / "input")
    for model in ("brain-mr", "hippocampus-mr"):
        if code := segment(template, model=model, output=output / model, console=console):
            return code
        show(output / model, TEMPLATE, console)
    console.print(
        f"Done in {time.perf_counter() - begin:.1f} seconds. Slicer opens the .seg.nrrd files on the images in "
        f"{output / 'input'}.",
        soft_wrap=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
