"""``compactseg segment``: a volume or a folder of cases, level by level."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import typer

from CompactSegLib.cli.display import Bars
from CompactSegLib.cli.guard import say
from CompactSegLib.cli.inputs import find_cases, is_called_image
from CompactSegLib.cli.options import SUFFIXES, SegmentOptions
from CompactSegLib.cli.runner import runner_for
from CompactSegLib.errors import InputError, OutputError
from CompactSegLib.files import check_writable
from CompactSegLib.model.registry import SEARCH_VARIABLE, find_models
from CompactSegLib.paths import is_folder


def _input(options: SegmentOptions) -> Path:
    """The input, which may be an argument or an option."""
    if (options.volume is None) == (options.input is None):
        got = "none" if options.input is None else "both"
        raise InputError(f"INPUT: expected a path, as an argument or with --input, got {got}.")
    return options.volume or options.input or Path()


def _first_model() -> str:
    if name := next(iter(find_models()), None):
        return name
    raise InputError(
        f"--model: no model is installed; pass the folder of one, or set {SEARCH_VARIABLE} to the folders that hold "
        "your models."
    )


def run_segment(options: SegmentOptions) -> int:
    """Carry out what was asked for.

    Returns:
        The exit code: 0, or 1 where a case of several failed.

    Raises:
        CompactSegError: The input cannot be used as asked; nothing was written.
    """
    path = _input(options)
    options = replace(options, model=options.model or _first_model())
    _check_output(options.output)
    file = _file_of(options.output)
    if file is None and is_called_image(options.output) and not is_folder(options.output):
        raise InputError(
            f"{options.output}: expected a folder, or a file that ends in {', '.join(SUFFIXES.values())}; choose "
            "another ending."
        )
    if file is not None:
        check_writable(options.output.parent, options.output.name)
        options = replace(options, format=file)
    if options.format not in SUFFIXES:
        raise InputError(
            f"--format: expected one of {', '.join(SUFFIXES)}, got {options.format!r}; choose one of these."
        )
    if options.threshold is not None and options.all_levels:
        raise InputError(
            "--threshold: cannot be combined with --all-levels, which switches it off; leave one out."
        )
    found = find_cases(path, series=options.series, recursive=options.recursive)
    if found.is_batch and file is not None:
        raise InputError(
            f"{options.output}: expected a folder for the results of several cases, got the name of a file."
        )
    if options.dask is not None and not found.is_batch:
        raise InputError(
            "--dask: only for a folder or a table of cases, got one volume; leave it out."
        )
    # With dask, this process only gathers: the device is the workers'.
    runner = runner_for(options if options.dask is None else replace(options, device="cpu"))
    if found.is_batch:
        from CompactSegLib.cli.batch import run_batch

        if found.left_out:
            say(f"Note: {found.left_out}")
        elsewhere = None
        if options.dask is not None:
            from CompactSegLib.cli.cluster import processed_by_workers

            elsewhere = partial(processed_by_workers, options)
        return run_batch(replace(runner, options=options), found.cases, elsewhere=elsewhere)
    with Bars(cases=1) as bars:
        run = runner.run if file is None else runner.run_to_file
        report = run(found.cases[0], bars, shows_levels=not options.json)
    for message in report["messages"]:
        say(f"Note: {message}")
    if options.json:
        typer.echo(json.dumps(report, indent=2))
    return 0


def _check_output(output: Path) -> None:
    try:
        output.stat()
    except (FileNotFoundError, NotADirectoryError):  # written later, or refused in its own words
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise OutputError(
            f"--output: expected a folder to write to, but {str(output)[:100]!r} cannot be used ({reason}); choose "
            "another."
        ) from error


def _file_of(output: Path) -> str | None:
    """The format of the one file that the output names; None where it is a folder."""
    if is_folder(output):
        return None
    name = output.name.lower()
    return next((key for key, suffix in SUFFIXES.items() if name.endswith(suffix)), None)
