"""The finished model folder: what each level reached, when its levels stop, where it comes from."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from CompactSegLib.datasets.dataset import Dataset, PreparedCase
from CompactSegLib.inference.threads import own_cores
from CompactSegLib.json_data import build
from CompactSegLib.labels import Label, labels_of
from CompactSegLib.model.folder import write_model
from CompactSegLib.model.model import Model, Region
from CompactSegLib.model.registry import called_from
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import level_costs
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.batches import TrainingCases
from CompactSegLib.train.lineage import joint_licence
from CompactSegLib.train.stopping import Measured, best_threshold, jaccard_change
from CompactSegLib.train.structure_volumes import expected_of_cases
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.train.validation import CaseScore, mean_dice
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement

if TYPE_CHECKING:
    from CompactSegLib.train.trainer import Trainer

# Where there are no cases to choose by: two levels that differ in less than a fiftieth of a label say much the same.
_THRESHOLD = 0.02
_FEWEST_CASES = 3
_COLORS = ((220, 80, 60), (70, 140, 220), (90, 190, 90), (230, 190, 60), (170, 100, 200))


def export_model(
    folder: Path,
    *,
    net: MultiLevelNet,
    plan: TrainingPlan,
    dataset: Dataset,
    cases: TrainingCases,
    scores: Sequence[CaseScore],
    provenance: dict[str, Any],
    started_from: Model | None = None,
) -> Model:
    """Write the model folder.

    Args:
        folder: Where to.
        net: The trained net, batch norm not folded.
        plan: The settings it was trained with.
        dataset: What it was trained on.
        cases: The cases of it; their extent and volumes are stated.
        scores: Of held-out cases; may be empty.
        provenance: From `provenance_of`.
        started_from: The model whose weights the run began with.

    Raises:
        CompactSegError: The model could not be written.
    """
    names = list(dataset.labels.values())
    labels = model_labels(dataset, plan)
    licence = dataset.licence
    validation = [
        level_figures(scores, level, names=list(dict.fromkeys(label.structure for label in labels)))
        for level in range(1, net.levels + 1)
    ]
    if started_from:
        licence = joint_licence(started_from, licence)
        grown = net.levels > len(started_from.levels)
        if grown and not scores and plan.earlier_rate == 0:
            # Frozen levels are what they were, and so are their figures.
            validation[:-1] = [dict(level.validation) for level in started_from.levels]
    return write_model(
        folder,
        net=net,
        name=plan.name,
        title=plan.title or dataset.name,
        description=plan.description or f"Segments {', '.join(names)} ({dataset.name}).",
        labels=labels,
        modality=plan.modality,
        orientation=plan.orientation,
        spacing_mm=plan.spacing_mm,
        intensity=IntensityRule.from_dict(plan.intensity),
        validation=validation,
        threshold=chosen_threshold(scores, config=net.config),
        provenance=provenance,
        licence=licence or "unknown",
        field_mm=field_of(cases, plan),
        expected_millilitres=expected_of_cases(cases, labels, plan),
        refinement=Refinement.from_dict(plan.refinement) if plan.refinement else None,
        region=build(Region, plan.region, where="region") if plan.region else None,
        half_weights=plan.half_weights,
        called=called_from(folder),
    )


def field_of(cases: TrainingCases, plan: TrainingPlan) -> tuple[float, float, float] | None:
    """The largest extent of cases along the axes that the plan's orientation names, in mm.

    None for synthetic images, whose field of view is cut and drawn at random.
    """
    images = [case.image for case in cases if isinstance(case, PreparedCase)]
    if not images:
        return None
    d, h, w = (max(image.shape[axis] for image in images) for axis in (1, 2, 3))
    along_w, along_h, along_d = plan.spacing_mm
    return w * along_w, h * along_h, d * along_d


def model_labels(dataset: Dataset, plan: TrainingPlan) -> list[Label]:
    """The labels of dataset.json, with the names, colours and terminology that the plan gives."""
    return labels_of(
        {
            value: {"name": name, "color": list(_COLORS[(value - 1) % len(_COLORS)])}
            | plan.labels.get(str(value), {})
            for value, name in dataset.labels.items()
        }
    )


def level_figures(
    scores: Sequence[CaseScore], level: int, *, names: Sequence[str]
) -> dict[str, Any]:
    """Figures of a level on held-out cases that have a label; empty where there are none."""
    by_case = [dice for score in scores if not math.isnan(dice := score.mean_dice(level))]
    if not by_case:
        return {}
    means = zip(names, mean_dice(scores)[level - 1], strict=True)
    by_label = {name: mean for name, mean in means if not math.isnan(mean)}
    return {
        "dice": round(float(np.mean(list(by_label.values()))), 5),
        "dice_by_label": {name: round(mean, 5) for name, mean in by_label.items()},
        "dice_sd": round(float(np.std(by_case, ddof=1)), 5) if len(by_case) > 1 else 0.0,
        "dice_worst_case": round(min(by_case), 5),
        "cases": len(by_case),
    }


def chosen_threshold(scores: Sequence[CaseScore], *, config: NetConfig) -> float:
    """The default threshold: the one that saves most on held-out cases at a loss of at most `stopping.LARGEST_LOSS`."""
    macs = [cost.macs_per_voxel_all_levels for cost in level_costs(config)]
    measured = Measured.of(scores, macs)
    if len(measured.dice) < _FEWEST_CASES:
        return _THRESHOLD
    return best_threshold(jaccard_change(measured))


def provenance_of(
    trainer: Trainer, dataset: Dataset, *, fold: int | None, command: str, device: str
) -> dict[str, Any]:
    """How and from what the model was made: enough to make it again, nothing about whose machine it was."""
    import monai

    plan = trainer.plan
    held_out = [case.name for case in trainer.held_out]
    return {
        "dataset": {
            "name": dataset.name,
            "reference": dataset.reference,
            "licence": dataset.licence,
            "cases": len(dataset.cases),
        },
        "split": {
            "fold": "all" if fold is None else fold,
            "rule": "sorted names, five folds shuffled with seed 12345, as nnU-Net",
            "training_cases": len(trainer.cases),
            "training_case_names": [case.name for case in trainer.cases],
            "validation_cases": held_out,
        },
        "command": command,
        "plan": plan.to_dict(),
        "steps": trainer.step,
        "patches": trainer.step * plan.batch,
        "seconds": round(trainer.seconds),
        "hardware": {
            "device": device,
            "cpu_cores": own_cores(),
            "processes": trainer.processes.count,
            "threads_per_process": torch.get_num_threads(),
            "precision": trainer.precision,
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "monai": monai.__version__,
            "numpy": np.__version__,
        },
        "finished": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }
