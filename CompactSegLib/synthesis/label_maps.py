"""Label maps: read from a folder, brought to the model's axes, their values counted from 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import SimpleITK
import torch
from numpy.typing import NDArray
from torch import Tensor

from CompactSegLib.datasets.dataset import (
    CaseFiles,
    Dataset,
    check_folder,
    image_files,
    raise_if_any,
    repeated,
    stem,
)
from CompactSegLib.errors import InputError
from CompactSegLib.synthesis.synthesis_plan import PlanWithSynthesis, SynthesisPlan
from CompactSegLib.synthesis.tissues import WHITE, tissue_of
from CompactSegLib.volume.boxes import box_of
from CompactSegLib.volume.geometry import Geometry, orientation_axes
from CompactSegLib.volume.reading import read_labels
from CompactSegLib.volume.resampling import GridMap

_MOST_TISSUES = 255


@dataclass(frozen=True)
class LabelMap:
    """A head as tissues, at its own resolution and along the model's axes.

    Attributes:
        name: The case.
        tissues: ``(D, H, W)`` uint8, indices into `values`; left and right are one tissue.
        values: The value of the file that stands for each tissue, 0 (background) first.
        classes: Per tissue the label of the model, ``(tissues,)`` uint8; 0 where the model does not know it.
        spacing_mm: Along D, H and W.
        voxels: How many voxels each value of the file has, once it is grown as the plan says.
    """

    name: str
    tissues: Tensor
    values: tuple[int, ...]
    classes: Tensor
    spacing_mm: tuple[float, float, float]
    voxels: Mapping[int, int]

    def to(self, device: torch.device) -> LabelMap:
        """The same head on a device."""
        return dataclasses.replace(
            self, tissues=self.tissues.to(device), classes=self.classes.to(device)
        )

    @property
    def labels(self) -> Tensor:
        """The model's labels, ``(D, H, W)`` uint8."""
        return self.classes[self.tissues.int()]

    @cached_property
    def brain_box_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the model's labels begin and end, along D, H and W from the first corner."""
        box = box_of(self.labels != 0)
        assert box is not None
        low, high = ([getattr(part, end) for part in box] for end in ("start", "stop"))
        return np.array(low) * self.spacing_mm, np.array(high) * self.spacing_mm


def find_label_maps(folder: Path, plan: PlanWithSynthesis) -> Dataset:
    """The label maps of a folder, as a dataset whose images are still to be made.

    Raises:
        InputError: There are none, or two of one name.
    """
    check_folder(folder, "a folder of label maps, as the plan has a synthesis")
    files = image_files(folder)
    if not files:
        raise InputError(
            f"{folder}: expected label maps (NIfTI, NRRD or MetaImage), as the plan has a synthesis, but found none."
        )
    cases = [CaseFiles(name=stem(file), images=(), labels=file) for file in files]
    names = [case.name for case in cases]
    raise_if_any(folder, [f"{name}: there more than once" for name in repeated(names)])
    synthesis = plan.synthesis
    return Dataset(
        folder=folder,
        name=synthesis.source.get("name", folder.name),
        licence=synthesis.source.get("licence", ""),
        reference=synthesis.source.get("reference", ""),
        channels=("synthetic",),
        labels={
            int(value): str(plan.labels.get(value, {}).get("name", f"label {value}"))
            for value in sorted(synthesis.classes, key=int)
        },
        cases=tuple(cases),
        described_by="the plan's synthesis",
    )


def read_label_map(path: Path, plan: PlanWithSynthesis) -> LabelMap:
    """Read one label map.

    Raises:
        InputError: It is no 3D map of whole numbers, or holds none of the structures.
    """
    array, geometry = read_labels(path)
    array = _grown(array, geometry, plan.synthesis)
    # Every axis at its own spacing: turned to the model's axes, not resampled.
    spacing = _spacing_along(geometry, plan.orientation)
    grid = GridMap.between(geometry, orientation=plan.orientation, spacing_mm=spacing)
    found, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    values = sorted({0, *(tissue_of(int(value)) for value in found)})
    if len(values) > _MOST_TISSUES:
        raise InputError(f"{path}: expected at most {_MOST_TISSUES} tissues, got {len(values)}.")
    index = np.array([values.index(tissue_of(int(value))) for value in found], dtype=np.float32)
    tissues = grid.prepare(index[inverse.reshape(array.shape)][None])[0].round().to(torch.uint8)
    classes = classes_of(values, plan.synthesis)
    if not classes.any():
        raise InputError(
            f"{path}: expected some of the values of the plan's synthesis, got {_listed(found)}."
        )
    depth, height, width = reversed(spacing)
    return LabelMap(
        name=stem(path),
        tissues=tissues.contiguous(),
        values=tuple(values),
        classes=classes,
        spacing_mm=(depth, height, width),
        voxels=dict(zip(map(int, found), map(int, counts), strict=True)),
    )


def _grown(
    array: NDArray[np.integer], geometry: Geometry, plan: SynthesisPlan
) -> NDArray[np.integer]:
    """A map ``(K, J, I)`` with the plan's structures grown into white matter, the first of them first."""
    if plan.grown_mm:
        array = array.copy()
        white = np.isin(array, [value for value in np.unique(array) if tissue_of(value) in WHITE])
    for value, mm in plan.grown_mm.items():
        inside = SimpleITK.GetImageFromArray((array == int(value)).astype(np.uint8))
        inside.SetSpacing(geometry.spacing_mm)
        outside_mm = SimpleITK.SignedMaurerDistanceMap(
            inside, squaredDistance=False, useImageSpacing=True
        )
        taken = white & (SimpleITK.GetArrayFromImage(outside_mm) <= mm)
        array[taken] = int(value)
        white &= ~taken
    return array


def classes_of(values: Sequence[int], plan: SynthesisPlan) -> Tensor:
    """Per tissue the label of the model, ``(tissues,)`` uint8."""
    known = {
        tissue_of(value): int(label) for label, taken in plan.classes.items() for value in taken
    }
    return torch.tensor([known.get(value, 0) for value in values], dtype=torch.uint8)


def _spacing_along(geometry: Geometry, orientation: str) -> tuple[float, float, float]:
    nearest, _ = geometry.nearest_axes()
    x, y, z = (geometry.spacing_mm[nearest[lps]] for lps, _ in orientation_axes(orientation))
    return x, y, z


def _listed(found: np.ndarray) -> str:
    shown = ", ".join(str(int(value)) for value in found[:8])
    return shown + (" and others" if len(found) > 8 else "")
