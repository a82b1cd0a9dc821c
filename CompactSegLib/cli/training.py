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
            help="Net configuration, JSON. With --grow its last block and head are added, without it the model's last "
            "ones once more.",
            metavar="FILE",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Training plan, JSON; what it leaves out keeps its default.", metavar="FILE"
        ),
    ] = None,
    labels: Labels = None,
    fold: Annotated[
        str,
        typer.Option(
            help="Fold to hold out, 0 to 4, or 'all' to train on all cases.", metavar="N|all"
        ),
    ] = "0",
    grow: Annotated[
        str | None,
        typer.Option(
            help="Grow this finished model by a level. Its own levels stay as they are, unless the plan has an "
            "earlier_rate.",
            metavar="NAME|DIR",
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Begin with the net and the weights of this finished model.",
            metavar="NAME|DIR",
        ),
    ] = None,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="Write the model of a run that was stopped, as its last checkpoint is."
        ),
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option(help="Choose the number of steps to take about this long.", metavar="M"),
    ] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each process.", metavar="N")
    ] = None,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Train a net on a dataset and write it as a model folder.

    A run that was stopped goes on from its last checkpoint when the same command is given again. With several
    processes: torchrun --nproc-per-node N -m CompactSegLib.train, with the same options.
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
            help="Validation cases of this fold (0 to 4), all cases, or names of cases separated by commas. By default "
            "all that the model was not trained on.",
            metavar="N|all|CASES",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a table of all cases, a summary and a picture.", metavar="DIR"
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            help="Pair each case with its Dice in this file: columns case and dice_<label>, or the table of another "
            "evaluation.",
            metavar="CSV",
        ),
    ] = None,
    level: MostLevel = None,
    with_training_cases: Annotated[
        bool,
        typer.Option(
            "--with-training-cases",
            help="Accept cases that the model was trained on, and mark them.",
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
    """Judge a model by labelled cases: Dice, surfaces and volumes at each level.

    Runs all levels as `segment --all-levels` does and compares them with the labels on each image's own grid.
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
