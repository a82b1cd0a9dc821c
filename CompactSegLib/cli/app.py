"""The command ``compactseg``: options, and nothing heavy before a command runs."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from CompactSegLib.cli.guard import Debug, guarded
from CompactSegLib.cli.options import Device, MostLevel, Tile
from CompactSegLib.cli.signals import heed_signals
from CompactSegLib.cli.training import evaluate, train

__all__ = ["app", "main"]

app = typer.Typer(
    name="compactseg",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import CompactSegLib

        typer.echo(f"compactseg {CompactSegLib.__version__}")
        raise typer.Exit


@app.callback()
def _compactseg(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Segment 3D medical images level by level: level 1 at once, deeper levels refine it."""


@app.command()
@guarded
def segment(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results; or a file (.seg.nrrd, .nii.gz, .dcm) for the last level of one volume.",
            metavar="DIR|FILE",
        ),
    ],
    volume: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT",
            help="Image file (NIfTI, NRRD, MetaImage, MGZ, DICOM), folder of DICOM images (one volume), folder of "
            "cases (image files, and sub-folders of DICOM images), or table of cases (.csv with the column path, and "
            "optionally case and series).",
        ),
    ] = None,
    input_: Annotated[
        Path | None, typer.Option("--input", "-i", help="Same as INPUT.", metavar="PATH")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Name or folder of a model. Default: the first that `compactseg models` lists.",
            metavar="NAME|DIR",
        ),
    ] = None,
    level: MostLevel = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Stop when a level changes every structure by less than X (1 - Jaccard to the level before; 0 to 1). "
            "0 computes all levels. Default: the model's own.",
            metavar="X",
        ),
    ] = None,
    all_levels: Annotated[
        bool, typer.Option("--all-levels", help="Compute all levels, whatever the threshold.")
    ] = False,
    device: Device = "auto",
    precision: Annotated[
        str,
        typer.Option(
            help="auto (the fastest the device offers), fp32 (the same labels for any tile size), bf16 or fp16."
        ),
    ] = "auto",
    tile: Tile = None,
    format_: Annotated[
        str, typer.Option("--format", help="Output format: seg.nrrd, nii.gz or dicom-seg.")
    ] = "seg.nrrd",
    series: Annotated[
        str | None,
        typer.Option(help="DICOM series to use, by number or UID, if a folder holds several."),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Recompute finished cases, and replace results of another volume."
        ),
    ] = False,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", help="Look for cases in all sub-folders, too."),
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            help="Let the workers of this dask scheduler segment the cases. They must see the same folders.",
            metavar="ADDRESS",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, and nothing else, on stdout.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Segment a volume, or each volume of a folder.

    For each case, all files or none are written to the output folder:
    <stem>_level-<n> for each level, <stem>_report.json, <stem>_levels.png;
    for several cases also summary.csv and summary.png.

    Finished cases are skipped. The exit code is 2 if the input cannot be
    used, and 1 if one of several cases failed.
    """
    from CompactSegLib.cli.segment import chosen_input, default_model, run_segment
    from CompactSegLib.cli.segment_options import SegmentOptions

    options = SegmentOptions(
        input=chosen_input(volume, input_),
        model=model or default_model(),
        output=output,
        level=level,
        threshold=threshold,
        all_levels=all_levels,
        device=device,
        precision=precision,
        tile=tile,
        format=format_,
        series=series,
        overwrite=overwrite,
        recursive=recursive,
        dask=dask,
        json=as_json,
    )
    raise typer.Exit(run_segment(options))


@app.command()
@guarded
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """List the models that ship, and those in the folders of COMPACTSEG_MODELS."""
    from CompactSegLib.cli.models import run_models

    run_models(as_json=as_json)


@app.command()
@guarded
def info(
    model: Annotated[str, typer.Argument(help="Name or folder of a model.", metavar="MODEL")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Show a model: labels, cost and validation figures per level, and where it comes from."""
    from CompactSegLib.cli.models import run_info

    run_info(model, as_json=as_json)


@app.command()
@guarded
def worker(
    largest_array: Annotated[
        int,
        typer.Option(min=1, help="Refuse volumes larger than this many megabytes.", metavar="MB"),
    ] = 4096,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Answer requests on stdin with events on stdout, for the Slicer module and other programs."""
    from CompactSegLib.serve.worker import run_worker

    run_worker(largest_array=largest_array * 2**20)


for _command in (train, evaluate):
    app.command()(_command)


def main() -> None:
    """Run the command; the entry point of the installed script."""
    heed_signals()
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding, is_terminal = sys.stdout.encoding, sys.stdout.line_buffering
        sys.stdout = _Lasting(sys.stdout.detach(), encoding, line_buffering=is_terminal)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a name that the terminal cannot show is no reason to fail
    app()


class _Lasting(io.TextIOWrapper):
    """Standard output that nobody may read to its end, as ``| head`` does: what was asked for is done all the same."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._let_go(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._let_go(error)

    def _let_go(self, error: OSError) -> None:
        # Windows calls a pipe without a reader an invalid argument.
        if error.errno not in (errno.EPIPE, errno.EINVAL):
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
