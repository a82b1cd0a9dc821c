"""The cases of a dataset: read, checked on their own grid, and prepared as inference prepares images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch

from CompactSegLib.datasets.dataset import CaseFiles, Dataset, PreparedCase, raise_if_any
from CompactSegLib.errors import CompactSegError, InputError

if TYPE_CHECKING:
    from CompactSegLib.volume.geometry import Geometry
    from CompactSegLib.volume.volume import Volume

T = TypeVar("T")


class Preparation(Protocol):
    """What a training plan says of how images are prepared."""

    @property
    def orientation(self) -> str: ...
    @property
    def spacing_mm(self) -> tuple[float, float, float]: ...
    @property
    def intensity(self) -> dict[str, Any]: ...


# Headers written by different tools differ in their last digits.
_GRID_TOLERANCE_VOXELS = 0.05


def load_cases(dataset: Dataset, plan: Preparation) -> list[PreparedCase]:
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
    raise_if_any(dataset.folder, problems)
    return results


def read_case(case: CaseFiles, dataset: Dataset) -> tuple[Volume, np.ndarray]:
    """Read and check one case on its own grid.

    Returns:
        The image, and its labels ``(K, J, I)`` uint8.

    Raises:
        InputError: It cannot be used; the sentence names the file.
    """
    volume = _read_image(case.images, dataset)
    labels, labels_geometry = _read_labels(case.labels, dataset)
    if not volume.geometry.matches(labels_geometry, tolerance=_GRID_TOLERANCE_VOXELS):
        raise InputError(
            f"{case.labels}: expected the grid of its image ({_grid(volume.geometry)}), "
            f"got another ({_grid(labels_geometry)})."
        )
    return volume, labels


def _prepared(case: CaseFiles, dataset: Dataset, plan: Preparation) -> PreparedCase:
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


def _read_image(paths: Sequence[Path], dataset: Dataset) -> Volume:
    from CompactSegLib.volume.reading import read_volume

    volume = read_volume(paths)
    # Inference mends such voxels; training data with them is better mended by who knows why.
    if volume.is_mended:
        raise InputError(
            f"{volume.warnings[0].removesuffix('.')}, but a case of a dataset is not changed; mend the image, or leave "
            "the case out."
        )
    if not volume.has_contrast:
        raise InputError(volume.warnings[-1])
    channels = len(dataset.channels)
    if volume.channels != channels:
        raise InputError(
            f"{paths[0]}: expected {channels} channels, as {dataset.described_by} has it, got {volume.channels}."
        )
    return volume


def _read_labels(path: Path, dataset: Dataset) -> tuple[np.ndarray, Geometry]:
    """Labels ``(K, J, I)`` and their grid; not as a volume, because a case without any structure is a case."""
    from CompactSegLib.volume.reading import read_labels

    array, geometry = read_labels(path)
    values = np.unique(array)
    highest = dataset.classes - 1
    wrong = [f"{v:g}" for v in values if not 0 <= v <= highest]
    if wrong:
        raise InputError(
            f"{path}: expected the label values 0 to {highest} of {dataset.described_by}, "
            f"got also {', '.join(wrong[:5])}."
        )
    return array.astype(np.uint8), geometry


def _grid(geometry: Geometry) -> str:
    size = " x ".join(map(str, geometry.size_ijk))
    spacing = " x ".join(f"{mm:.3g}" for mm in geometry.spacing_mm)
    origin = ", ".join(f"{mm:.2f}" for mm in geometry.origin_lps_mm)
    return f"{size} voxels of {spacing} mm, origin {origin}, {geometry.orientation}"
