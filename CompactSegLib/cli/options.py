"""Options that several commands have, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Cases", "Data", "Device", "Labels", "MostLevel", "Tile"]

Data = Annotated[
    Path,
    typer.Option(
        help="Decathlon or nnU-Net folder (with dataset.json), or a folder of images with --labels. If the plan has a "
        "synthesis: a folder of label maps.",
        metavar="FOLDER",
    ),
]
Cases = Annotated[
    Path,
    typer.Option(
        help="Decathlon or nnU-Net folder (with dataset.json), or a folder of images with --labels. The label values "
        "must be the model's.",
        metavar="FOLDER",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="Folder of label files, named like the images, if --data is a plain folder of images.",
        metavar="FOLDER",
    ),
]
MostLevel = Annotated[int | None, typer.Option(help="Deepest level to compute.", metavar="N")]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or mps.")]
Tile = Annotated[
    int | None,
    typer.Option(
        help="Edge of the tiles in voxels. Default: as large as memory allows.", metavar="N"
    ),
]
