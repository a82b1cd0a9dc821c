"""``compactseg segment``: a volume or a folder of cases, level by level."""

from __future__ import annotations

import json

import typer

from CompactSegLib.cli.cases import find_cases
from CompactSegLib.cli.display import Bars
from CompactSegLib.cli.runner import SUFFIXES, Request, Runner
from CompactSegLib.errors import InputError
from CompactSegLib.inference.stop import checked_threshold
from CompactSegLib.model.registry import load_model

__all__ = ["run_segment"]


def run_segment(request: Request) -> int:
    """Carry out a request.

    Returns:
        The exit code: 0, or 1 where a case of several failed.

    Raises:
        CompactSegError: The input cannot be used as asked; nothing was written.
    """
    if request.format not in SUFFIXES:
        raise InputError(
            f"--format: expected one of {', '.join(SUFFIXES)}, got {request.format!r}; choose one of these."
        )
    if request.threshold is not None and request.all_levels:
        raise InputError(
            "--threshold: expected no threshold together with --all-levels, which switches it off; give one of the two."
        )
    cases, is_batch = find_cases(request.input, series=request.series)
    model = load_model(request.model)
    if request.level is not None:
        model.checked_level(request.level)
    threshold = model.threshold if request.threshold is None else request.threshold
    threshold = 0.0 if request.all_levels else checked_threshold(threshold)
    from CompactSegLib.inference.devices import keep_freed_memory
    from CompactSegLib.inference.segmenter import Segmenter

    keep_freed_memory()
    segmenter = Segmenter(
        model, device=request.device, precision=request.precision, tile=request.tile
    )
    runner = Runner(request, segmenter, threshold)
    if is_batch:
        from CompactSegLib.cli.batch import run_batch

        return run_batch(runner, cases)
    with Bars(cases=1) as bars:
        report = runner.run(cases[0], bars, shows_levels=not request.json)
    if request.json:
        typer.echo(json.dumps(report, indent=2))
    return 0
