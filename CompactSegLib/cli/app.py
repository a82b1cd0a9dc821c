"""The command ``compactseg``: options, and nothing heavy before a command runs."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from CompactSegLib.cli.guard import guarded
from CompactSegLib.cli.options import EvaluateOptions, SegmentOptions, TrainOptions, taking
from CompactSegLib.cli.signals import heed_signals


class _Flags:
    """What takes no value shows none in the help, where Typer would put ``<bool>``."""

    def get_params(self, context: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class _Command(_Flags, TyperCommand):
    pass


class _Group(_Flags, TyperGroup):
    pass


app = typer.Typer(
    name="compactseg",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_command = partial(app.command, cls=_Command)


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


@_command()
@guarded
@taking(SegmentOptions)
def segment(options: SegmentOptions) -> None:
    """Segment a volume, or each volume of a folder.

    Each case leaves these files in the output folder, all or none:
    <stem>_level-<n> for each level, <stem>_report.json, <stem>_levels.png;
    several cases also leave summary.csv and summary.png.

    Of several cases, those that are finished are skipped; results of another
    model, or with other options, are replaced. The exit code is 2 if the
    input cannot be used, and 1 if one of several cases failed.
    """
    from CompactSegLib.cli.segment import run_segment

    raise typer.Exit(run_segment(options))


@_command()
@guarded
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the models that ship, and those in the folders that COMPACTSEG_MODELS names."""
    from CompactSegLib.cli.models import run_models

    run_models(as_json=as_json)


@_command()
@guarded
def info(
    model: Annotated[str, typer.Argument(help="Name or folder of a model.", metavar="MODEL")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show a model: labels, cost and validation figures per level, and where it comes from."""
    from CompactSegLib.cli.models import run_info

    run_info(model, as_json=as_json)


@_command()
@guarded
def worker(
    largest_array: Annotated[
        int,
        typer.Option(min=1, help="Refuse volumes larger than this many megabytes.", metavar="MB"),
    ] = 4096,
) -> None:
    """Answer requests on stdin with events on stdout, for the Slicer module and other programs."""
    from CompactSegLib.serve.worker import run_worker

    run_worker(largest_array=largest_array * 2**20)


@_command()
@guarded
@taking(TrainOptions)
def train(options: TrainOptions) -> None:
    """Train a net on a dataset and write it as a model folder.

    Rerun the command to resume a stopped run from its last checkpoint.
    With several processes, and the same options:
    torchrun --nproc-per-node N -m CompactSegLib.train
    """
    from CompactSegLib.cli.train import run_train

    run_train(options)


@_command()
@guarded
@taking(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> None:
    """Evaluate a model on labelled cases: Dice, surface distances and volumes at each level.

    Computes all levels, as `segment --all-levels` does, and compares them
    with the labels on each image's own grid.
    """
    from CompactSegLib.cli.evaluate import run_evaluate

    run_evaluate(options)


def main() -> None:
    """Run the command; the entry point of the installed script."""
    heed_signals()
    # That it caches fonts, or elsewhere since the home folder may not be written to, is nothing to tell.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
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
