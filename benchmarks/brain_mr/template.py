"""The MNI152 template that nilearn carries: the model's grey and white matter against the template's own maps.

The maps hold probabilities, averaged over 152 people (Fonov et al., NeuroImage 2011). The template is skull-stripped;
nilearn carries none with a skull. A voxel counts as grey or white matter where its map is above 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.brain_mr.engine import Result, run
from benchmarks.brain_mr.scores import dice_of_masks
from CompactSegLib import Geometry, Label, Model, Segmenter, Volume
from CompactSegLib.errors import InputError

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

GREY = (
    "Cerebral cortex",
    "Cerebellar cortex",
    "Thalamus",
    "Caudate",
    "Putamen",
    "Pallidum",
    "Hippocampus",
    "Amygdala",
)
WHITE = ("Cerebral white matter", "Cerebellar white matter")
BRAIN_STEM = "Brain stem"
TISSUES = {
    "GM": GREY,
    "WM": WHITE,
    "WM and brain stem": (*WHITE, BRAIN_STEM),
}
"""Which labels are compared with which map. The maps split the brain stem between both, so it is in neither of the
first two."""

_MAP_OF = {"GM": "GM", "WM": "WM", "WM and brain stem": "WM"}
_THRESHOLD = 0.5


@dataclass(frozen=True)
class Template:
    """The template and where its maps are above 0.5.

    Attributes:
        volume: The T1 image, 197×233×189 voxels of 1 mm.
        maps: Boolean ``(K, J, I)`` on the same grid, for ``GM`` and ``WM``.
    """

    volume: Volume
    maps: dict[str, NDArray[np.bool_]]

    @classmethod
    def load(cls) -> Template:
        from nilearn import datasets

        image = datasets.load_mni152_template(resolution=1)
        maps = {
            "GM": datasets.load_mni152_gm_template(resolution=1),
            "WM": datasets.load_mni152_wm_template(resolution=1),
        }
        for name, probabilities in maps.items():
            if not np.allclose(probabilities.affine, image.affine):
                raise InputError(
                    f"nilearn's {name} map: expected the template's grid, got another; install nilearn 0.11 or newer."
                )
        matrix = np.asarray(image.affine)
        geometry = Geometry.from_ijk_to_ras(image.shape, matrix)
        volume = Volume.from_array(_kji(image).astype(np.float32), geometry, name="MNI152")
        return cls(volume, {name: _kji(map_) > _THRESHOLD for name, map_ in maps.items()})


@dataclass(frozen=True)
class TemplateResult:
    """What the model made of the template.

    Attributes:
        template: What was segmented.
        result: All levels.
        dice: Per tissue of `TISSUES`, of each level.
    """

    template: Template
    result: Result
    dice: dict[str, list[float]]


def measure(segmenter: Segmenter, say: Callable[[str], None]) -> TemplateResult:
    """Segment the template and compare."""
    say("template: MNI152")
    template = Template.load()
    result = run(segmenter, template.volume)
    dice = {}
    for tissue, names in TISSUES.items():
        values = values_of(segmenter.model, names)
        truth = template.maps[_MAP_OF[tissue]]
        dice[tissue] = [
            dice_of_masks(np.isin(level.labels, values), truth) for level in result.levels
        ]
    return TemplateResult(template, result, dice)


def values_of(model: Model, names: Sequence[str]) -> list[int]:
    """Values of a model's labels by their names.

    Raises:
        InputError: The model has no label of such a name.
    """
    known = {label.name: label.value for label in model.labels}
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(
            f"model {model.name}: expected the labels of brain-mr, but it has no {missing[0]!r}; give such a model."
        )
    return [known[name] for name in names]


def dice_rows(found: TemplateResult) -> list[dict[str, object]]:
    """Dice of each tissue, a column per level."""
    return [
        {"map > 0.5": _MAP_OF[tissue], "labels": ", ".join(names)}
        | {f"level {n}": dice for n, dice in enumerate(found.dice[tissue], start=1)}
        for tissue, names in TISSUES.items()
    ]


def share_rows(found: TemplateResult, labels: Sequence[Label]) -> list[dict[str, object]]:
    """Where each structure of the last level lies: in the maps above 0.5, or in neither."""
    level, maps = found.result.last, found.template.maps
    rows: list[dict[str, object]] = []
    for label in labels:
        inside = level.labels == label.value
        voxels = int(inside.sum())
        shares = {name: _percent(int((inside & map_).sum()), voxels) for name, map_ in maps.items()}
        neither = int((inside & ~maps["GM"] & ~maps["WM"]).sum())
        rows.append(
            {"structure": label.name}
            | {
                f"level {one.number} (ml)": one.millilitres[label.name]
                for one in found.result.levels
            }
            | {f"in {name} (%)": share for name, share in shares.items()}
            | {"in neither (%)": _percent(neither, voxels)}
        )
    return rows


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else float("nan")


def _kji(image: Nifti1Image) -> NDArray:
    return np.ascontiguousarray(np.asanyarray(image.dataobj).T)
