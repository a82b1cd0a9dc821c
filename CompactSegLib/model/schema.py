"""``model.json``: what it must state, read and written. Schema 1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from CompactSegLib.errors import ModelError
from CompactSegLib.json_data import (
    Invalid,
    Share,
    Such,
    Text,
    build,
    number,
    read_json,
    shown,
    told_as,
    whole,
)
from CompactSegLib.labels import Label
from CompactSegLib.model.expected_volumes import ExpectedVolume
from CompactSegLib.model.model import LevelInfo, Model
from CompactSegLib.model.region import Region
from CompactSegLib.model.weights import WEIGHTS_FILE
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import level_costs
from CompactSegLib.volume.geometry import orientation_axes
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement

__all__ = ["MODEL_FILE", "REPAIR", "SCHEMA", "ModelName", "model_data", "parse_model", "read_data"]

MODEL_FILE = "model.json"
SCHEMA = 1
REPAIR = "correct it, or copy the model folder again from its source."
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
ModelName = Annotated[
    str,
    Such(
        "lower-case letters, digits, '-', '_' and '.'",
        lambda name: _NAME.fullmatch(name) is not None,
    ),
]
"""What a model can be called: its folder, and what is typed in a command."""
_Length = Annotated[float, Such("a length above 0 mm", lambda mm: mm > 0)]
_Lengths = tuple[_Length, _Length, _Length]
_Count = Annotated[int, whole(1)]
_WeightsFile = Annotated[str, Such(WEIGHTS_FILE, lambda name: name == WEIGHTS_FILE)]
_Sha256 = Annotated[
    str, Such("64 hexadecimal digits", lambda text: bool(re.fullmatch(r"[0-9a-f]{64}", text)))
]
_Operations = Annotated[float, number(0)]


@dataclass(frozen=True)
class _Level:
    level: _Count
    parameters: _Count
    macs_per_voxel: _Operations
    macs_per_voxel_all_levels: _Operations
    receptive_field: _Count
    validation: dict[str, Any]

    def __post_init__(self) -> None:
        build(_Figures, self.validation, where="validation", others=True)


@dataclass(frozen=True)
class _Figures:
    dice: Share | None = None
    cases: _Count | None = None
    dice_by_label: dict[str, Share] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stop:
    threshold: Share


@dataclass(frozen=True)
class _Weights:
    file: _WeightsFile
    sha256: _Sha256


@dataclass(frozen=True)
class _Contents:
    """What the file states."""

    schema: int
    name: ModelName
    title: Text
    description: Text
    modality: Text
    orientation: Text
    spacing_mm: _Lengths
    field_mm: _Lengths | None
    intensity: dict[str, Any]
    labels: tuple[Label, ...]
    net: NetConfig
    levels: tuple[_Level, ...]
    stop: _Stop
    provenance: dict[str, Any]
    licence: Text
    weights: _Weights
    refinement: Refinement | None = None
    region: Region | None = None
    # Models are as good without: theirs are then not compared with anything.
    expected_millilitres: dict[str, ExpectedVolume] | None = None

    def __post_init__(self) -> None:
        orientation_axes(self.orientation)
        _check_labels(self.labels, self.net)
        _check_levels(self.levels, self.net)
        names = [label.name for label in self.labels]
        if self.expected_millilitres and set(self.expected_millilitres) != set(names):
            raise Invalid(
                "expected_millilitres",
                f"an entry for each label ({', '.join(names)})",
                ", ".join(self.expected_millilitres),
            )


def read_data(folder: Path) -> Any:
    """The content of a model folder's ``model.json``.

    Raises:
        ModelError: Not there, not readable, or not JSON.
    """
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: expected a model folder, but there is no such folder; check the path."
        )
    if not (folder / MODEL_FILE).exists():
        raise ModelError(
            f"{folder}: expected a model folder with {MODEL_FILE} and {WEIGHTS_FILE}, "
            f"but it holds no {MODEL_FILE}; choose another folder."
        )
    return read_json(folder / MODEL_FILE, error=ModelError)


def parse_model(data: object, *, folder: Path, size_bytes: int) -> Model:
    """Check the content of ``model.json`` and return the model it describes.

    Args:
        data: What the file holds.
        folder: The model's folder.
        size_bytes: Of its files.

    Raises:
        ModelError: A field is missing, unknown or makes no sense; the sentence names it.
    """
    where = str(folder / MODEL_FILE)
    _check_schema(data, where)
    stated = build(_Contents, data, where=where, error=ModelError, advice=REPAIR)
    with told_as(ModelError, where=where, advice=REPAIR):
        intensity = IntensityRule.from_dict(stated.intensity)
    return Model(
        name=stated.name,
        folder=folder,
        title=stated.title,
        description=stated.description,
        net_config=stated.net,
        labels=stated.labels,
        modality=stated.modality,
        orientation=stated.orientation,
        spacing_mm=stated.spacing_mm,
        field_mm=stated.field_mm,
        intensity=intensity,
        levels=tuple(LevelInfo(**vars(level)) for level in stated.levels),
        threshold=stated.stop.threshold,
        provenance=stated.provenance,
        licence=stated.licence,
        weights_sha256=stated.weights.sha256,
        size_bytes=size_bytes,
        expected_millilitres=stated.expected_millilitres or {},
        refinement=stated.refinement,
        region=stated.region,
    )


def model_data(model: Model) -> dict[str, Any]:
    """What ``model.json`` holds for a model; `parse_model` gives an equal model back."""
    expected = {name: asdict(volume) for name, volume in model.expected_millilitres.items()}
    return {
        "schema": SCHEMA,
        "name": model.name,
        "title": model.title,
        "description": model.description,
        "modality": model.modality,
        "orientation": model.orientation,
        "spacing_mm": list(model.spacing_mm),
        "field_mm": model.field_mm and list(model.field_mm),
        "intensity": model.intensity.to_dict(),
        **({"refinement": model.refinement.to_dict()} if model.refinement else {}),
        **({"region": model.region.to_dict()} if model.region else {}),
        "labels": [label.to_dict() for label in model.labels],
        **({"expected_millilitres": expected} if expected else {}),
        "net": model.net_config.to_dict(),
        "levels": [asdict(level) for level in model.levels],
        "stop": {"threshold": model.threshold},
        "provenance": dict(model.provenance),
        "licence": model.licence,
        "weights": {"file": WEIGHTS_FILE, "sha256": model.weights_sha256},
    }


def _check_schema(data: object, where: str) -> None:
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if schema == SCHEMA and not isinstance(schema, bool):
        return
    if isinstance(schema, int) and schema > SCHEMA:
        raise ModelError(
            f"{where}: expected schema {SCHEMA}, got {schema}: the model was made by a newer CompactSeg; "
            "update CompactSeg to use it."
        )
    raise ModelError(
        f'{where}: expected a CompactSeg model with "schema": {SCHEMA}, got '
        f"{'a file that states none' if schema is None else shown(schema)}; choose another folder."
    )


def _check_labels(labels: tuple[Label, ...], net: NetConfig) -> None:
    values = [label.value for label in labels]
    # Of a class one label, or both its sides.
    told = [label.of_class for label in labels if label.side != "right"]
    pairs = sum(
        one.of_class == other.of_class and (one.side, other.side) == ("left", "right")
        for one, other in pairwise(labels)
    )
    lefts, rights = (sum(label.side == side for label in labels) for side in ("left", "right"))
    if (
        values != list(range(1, len(labels) + 1))
        or told != list(range(1, net.classes))
        or not lefts == rights == pairs
    ):
        raise Invalid(
            "labels",
            f"the values 1 to {net.classes - 1} in order, one per class of the net but the background, or "
            "the left and the right of one",
            values,
        )
    if len({label.name for label in labels}) != len(labels):
        raise Invalid("labels", "a name of its own for each", [label.name for label in labels])


def _check_levels(levels: tuple[_Level, ...], net: NetConfig) -> None:
    """Figures that are not those of the net would be lies on the card and in every report."""
    if len(levels) != net.levels:
        raise Invalid("levels", f"a list of {net.levels}", levels)
    for index, (level, cost) in enumerate(zip(levels, level_costs(net), strict=True)):
        for name, computed in asdict(cost).items():
            stated = getattr(level, name)
            if abs(stated - computed) > 1e-6 * computed:
                raise Invalid(f"levels[{index}].{name}", f"{computed:g} as the net has it", stated)
