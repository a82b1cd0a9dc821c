"""A Decathlon folder: its cases, checked before anything is trained, and prepared as inference prepares images."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from CompactSegLib.errors import CompactSegError, InputError
from CompactSegLib.training.nifti import not_finite_voxels
from CompactSegLib.training.plan import TrainingPlan, read_json

if TYPE_CHECKING:
    from CompactSegLib.volume.geometry import Geometry
    from CompactSegLib.volume.volume import Volume

T = TypeVar("T")

# A case with thousands of problems must not hide the problems of the others.
_LISTED_PROBLEMS = 50
# Headers written by different tools differ in their last digits.
_GRID_TOLERANCE_VOXELS = 0.05


@dataclass(frozen=True)
class CaseFiles:
    """Where a case is: its name (the label file's stem), its image and its labels."""

    name: str
    image: Path
    labels: Path


@dataclass(frozen=True)
class Dataset:
    """A Decathlon dataset.

    Attributes:
        folder: Where it is.
        name: Its name.
        licence: Its licence, empty where dataset.json names none.
        reference: Whose it is.
        channels: Names of the image channels.
        labels: Name per label value, background excluded.
        cases: The training cases, sorted by name.
    """

    folder: Path
    name: str
    licence: str
    reference: str
    channels: tuple[str, ...]
    labels: dict[int, str]
    cases: tuple[CaseFiles, ...]

    @property
    def classes(self) -> int:
        """Number of classes, background included."""
        return len(self.labels) + 1


@dataclass(frozen=True)
class PreparedCase:
    """A case on the model's grid.

    Attributes:
        name: The case.
        image: ``(C, D, H, W)`` float32, intensities normalised.
        labels: ``(D, H, W)`` uint8.
    """

    name: str
    image: Tensor
    labels: Tensor


def read_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Read ``dataset.json`` of a Decathlon folder (Antonelli et al., Nature Communications 2022) and find its files.

    Raises:
        CompactSegError: Something is missing; every problem is listed.
    """
    path = Path(folder)
    if not (path / "dataset.json").is_file():
        raise InputError(
            f"{path}: expected a Decathlon folder with dataset.json, imagesTr and labelsTr, "
            "but dataset.json is not there."
        )
    data = read_json(path / "dataset.json")
    problems: list[str] = []
    labels = _labels(data, problems)
    cases = _cases(path, data, problems)
    _raise_if_any(path, problems)
    channels = data.get("modality") or data.get("channel_names") or {"0": "image"}
    return Dataset(
        folder=path,
        name=str(data.get("name", path.name)),
        licence=str(data.get("licence", data.get("license", ""))),
        reference=str(data.get("reference", "")),
        channels=tuple(str(channels[key]) for key in sorted(channels)),
        labels=labels,
        cases=tuple(sorted(cases, key=lambda case: case.name)),
    )


def _labels(data: dict[str, Any], problems: list[str]) -> dict[int, str]:
    try:
        labels = {int(value): str(name) for value, name in dict(data["labels"]).items()}
    except (KeyError, TypeError, ValueError):
        problems.append(
            'dataset.json: expected "labels" such as {"0": "background", "1": "Anterior"}'
        )
        return {}
    labels.pop(0, None)
    if sorted(labels) != list(range(1, len(labels) + 1)) or not labels:
        problems.append(
            f"dataset.json: expected label values 1, 2, 3 and so on without gaps, got {sorted(labels)}"
        )
    return labels


def _cases(folder: Path, data: dict[str, Any], problems: list[str]) -> list[CaseFiles]:
    listed = data.get("training")
    if not isinstance(listed, list) or not listed:
        problems.append('dataset.json: expected "training" to list pairs of "image" and "label"')
        return []
    cases = []
    for entry in listed:
        if not isinstance(entry, dict) or not {"image", "label"} <= set(entry):
            problems.append(
                f'dataset.json: expected "image" and "label" in "training", got {entry!r}'
            )
            continue
        image, labels = folder / entry["image"], folder / entry["label"]
        problems.extend(
            f"{file}: listed in dataset.json, but not there"
            for file in (image, labels)
            if not file.is_file()
        )
        cases.append(CaseFiles(name=_stem(labels), image=image, labels=labels))
    names = [case.name for case in cases]
    problems.extend(
        f"dataset.json: case {name} is listed {names.count(name)} times"
        for name in sorted(set(names))
        if names.count(name) > 1
    )
    known = {file.resolve() for case in cases for file in (case.image, case.labels)}
    for kind in ("imagesTr", "labelsTr"):
        for file in sorted((folder / kind).glob("[!.]*.nii*")):
            if file.resolve() not in known:
                problems.append(f"{file}: not listed in dataset.json")
    return cases


def load_cases(dataset: Dataset, plan: TrainingPlan) -> list[PreparedCase]:
    """Read, check and prepare all cases; they are kept in memory.

    Raises:
        CompactSegError: Some cannot be trained on; every problem is listed with its file.
    """
    return _of_each(dataset, dataset.cases, lambda case: _prepared(case, dataset, plan))


def check_cases(dataset: Dataset, cases: Sequence[CaseFiles]) -> None:
    """Read cases for their problems alone, before anything long begins.

    Raises:
        CompactSegError: Some cannot be used; every problem is listed with its file.
    """
    _of_each(dataset, cases, lambda case: read_case(case, dataset)[1].size)


def _of_each(
    dataset: Dataset, cases: Sequence[CaseFiles], function: Callable[[CaseFiles], T]
) -> list[T]:
    problems: list[str] = []
    results = []
    for case in cases:
        try:
            results.append(function(case))
        except CompactSegError as error:
            problems.append(str(error))
    _raise_if_any(dataset.folder, problems)
    return results


def read_case(case: CaseFiles, dataset: Dataset) -> tuple[Volume, np.ndarray]:
    """Read and check one case on its own grid.

    Returns:
        The image, and its labels ``(K, J, I)`` uint8.

    Raises:
        InputError: It cannot be used; the sentence names the file.
    """
    volume = _read_image(case.image, channels=len(dataset.channels))
    labels, labels_geometry = _read_labels(case.labels, highest=dataset.classes - 1)
    if not volume.geometry.matches(labels_geometry, tolerance=_GRID_TOLERANCE_VOXELS):
        raise InputError(
            f"{case.labels}: expected the grid of its image ({_grid(volume.geometry)}), "
            f"got another ({_grid(labels_geometry)})."
        )
    return volume, labels


def _prepared(case: CaseFiles, dataset: Dataset, plan: TrainingPlan) -> PreparedCase:
    from CompactSegLib.volume.intensities import IntensityRule
    from CompactSegLib.volume.resampling import GridMap

    volume, labels = read_case(case, dataset)
    grid = GridMap.between(
        volume.geometry, orientation=plan.orientation, spacing_mm=plan.spacing_mm
    )
    rule = IntensityRule.from_dict(plan.intensity)
    # Labels take the image's path, one channel per class, so that both are resampled alike.
    one_hot = np.stack([labels == value for value in range(dataset.classes)]).astype(np.float32)
    return PreparedCase(
        name=case.name,
        image=rule.apply(grid.prepare(volume.array)),
        labels=grid.prepare(one_hot).argmax(dim=0).to(torch.uint8),
    )


def _read_image(path: Path, *, channels: int) -> Volume:
    from CompactSegLib.volume.reading import read_volume

    volume = read_volume(path)
    # Inference mends such voxels; training data with them is better mended by who knows why.
    if volume.warnings:
        raise InputError(volume.warnings[0])
    bad = not_finite_voxels(path)
    if bad:
        raise InputError(
            f"{path}: expected finite intensities, got {bad} voxels that are NaN or infinite."
        )
    if volume.channels != channels:
        raise InputError(
            f"{path}: expected {channels} channels, as dataset.json lists, got {volume.channels}."
        )
    return volume


def _read_labels(path: Path, *, highest: int) -> tuple[np.ndarray, Geometry]:
    """Labels ``(K, J, I)`` and their grid; not as a volume, because a case without any structure is a case."""
    import SimpleITK

    from CompactSegLib.volume.geometry import Geometry

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path}: expected an image file of labels, but it cannot be read."
        ) from error
    array = SimpleITK.GetArrayFromImage(image)
    if image.GetDimension() != 3 or array.ndim != 3:
        raise InputError(f"{path}: expected one 3D label map, got an array of shape {array.shape}.")
    values = np.unique(array)
    wrong = [f"{v:g}" for v in values if not (0 <= v <= highest and v == int(v))]
    if wrong:
        raise InputError(
            f"{path}: expected the label values 0 to {highest} of dataset.json, got also {', '.join(wrong[:5])}."
        )
    return array.astype(np.uint8), Geometry.from_sitk(image)


def _grid(geometry: Geometry) -> str:
    size = " x ".join(map(str, geometry.size_ijk))
    spacing = " x ".join(f"{mm:.3g}" for mm in geometry.spacing_mm)
    origin = ", ".join(f"{mm:.2f}" for mm in geometry.origin_lps_mm)
    return f"{size} voxels of {spacing} mm, origin {origin}, {geometry.orientation}"


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _raise_if_any(folder: Path, problems: list[str]) -> None:
    if not problems:
        return
    shown = [f"- {problem}" for problem in problems[:_LISTED_PROBLEMS]]
    if len(problems) > len(shown):
        shown.append(f"- and {len(problems) - len(shown)} more")
    one = len(problems) == 1
    raise InputError(
        f"{folder}: expected a dataset without faults, found {len(problems)} problem{'' if one else 's'}:\n"
        + "\n".join(shown)
    )
