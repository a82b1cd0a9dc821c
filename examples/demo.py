"""Segment both hippocampi of the MNI152 T1 template: ``make demo``.

The template comes inside the package nilearn, so nothing is downloaded. What the model expects is the
region of one hippocampus, and where that is in MNI space is known; so each is cut out, and the command
``compactseg segment`` is given the folder with both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

MODEL = "hippocampus-mr"
# Read off the template: each hippocampus lies 12 to 38 mm beside the middle, from 42 to 4 mm behind and from 28 mm
# below to 4 mm above the anterior commissure. The box leaves 8 to 9 mm around it, like the crops of the training data.
CENTRES_RAS_MM = {
    "left_hippocampus": (-25.0, -23.0, -12.0),
    "right_hippocampus": (25.0, -23.0, -12.0),
}
SIZE_MM = (42.0, 56.0, 48.0)


def load_template() -> Nifti1Image:
    """The MNI152 T1 template at 1 mm, without its skull, as nilearn carries it."""
    from nilearn.datasets import load_mni152_template

    return load_mni152_template(resolution=1)


def crop(
    image: Nifti1Image, *, centre_ras_mm: tuple[float, ...], size_mm: tuple[float, ...]
) -> Nifti1Image:
    """Cut a box out of an image whose axes run along the patient's; every voxel stays where it was."""
    import nibabel
    import numpy as np

    to_ijk = np.linalg.inv(image.affine)
    half = np.array(size_mm) / 2
    corners = nibabel.affines.apply_affine(to_ijk, [centre_ras_mm - half, centre_ras_mm + half])
    start = np.maximum(np.round(corners.min(axis=0)).astype(int), 0)
    stop = np.minimum(np.round(corners.max(axis=0)).astype(int), image.shape)
    return image.slicer[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]


def write_crops(folder: Path) -> list[Path]:
    """Write both regions as NIfTI files into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    template = load_template()
    paths = []
    for name, centre in CENTRES_RAS_MM.items():
        paths.append(folder / f"{name}.nii.gz")
        crop(template, centre_ras_mm=centre, size_mm=SIZE_MM).to_filename(paths[-1])
    return paths


def show(folder: Path, name: str, console: Console) -> None:
    """Print the levels of one case, and where its files are."""
    report = json.loads((folder / f"{name}_report.json").read_text(encoding="utf-8"))
    structures = list(report["levels"][0]["millilitres"])
    table = Table(title=name.replace("_", " "), title_justify="left", title_style="bold")
    for heading in [
        "level",
        "improvement",
        "seconds",
        "parameters",
        *[f"{s} (ml)" for s in structures],
    ]:
        table.add_column(heading, justify="right")
    for level in report["levels"]:
        improvement = level["improvement"]
        table.add_row(
            str(level["level"]),
            "" if improvement is None else f"{improvement:.3f}",
            f"{level['seconds']:.2f}",
            f"{level['parameters']:,}",
            *[f"{level['millilitres'][s]:.2f}" for s in structures],
        )
    console.print(table)
    console.print(f"  stopped at level {report['stopped_at']}: {report['reason']}")
    for path in [
        *sorted(folder.glob(f"{name}_level-*")),
        folder / f"{name}_report.json",
        folder / f"{name}_levels.png",
    ]:
        console.print(f"  {path}", soft_wrap=True, highlight=False)
    console.print()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--output", type=Path, default=Path("demo-output"), help="folder for the results"
    )
    output = parser.parse_args(arguments).output
    console = Console()
    begin = time.perf_counter()

    console.print("Cutting both hippocampi out of the MNI152 T1 template that nilearn carries")
    crops = write_crops(output / "input")
    command = [
        "segment",
        str(output / "input"),
        "--model",
        MODEL,
        "--output",
        str(output),
        "--all-levels",
        "--overwrite",
    ]
    console.print(f"compactseg {' '.join(command)}", style="bold", soft_wrap=True, highlight=False)
    code = subprocess.run(
        [sys.executable, "-m", "CompactSegLib.cli", *command], check=False
    ).returncode
    if code:
        return code

    console.print()
    for path in crops:
        show(output, path.name.removesuffix(".nii.gz"), console)
    console.print(
        f"Done in {time.perf_counter() - begin:.1f} seconds. Slicer opens the .seg.nrrd files on {output / 'input'}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
