"""Heads as the training makes them, with their labels: what the net has seen instead of real images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.brain_mr.sheet import Cell, draw_sheet
from CompactSegLib import Geometry, InputError, Label, Model, Volume
from CompactSegLib.output.planes import PLANES, FieldOfView, view_spacing_mm
from CompactSegLib.synthesis.label_maps import (
    LabelMap,
    find_label_maps,
    read_label_map,
)
from CompactSegLib.synthesis.shapes import bent, coarser_labels
from CompactSegLib.train.synthetic_patches import (
    fine_grid,
    imaged,
    model_spacing,
    normalised,
    now_and_then_stripped,
)
from CompactSegLib.train.training_plan import TrainingPlan

_COLUMNS = 4
_SEED = 3
_FIELD_MM = (220.0, 240.0, 200.0)
_MAPS = 4


def draw_gallery(folder: Path, model: Model, path: Path) -> None:
    """Draw generated heads: an axial, a coronal and a sagittal row, each with its labels below.

    Args:
        folder: The label maps.
        model: Whose plan makes the heads.
        path: PNG file.

    Raises:
        InputError: The model was not trained on synthetic images.
    """
    plan = TrainingPlan.from_dict(model.provenance.get("plan"))
    if not plan.synthesis.classes:
        raise InputError(f"model {model.name}: expected one trained on synthetic images.")
    files = [case.labels for case in find_label_maps(folder, plan).cases][:_MAPS]
    heads = [read_label_map(file, plan) for file in files]
    rows: list[list[Cell]] = []
    for plane in PLANES:
        images, labelled = [], []
        for column in range(_COLUMNS):
            random = np.random.default_rng([_SEED, len(rows), column])
            head = heads[(len(rows) + column) % len(heads)]
            volume, labels, about = generated(head, plan, random=random)
            frame = _whole(volume)
            images.append(Cell(volume, None, plane, frame, about))
            labelled.append(Cell(volume, labels, plane, frame))
        rows += [images, labelled]
    draw_sheet(rows, model.labels, path, panel_inches=1.5)


def draw_beside(
    real: Sequence[Volume], folder: Path, plan: TrainingPlan, labels: Sequence[Label], path: Path
) -> None:
    """Draw real T1 heads above generated ones whose tissues are ordered as in T1, to see what these lack.

    Args:
        real: The real ones.
        folder: The label maps.
        plan: How heads are generated.
        labels: The model's.
        path: PNG file.
    """
    files = [case.labels for case in find_label_maps(folder, plan).cases][:_MAPS]
    heads = [read_label_map(file, plan) for file in files]
    rows = [[Cell(volume, None, PLANES[0], _whole(volume), volume.name) for volume in real]]
    for row in range(2):
        cells = []
        for column in range(len(real)):
            random = np.random.default_rng([_SEED, 9, row, column])
            head = heads[(row + column) % len(heads)]
            volume, _, about = generated(head, plan, random=random, wanted=_is_t1)
            cells.append(Cell(volume, None, PLANES[0], _whole(volume), about))
        rows.append(cells)
    draw_sheet(rows, labels, path, panel_inches=1.8)


def _is_t1(means: dict[int, float]) -> bool:
    fluid, grey, white = (means.get(value, 0.0) for value in (4, 3, 2))
    return fluid < grey < white


def generated(
    head: LabelMap,
    plan: TrainingPlan,
    *,
    random: np.random.Generator,
    wanted: Callable[[dict[int, float]], bool] = lambda _: True,
) -> tuple[Volume, np.ndarray, str]:
    """A whole head as training patches are made of it, on the model's grid, with its labels and its voxels in words.

    Args:
        head: The label map.
        plan: How heads are generated.
        random: What decides.
        wanted: Says of the means of tissues, by FreeSurfer's value, whether the contrast will do.
    """
    synthesis, spacing = plan.synthesis, model_spacing(plan)
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    shape = [round(mm / own) for mm, own in zip(_FIELD_MM, spacing, strict=True)]
    fine, factors = fine_grid(spacing, head)
    fine_shape = [side * factor for side, factor in zip(shape, factors, strict=True)]
    low, high = head.brain_box_mm
    centre = (low + high) / 2 - np.array(head.tissues.shape) * head.spacing_mm / 2
    tissues = bent(head, centre, fine_shape, spacing_mm=fine, plan=synthesis, random=random)
    chance = {"random": random, "generator": generator}
    tissues = now_and_then_stripped(tissues, head.values, plan, **chance)
    image, voxel = imaged(tissues, head.values, plan, shape, fine, **chance, wanted=wanted)
    image = normalised(image, plan, random=None)
    labels = coarser_labels(
        head.classes[tissues.int()], factors, classes=len(synthesis.classes) + 1
    )
    along_s, along_a, along_r = spacing
    geometry = Geometry.from_ijk_to_ras(shape[::-1], np.diag([along_r, along_a, along_s, 1.0]))
    about = " × ".join(f"{mm:.1f}" for mm in voxel) + " mm"
    return Volume(image.numpy()[None], geometry, name=head.name), labels.numpy(), about


def _whole(volume: Volume) -> FieldOfView:
    """The middle of the brain and all around it."""
    spacing = view_spacing_mm(volume.geometry)
    shape = volume.shape_kji
    field = [size * mm for size, mm in zip(shape, spacing, strict=True)]
    # A little beside the middle, where a sagittal plane shows more than the gap between the hemispheres.
    slices = (shape[0] // 2, shape[1] // 2, shape[2] // 2 - round(10 / spacing[2]))
    return FieldOfView(slices, tuple(mm / 2 for mm in field), tuple(field))
