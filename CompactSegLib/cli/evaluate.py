"""``compactseg evaluate``: a model on labelled cases, and how well each of its levels does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from CompactSegLib.cli import need_packages
from CompactSegLib.cli.display import Bars
from CompactSegLib.cli.guard import say
from CompactSegLib.cli.options import EvaluateOptions
from CompactSegLib.files import check_writable, written_together
from CompactSegLib.model.registry import load_model
from CompactSegLib.output.report import versions
from CompactSegLib.words import counted

if TYPE_CHECKING:
    from CompactSegLib.datasets.dataset import CaseFiles, Dataset
    from CompactSegLib.inference.segmenter import Segmenter
    from CompactSegLib.judge.assessment import CaseResult
    from CompactSegLib.judge.comparison import Reference
    from CompactSegLib.model.model import Model

SCHEMA = 1
_SUFFIXES = ("csv", "json", "png")


def run_evaluate(options: EvaluateOptions) -> None:
    """Carry out what was asked for.

    Raises:
        CompactSegError: Model, dataset or options cannot be used as asked; nothing was written.
    """
    need_packages("training")
    model = load_model(options.model)
    if options.level is not None:
        model.checked_level(options.level)
    from CompactSegLib.datasets.cases import check_cases
    from CompactSegLib.datasets.folders import read_dataset
    from CompactSegLib.datasets.trained_on import choose_cases, training_membership
    from CompactSegLib.inference.segmenter import Segmenter
    from CompactSegLib.judge.assessment import check_labels, other_names

    dataset = read_dataset(options.data, labels=options.labels)
    check_labels(model, dataset)
    names = other_names(model, dataset)
    trained_on = training_membership(model, dataset)
    cases = choose_cases(
        dataset, trained_on, which=options.fold, with_training_cases=options.with_training_cases
    )
    reference = _reference(options, model, dataset)
    if reference:
        reference.matched([case.name for case in cases])
    segmenter = Segmenter(
        model, device=options.device, precision=options.precision, tile=options.tile
    )
    # What cannot be written to shows before anything long.
    with _folder_in(options.output, model) as folder:
        say(f"Reading {counted(len(cases), 'case')} of {dataset.folder}, then segmenting each.")
        check_cases(dataset, cases)
        results = _assess(
            cases, dataset, segmenter, trained_on, levels=options.level or len(model.levels)
        )
        summary = summarise(results, model, dataset=dataset, reference=reference)
        if folder:
            _write(results, summary, model, folder=folder, reference=reference)
    _say_names(names, model)
    _show(summary, options)


def _folder_in(output: Path | None, model: Model) -> AbstractContextManager[Path | None]:
    """Where to write what moves to the output folder in the end; nowhere without one."""
    if output is None:
        return nullcontext()
    check_writable(output, *(f"{_stem(model.name)}.{suffix}" for suffix in _SUFFIXES))
    return written_together(output, last=f"{_stem(model.name)}.json")


def _stem(name: str) -> str:
    return f"{name}_evaluation"


def _reference(options: EvaluateOptions, model: Model, dataset: Dataset) -> Reference | None:
    if options.compare is None:
        return None
    from CompactSegLib.judge.comparison import read_reference

    names = {label.value: (dataset.labels[label.value], label.name) for label in model.labels}
    return read_reference(options.compare, names)


def _assess(
    cases: Sequence[CaseFiles],
    dataset: Dataset,
    segmenter: Segmenter,
    trained_on: dict[str, str],
    *,
    levels: int,
) -> list[CaseResult]:
    from CompactSegLib.judge.assessment import assess_case

    results = []
    told: set[str] = set()
    with Bars(cases=len(cases)) as bars:
        for case in cases:
            bars.start_case(case.name)
            results.append(
                assess_case(
                    case,
                    dataset,
                    segmenter=segmenter,
                    levels=levels,
                    trained_on=trained_on[case.name],
                    progress=bars.update,
                )
            )
            bars.finish_case()
            for message in set(results[-1].run.messages) - told:
                with bars.out_of_the_way():
                    say(f"Note: {case.name}: {message}")
                told.add(message)
    return results


def summarise(
    results: Sequence[CaseResult],
    model: Model,
    *,
    dataset: Dataset,
    reference: Reference | None = None,
) -> dict[str, Any]:
    """All figures of an evaluation as JSON data."""
    from CompactSegLib.judge.summary import level_scores, level_summary

    run = results[-1].run
    return {
        "schema": SCHEMA,
        "model": model.name,
        "model_title": model.title,
        "model_sha256": model.weights_sha256,
        "dataset": dataset.name,
        "cases": [result.name for result in results],
        "trained_on": {
            answer: sum(result.trained_on == answer for result in results)
            for answer in ("no", "yes", "unknown")
        },
        "labels": {label.name: label.value for label in model.labels},
        "levels": [level_summary(scores, model) for scores in level_scores(results)],
        "comparison": _comparison(results, model, reference) if reference else None,
        "device": run.device,
        "device_name": run.device_name,
        "precision": run.precision,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
    }


def _comparison(
    results: Sequence[CaseResult], model: Model, reference: Reference
) -> dict[str, Any]:
    return {
        "file": reference.path.name,
        "cases": len(reference.matched([result.name for result in results])),
        "unit": "points of Dice, ours minus theirs, with the 95 % confidence interval of paired t",
        "levels": reference.compare(results, [label.name for label in model.labels]),
    }


def _write(
    results: Sequence[CaseResult],
    summary: dict[str, Any],
    model: Model,
    *,
    folder: Path,
    reference: Reference | None,
) -> None:
    from CompactSegLib.judge.chart import draw_assessment
    from CompactSegLib.judge.summary import write_case_table
    from CompactSegLib.output.report import write_report

    stem = _stem(model.name)
    write_case_table(results, model, path=folder / f"{stem}.csv")
    draw_assessment(
        results,
        model,
        path=folder / f"{stem}.png",
        subtitle=f"{summary['dataset']} · {summary['device']}, {summary['precision']} · {summary['date'][:10]}",
        reference=reference,
    )
    write_report(summary, folder / f"{stem}.json")


def _say_names(names: dict[int, str], model: Model) -> None:
    """Names that may mean the same as the model's, or may not."""
    if names:
        ours = {label.value: label.name for label in model.labels}
        pairs = [f"{value} is {name} here, {ours[value]} there" for value, name in names.items()]
        say(
            f"Note: labels are matched by their values, but some have other names than in model {model.name}: "
            f"{'; '.join(pairs)}."
        )


def _show(summary: dict[str, Any], options: EvaluateOptions) -> None:
    counts = summary["trained_on"]
    if counts["yes"]:
        say(
            f"Note: the model was trained on {counts['yes']} of these cases, so its figures are too good."
        )
    if counts["unknown"]:
        say(
            f"Note: the model does not say whether it was trained on {counts['unknown']} of these cases."
        )
    if options.json:
        typer.echo(json.dumps(summary, indent=2))
        return
    from CompactSegLib.cli.evaluation_tables import show_summary

    show_summary(summary)
    if options.output:
        for suffix in _SUFFIXES:
            typer.echo(f"  {options.output / _stem(summary['model'])}.{suffix}")
