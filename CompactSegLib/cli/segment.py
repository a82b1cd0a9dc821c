"""``compactseg segment``: a volume or a folder of cases, level by level."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import typer

from CompactSegLib.cli.cases import find_cases
from CompactSegLib.cli.display import Bars
from CompactSegLib.cli.runner import SUFFIXES, Request, Runner
from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.model.registry import load_model

if TYPE_CHECKING:
    from CompactSegLib.inference.stop import StopRule

__all__ = ["run_segment"]

_THRESHOLD = re.compile(r"(?:(?P<unit>jaccard|dice):)?(?P<number>[^:]+)")


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
    rule = _rule(request)
    cases, is_batch = find_cases(request.input, series=request.series)
    model = load_model(request.model)
    if request.level is not None and not 1 <= request.level <= len(model.levels):
        raise ConfigurationError(
            f"--level: expected 1 to {len(model.levels)}, the levels of model {model.name}, got {request.level}; "
            "choose one of these."
        )
    from CompactSegLib.inference.devices import keep_freed_memory
    from CompactSegLib.inference.engine import Segmenter

    keep_freed_memory()
    segmenter = Segmenter(
        model, device=request.device, precision=request.precision, tile=request.tile
    )
    rule = segmenter.stop_rule(rule, all_levels=request.all_levels)
    runner = Runner(request, segmenter, rule)
    if is_batch:
        from CompactSegLib.cli.batch import run_batch

        return run_batch(runner, cases)
    with Bars(cases=1) as bars:
        report = runner.run(cases[0], bars, shows_levels=not request.json)
    if request.json:
        typer.echo(json.dumps(report, indent=2))
    return 0


def _rule(request: Request) -> StopRule | None:
    """The threshold as typed: ``0.02`` or ``jaccard:0.02`` (improvement), or ``dice:0.005`` (expected gain)."""
    if request.threshold is None:
        return None
    if request.all_levels:
        raise InputError(
            "--threshold: expected no threshold together with --all-levels, which switches it off; give one of the two."
        )
    from CompactSegLib.inference.stop import StopRule

    match = _THRESHOLD.fullmatch(request.threshold.strip())
    try:
        number = float(match["number"]) if match else float("nan")
        return StopRule(number, unit=(match and match["unit"]) or "jaccard")
    except (ValueError, ConfigurationError):
        raise InputError(
            f"--threshold: expected a number from 0 to 1 such as 0.02, or dice:0.005, got {request.threshold!r}; "
            "correct it."
        ) from None
