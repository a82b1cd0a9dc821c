"""A training run as a whole, dataset in, model folder out: what every command that trains calls."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from CompactSegLib.datasets.cases import load_cases
from CompactSegLib.datasets.dataset import Dataset, PreparedCase
from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.datasets.folds import fold_of
from CompactSegLib.errors import ConfigurationError, DeviceError, InputError, OutputError
from CompactSegLib.files import check_writable, write_text
from CompactSegLib.inference.devices import is_out_of_memory, select_runtime
from CompactSegLib.model.folder import check_replaceable
from CompactSegLib.model.model import Model
from CompactSegLib.network.config import NetConfig
from CompactSegLib.paths import is_folder, is_there
from CompactSegLib.synthesis.label_maps import (
    LabelMap,
    find_label_maps,
    read_label_map,
)
from CompactSegLib.train.batches import TrainingCases
from CompactSegLib.train.checkpoint import CHECKPOINT_FILE, read_checkpoint
from CompactSegLib.train.curves import draw_curves
from CompactSegLib.train.distributed import processes
from CompactSegLib.train.export import export_model, provenance_of
from CompactSegLib.train.lineage import check_held_out, started_provenance
from CompactSegLib.train.runlog import LOG_FILE, is_first_process, tell
from CompactSegLib.train.synthetic_patches import validation_cases
from CompactSegLib.train.trainer import Trainer
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.train.validation import CaseScore
from CompactSegLib.words import counted, some_of

MODEL_FOLDER = "model"
_PLAN, _NET, _CURVES = "plan.json", "net.json", "curves.png"
_FILES = (_PLAN, _NET, LOG_FILE, CHECKPOINT_FILE, _CURVES)


def train(
    plan: TrainingPlan,
    config: NetConfig,
    *,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    labels: str | os.PathLike[str] | None = None,
    fold: int | None = 0,
    minutes: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    command: str = "",
    started_from: Model | None = None,
    finish: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Path:
    """Train a net on a dataset and write it as a model folder.

    A run that was stopped goes on from its last checkpoint when called again with the same settings.

    Args:
        plan: The settings.
        config: The net.
        data: A Decathlon folder, an nnU-Net folder, or a folder of images.
        output: Gets ``plan.json``, ``net.json``, ``log.csv``, ``checkpoint.pt``, ``curves.png`` and the finished
            ``model/``.
        labels: Where `data` is a folder of images, the folder of their labels.
        fold: The fold to hold out, 0 to 4; None trains on all cases.
        minutes: Choose the number of steps so that the run takes about this long on this machine.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads of each process.
        command: How the run was started, for the model's provenance.
        started_from: The model whose weights the run begins with (`growing`); `config` is its net or a
            larger one, or adds a level.
        finish: Write the model of the last checkpoint as it is, without training on.
        check: Called before each step; what it raises ends the run.

    Returns:
        The model folder.

    Raises:
        CompactSegError: Dataset, configuration, device or disk are not as needed.
    """
    folder = Path(output)
    if finish:
        _check_begun(folder)
    if threads:
        torch.set_num_threads(threads)
    runtime = select_runtime(device, plan.precision)
    dataset = (
        find_label_maps(Path(data), plan) if plan.synthetic else read_dataset(data, labels=labels)
    )
    _check_fit(config, plan, dataset)
    _check_output(folder)
    training, held_out = fold_of([case.name for case in dataset.cases], fold)
    if started_from:
        check_held_out(started_from, dataset, held_out)
    if unknown := _unknown(plan, dataset):
        _say(f"Note: the plan names labels that the data do not have: {some_of(unknown)}")
    _say(f"reading {counted(len(dataset.cases), 'case')} of {dataset.folder}")
    training_cases, held_out_cases = _cases(dataset, plan, training, held_out)
    unseen = _unseen(training_cases, dataset)
    with processes(runtime.device) as mine:

        def trainer_of(plan: TrainingPlan) -> Trainer:
            return Trainer(
                plan,
                config,
                cases=training_cases,
                held_out=held_out_cases,
                folder=folder,
                device=runtime.device,
                precision=runtime.precision,
                processes=mine,
                started_from=started_from,
                check=check,
            )

        if minutes is not None:
            plan = dataclasses.replace(plan, steps=_steps(trainer_of(plan), minutes, folder))
        trainer = trainer_of(plan)
        trainer.resume()
        if mine.first:
            _write_json(folder / _PLAN, plan.to_dict())
            _write_json(folder / _NET, config.to_dict())
        _say(f"{len(training)} training and {len(held_out)} validation cases")
        if unseen:
            _say(f"Note: no training case has {some_of(unseen)}, which the model will not find")
        _say(f"steps {trainer.step} to {plan.steps}, {runtime.device}, {runtime.precision}")
        scores = _finish(trainer) if finish else _run(trainer)
        if mine.first:
            provenance = provenance_of(
                trainer, dataset, fold=fold, command=command, device=runtime.name
            )
            if started_from:
                provenance = started_provenance(provenance, started_from)
            export_model(
                folder / MODEL_FOLDER,
                net=trainer.trained_net(),
                plan=plan,
                dataset=dataset,
                cases=trainer.cases,
                scores=scores,
                provenance=provenance,
                started_from=started_from,
            )
            draw_curves(
                folder / LOG_FILE,
                folder / _CURVES,
                title=plan.name,
                stages=[stage.first for stage in trainer.stages[1:]],
            )
        _say(f"model written to {folder / MODEL_FOLDER}")
    return folder / MODEL_FOLDER


def _check_begun(folder: Path) -> None:
    if read_checkpoint(folder, device=torch.device("cpu")) is None:
        raise InputError(
            f"{folder}: expected the checkpoint of a run to finish, but there is none; train without --finish."
        )


def _finish(trainer: Trainer) -> list[CaseScore]:
    return trainer.validate() if trainer.held_out else []


def _run(trainer: Trainer) -> list[CaseScore]:
    try:
        return trainer.run()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        plan = trainer.plan
        sides = " x ".join(map(str, plan.patch))
        raise DeviceError(
            f"{trainer.device}: expected memory to train with {plan.batch} patches of {sides} voxels, but it ran out "
            f"at step {trainer.step}; give the plan a smaller batch or patch and another output folder, or free memory "
            "and rerun the command to resume from the last checkpoint."
        ) from error


def _cases(
    dataset: Dataset, plan: TrainingPlan, training: Sequence[str], held_out: Sequence[str]
) -> tuple[TrainingCases, list[PreparedCase]]:
    """What a run trains on, and what it is validated on."""
    if plan.synthetic:
        heads = {case.name: read_label_map(case.labels, plan) for case in dataset.cases}
        return (
            [heads[name] for name in training],
            validation_cases([heads[name] for name in held_out], plan),
        )
    cases = {case.name: case for case in load_cases(dataset, plan)}
    return [cases[name] for name in training], [cases[name] for name in held_out]


def _unseen(cases: TrainingCases, dataset: Dataset) -> list[str]:
    """Names of labels that no training case has.

    Raises:
        InputError: None has any label.
    """
    held = [case.classes if isinstance(case, LabelMap) else case.labels for case in cases]
    unseen = {
        value: not any((labels == value).any() for labels in held) for value in dataset.labels
    }
    if all(unseen.values()):
        raise InputError(
            f"{dataset.folder}: expected training cases with labels above 0, but none of the {len(cases)} has any; "
            "check that these are the label files."
        )
    return [dataset.labels[value] for value, is_unseen in unseen.items() if is_unseen]


def _unknown(plan: TrainingPlan, dataset: Dataset) -> list[str]:
    """Labels that the plan names and the dataset does not have: their values, with their names where they have one."""
    return [
        f"{value} ({label['name']})" if "name" in label else value
        for value, label in plan.labels.items()
        if int(value) not in dataset.labels
    ]


def _check_output(folder: Path) -> None:
    if is_there(folder) and not is_folder(folder):
        raise OutputError(
            f"{folder}: expected a folder for the run, but this is a file; choose another."
        )
    if is_first_process():
        check_writable(folder, *_FILES)
        check_replaceable(folder / MODEL_FOLDER)


def _check_fit(config: NetConfig, plan: TrainingPlan, dataset: Dataset) -> None:
    if config.in_channels != len(dataset.channels) or config.classes != dataset.classes:
        raise ConfigurationError(
            f"net configuration: expected {len(dataset.channels)} input channels and {dataset.classes} classes "
            f"(background included) for {dataset.folder}, got {config.in_channels} and {config.classes}; "
            f"correct the net's in_channels and classes, or what {dataset.described_by} says."
        )
    stride = config.stride(config.levels + 1)
    for _, part in plan.parts():
        if any(side % stride for side in part.patch):
            raise ConfigurationError(
                f"training plan, patch: expected multiples of the net's stride {stride}, got {part.patch}."
            )


def _steps(trainer: Trainer, minutes: float, folder: Path) -> int:
    """A run that goes on keeps the steps it began with: the schedule hangs on them."""
    state = read_checkpoint(folder, device=trainer.device)
    if state:
        return state["settings"]["steps"]
    _say(f"timing a few steps, to choose how many take {minutes:g} minutes")
    return trainer.steps_in(minutes)


def _write_json(path: Path, data: object) -> None:
    write_text(path, json.dumps(data, indent=1) + "\n")


def _say(text: str) -> None:
    if is_first_process():
        tell(text)
