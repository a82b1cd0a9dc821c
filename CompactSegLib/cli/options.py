"""The options of the commands that have many: fields of a data class, each with its help."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from CompactSegLib.paths import given

T = TypeVar("T")

SUFFIXES = {"seg.nrrd": ".seg.nrrd", "nii.gz": ".nii.gz", "dicom-seg": ".dcm"}
"""Of the files, by the name of the format."""

_DATA = "Decathlon or nnU-Net folder (with dataset.json), or a folder of images with --labels."

_Level = Annotated[int | None, typer.Option(help="Deepest level to compute.", metavar="N")]
_Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or mps.")]
_Labels = Annotated[
    Path | None,
    typer.Option(
        help="Folder of label files, named like the images, if --data is a plain folder of images.",
        metavar="FOLDER",
    ),
]
_Tile = Annotated[
    int | None,
    typer.Option(
        help="Edge of the tiles in voxels. Default: as large as memory allows.", metavar="N"
    ),
]


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Give a command the fields of a data class as its options."""
    kinds = get_type_hints(options, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=kinds[field.name],
        )
        for field in fields(options)  # type: ignore[arg-type]
    ]

    def decorate(command: Callable[[T], None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:
            command(options(**{name: _home_in(value) for name, value in values.items()}))

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def _home_in(value: Any) -> Any:
    """A shell leaves the ``~`` of ``--output=~/results`` as it is."""
    return given(value) if isinstance(value, Path) else value


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """What the user of ``compactseg segment`` asks for."""

    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results; or a file (.seg.nrrd, .nii.gz, .dcm) for the last level of one volume.",
            metavar="DIR|FILE",
        ),
    ]
    volume: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT",
            help="Image file (NIfTI, NRRD, MetaImage, MGZ, DICOM), folder of DICOM images (one volume), folder of "
            "cases (image files, and sub-folders of DICOM images), or table of cases (.csv with the column path, and "
            "optionally case and series).",
        ),
    ] = None
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="Same as INPUT.", metavar="PATH")
    ] = None
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="Name or folder of a model. Default: the first that `compactseg models` lists.",
            metavar="NAME|DIR",
            show_default=False,
        ),
    ] = ""
    level: _Level = None
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Stop when a level changes every structure by less than X (1 - Jaccard to the level before; 0 to 1). "
            "0 computes all levels. Default: the model's own.",
            metavar="X",
        ),
    ] = None
    all_levels: Annotated[
        bool, typer.Option("--all-levels", help="Compute all levels, whatever the threshold.")
    ] = False
    device: _Device = "auto"
    precision: Annotated[
        str,
        typer.Option(
            help="auto (the fastest the device offers), fp32 (the same labels for any tile size), bf16 or fp16."
        ),
    ] = "auto"
    tile: _Tile = None
    format: Annotated[str, typer.Option(help="Output format: seg.nrrd, nii.gz or dicom-seg.")] = (
        "seg.nrrd"
    )
    series: Annotated[
        str | None,
        typer.Option(help="DICOM series to use, by number or UID, if a folder holds several."),
    ] = None
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Recompute finished cases, and replace results of another volume."
        ),
    ] = False
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Look for cases in all sub-folders, too.")
    ] = False
    dask: Annotated[
        str | None,
        typer.Option(
            help="Let the workers of this dask scheduler segment the cases. They must see the same folders.",
            metavar="ADDRESS",
        ),
    ] = None
    json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, and nothing else, on stdout.")
    ] = False

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]

    def for_report(self) -> dict[str, Any]:
        """What decides on the results, so that a later run can tell whether they are the wanted ones."""
        names = ("level", "threshold", "all_levels", "precision", "format")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What the user of ``compactseg train`` asks for."""

    data: Annotated[
        Path,
        typer.Option(
            help=f"{_DATA} With a plan that makes synthetic images: a folder of label maps.",
            metavar="FOLDER",
        ),
    ]
    config: Annotated[
        Path | None,
        typer.Option(
            help="Net configuration (JSON). With --grow, its last block and head are added; if left out, the model's "
            "last ones are repeated.",
            metavar="FILE",
        ),
    ] = None
    output: Annotated[
        Path, typer.Option(help="Folder for checkpoints, log and model.", metavar="DIR")
    ]
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Training plan (JSON). What it leaves out keeps its default.", metavar="FILE"
        ),
    ] = None
    labels: _Labels = None
    fold: Annotated[
        str,
        typer.Option(
            help="Fold to hold out (0 to 4), or 'all' to train on every case.", metavar="N|all"
        ),
    ] = "0"
    grow: Annotated[
        str | None,
        typer.Option(
            help="Add a level to this finished model. Its own levels stay unchanged, unless the plan sets an "
            "earlier_rate.",
            metavar="NAME|DIR",
        ),
    ] = None
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Start from the net and the weights of this finished model.",
            metavar="NAME|DIR",
        ),
    ] = None
    minutes: Annotated[
        float | None,
        typer.Option(help="Train for about this long: the number of steps is chosen.", metavar="M"),
    ] = None
    device: _Device = "auto"
    threads: Annotated[int | None, typer.Option(help="CPU threads per process.", metavar="N")] = (
        None
    )
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="Write the model of a stopped run, from its last checkpoint."
        ),
    ] = False

    def words(self) -> list[str]:
        """The command that asks for the same, as words."""
        words = ["compactseg train"]
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value != field.default:
                option = f"--{field.name.replace('_', '-')}"
                words += [option] if value is True else [option, str(value)]
        return words


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What the user of ``compactseg evaluate`` asks for."""

    model: Annotated[str, typer.Option(help="Name or folder of a model.", metavar="NAME|DIR")]
    data: Annotated[
        Path,
        typer.Option(help=f"{_DATA} The label values must be the model's.", metavar="FOLDER"),
    ]
    labels: _Labels = None
    fold: Annotated[
        str | None,
        typer.Option(
            help="Which cases: the validation cases of a fold (0 to 4), 'all', or names separated by commas. Default: "
            "all that the model was not trained on.",
            metavar="N|all|CASES",
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for a table of all cases, a summary and a chart.", metavar="DIR"),
    ] = None
    compare: Annotated[
        Path | None,
        typer.Option(
            help="Compare with the Dice in this file, case by case: columns case and dice_<label>, or the table of "
            "another evaluation.",
            metavar="CSV",
        ),
    ] = None
    level: _Level = None
    with_training_cases: Annotated[
        bool,
        typer.Option(
            "--with-training-cases",
            help="Include cases that the model was trained on, and mark them.",
        ),
    ] = False
    device: _Device = "auto"
    precision: Annotated[str, typer.Option(help="fp32, bf16, fp16 or auto.")] = "fp32"
    tile: _Tile = None
    json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else, on stdout.")
    ] = False
