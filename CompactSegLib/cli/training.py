"""The options of ``compactseg train`` and ``compactseg evaluate``; ``cli.py`` has those of the other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from CompactSegLib.cli.guard import Debug, guarded
from CompactSegLib.cli.options import Cases, Data, Device, Labels, MostLevel, Tile

__all__ = ["evaluate", "train"]


@guarded
def train(
    data: Data,
    output: Annotated[
        Path, typer.Option(help="Folder for checkpoints, log and model.", metavar="DIR")
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            help="Net configuration (JSON). With --grow, its last block and head are added; if left out, the model's "
            "last ones are repeated.",
            metavar="FILE",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Training plan (JSON). What it leaves out keeps its default.", metavar="FILE"
        ),
    ] = None,
    labels: Labels = None,
    fold: Annotated[
        str,
        typer.Option(
            help="Fold to hold out (0 to 4), or 'all' to train on every case.", metavar="N|all"
        ),
    ] = "0",
    grow: Annotated[
        str | None,
        typer.Option(
            help="Add a level to this finished model. Its own levels stay unchanged, unless the plan has an "
            "earlier_rate.",
            metavar="NAME|DIR",
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Start from the net and the weights of this finished model.",
            metavar="NAME|DIR",
        ),
    ] = None,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="Write the model of a stopped run, from its last checkpoint."
        ),
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option(help="Train for about this long: the number of steps is chosen.", metavar="M"),
    ] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads per process.", metavar="N")
    ] = None,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Train a net on a dataset and write it as a model folder.

    Rerun the command to resume a stopped run from its last checkpoint.
    With several processes, and the same options:
    torchrun --nproc-per-node N -m CompactSegLib.train
    """
    from CompactSegLib.cli.train import TrainOptions, run_train

    run_train(
        TrainOptions(
            data=data,
            config=config,
            output=output,
            plan=plan,
            labels=labels,
            fold=fold,
            grow=grow,
            start_from=start_from,
            minutes=minutes,
            device=device,
            threads=threads,
            finish=finish,
        )
    )


@guarded
def evaluate(
    model: Annotated[str, typer.Option(help="Name or folder of a model.", metavar="NAME|DIR")],
    data: Cases,
    labels: Labels = None,
    fold: Annotated[
        str | None,
        typer.Option(
            help="Which cases: the validation cases of a fold (0 to 4), 'all', or names separated by commas. Default: "
            "all that the model was not trained on.",
            metavar="N|all|CASES",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for a table of all cases, a summary and a chart.", metavar="DIR"),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            help="Compare with the Dice in this file, case by case: columns case and dice_<label>, or the table of "
            "another evaluation.",
            metavar="CSV",
        ),
    ] = None,
    level: MostLevel = None,
    with_training_cases: Annotated[
        bool,
        typer.Option(
            "--with-training-cases",
            help="Include cases that the model was trained on, and mark them.",
        ),
    ] = False,
    device: Device = "auto",
    precision: Annotated[str, typer.Option(help="fp32, bf16, fp16 or auto.")] = "fp32",
    tile: Tile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else, on stdout.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Evaluate a model on labelled cases: Dice, surface distances and volumes at each level.

    Computes all levels, as `segment --all-levels` does, and compares them
    with the labels on each image's own grid.
    """
    from CompactSegLib.cli.evaluate import EvaluateOptions, run_evaluate

    run_evaluate(
        EvaluateOptions(
            model=model,
            data=data,
            labels=labels,
            fold=fold,
            output=output,
            compare=compare,
            level=level,
            with_training_cases=with_training_cases,
            device=device,
            precision=precision,
            tile=tile,
            json=as_json,
        )
    )
