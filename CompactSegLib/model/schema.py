"""``model.json``: read field by field, and written. Schema 1."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from CompactSegLib.errors import ModelError
from CompactSegLib.labels import Label
from CompactSegLib.model.expected_volumes import (
    ExpectedVolume,
    expected_from_dict,
    expected_to_dict,
)
from CompactSegLib.model.fields import REPAIR, Fields, is_number, read
from CompactSegLib.model.model import LevelInfo, Model
from CompactSegLib.model.region import Region
from CompactSegLib.model.weights import WEIGHTS_FILE
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import LevelCost, level_costs
from CompactSegLib.volume.geometry import orientation_axes
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement

__all__ = ["MODEL_FILE", "SCHEMA", "model_data", "parse_model", "read_json"]

MODEL_FILE = "model.json"
SCHEMA = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMES = (
    "schema",
    "name",
    "title",
    "description",
    "modality",
    "orientation",
    "spacing_mm",
    "field_mm",
    "intensity",
    "refinement",
    "region",
    "labels",
    "expected_millilitres",
    "net",
    "levels",
    "stop",
    "provenance",
    "licence",
    "weights",
)
_LEVEL_NAMES = (
    "level",
    "parameters",
    "macs_per_voxel",
    "macs_per_voxel_all_levels",
    "receptive_field",
    "validation",
)


def read_json(path: Path) -> Any:
    """The content of a model's ``model.json``.

    Raises:
        ModelError: Not there, not readable, or not JSON.
    """
    if not path.parent.is_dir():
        raise ModelError(
            f"{path.parent}: expected a model folder, but there is no such folder; check the path."
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path.parent}: expected a model folder with {MODEL_FILE} and {WEIGHTS_FILE}, "
            f"but it holds no {MODEL_FILE}; choose another folder."
        ) from None
    except OSError as error:
        raise ModelError(
            f"{path}: could not be read ({error.strerror}); check its permissions."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: expected JSON, but {_lower(str(error))}; {REPAIR}") from error


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
    fields = Fields(data, where=where, names=_NAMES)
    name = fields.text("name")
    if not is_model_name(name):
        raise fields.wrong("name", "lower-case letters, digits, '-', '_' and '.'", name)
    orientation = fields.text("orientation")
    fields.read("orientation", orientation_axes)
    net_config = fields.read("net", NetConfig.from_dict)
    labels = _labels(fields, net_config)
    return Model(
        name=name,
        folder=folder,
        title=fields.text("title"),
        description=fields.text("description"),
        net_config=net_config,
        labels=labels,
        modality=fields.text("modality"),
        orientation=orientation,
        spacing_mm=_lengths(fields, "spacing_mm"),
        field_mm=None if fields.value("field_mm") is None else _lengths(fields, "field_mm"),
        intensity=fields.read("intensity", IntensityRule.from_dict),
        levels=_levels(fields, net_config),
        threshold=_threshold(fields),
        provenance=fields.object("provenance"),
        licence=fields.text("licence"),
        weights_sha256=_sha256(fields),
        size_bytes=size_bytes,
        expected_millilitres=_expected(fields, labels),
        refinement=_refinement(fields),
        region=fields.read("region", Region.from_dict) if fields.states("region") else None,
    )


def model_data(model: Model) -> dict[str, Any]:
    """What ``model.json`` holds for a model; `parse_model` gives an equal model back."""
    expected = expected_to_dict(model.expected_millilitres)
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
        f"{'a file that states none' if schema is None else repr(schema)}; choose another folder."
    )


def _labels(fields: Fields, net_config: NetConfig) -> tuple[Label, ...]:
    labels = tuple(
        read(item, Label.from_dict, where=where) for where, item in fields.items("labels")
    )
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
        or told != list(range(1, net_config.classes))
        or not lefts == rights == pairs
    ):
        raise fields.wrong(
            "labels",
            f"the values 1 to {net_config.classes - 1} in order, one per class of the net but the background, or "
            "the left and the right of one",
            values,
        )
    if len({label.name for label in labels}) != len(labels):
        raise fields.wrong("labels", "a name of its own for each", [label.name for label in labels])
    return labels


def _expected(fields: Fields, labels: tuple[Label, ...]) -> dict[str, ExpectedVolume]:
    """Models are as good without: theirs are then not compared with anything."""
    if not fields.states("expected_millilitres"):
        return {}
    names = [label.name for label in labels]
    return fields.read(
        "expected_millilitres", lambda settings: expected_from_dict(settings, labels=names)
    )


def _refinement(fields: Fields) -> Refinement | None:
    if not fields.states("refinement"):
        return None
    return fields.read("refinement", Refinement.from_dict)


def _lengths(fields: Fields, name: str) -> tuple[float, float, float]:
    values = [item for _, item in fields.items(name, length=3)]
    if not all(is_number(value) and value > 0 for value in values):
        raise fields.wrong(name, "three lengths above 0 mm", values)
    i, j, k = map(float, values)
    return i, j, k


def _levels(fields: Fields, net_config: NetConfig) -> tuple[LevelInfo, ...]:
    levels = []
    costs = level_costs(net_config)
    for cost, (where, item) in zip(costs, fields.items("levels", length=len(costs)), strict=True):
        level = Fields(item, where=where, names=_LEVEL_NAMES)
        info = LevelInfo(
            level=level.whole("level", minimum=1),
            parameters=level.whole("parameters", minimum=1),
            macs_per_voxel=level.number("macs_per_voxel", minimum=0),
            macs_per_voxel_all_levels=level.number("macs_per_voxel_all_levels", minimum=0),
            receptive_field=level.whole("receptive_field", minimum=1),
            validation=_validation(level),
        )
        _check_cost(level, info, cost)
        levels.append(info)
    return tuple(levels)


def _check_cost(level: Fields, info: LevelInfo, cost: LevelCost) -> None:
    """Figures that are not those of the net would be lies on the card and in every report."""
    for name, computed in asdict(cost).items():
        stated = getattr(info, name)
        if abs(stated - computed) > 1e-6 * computed:
            raise level.wrong(name, f"{computed:g} as the net has it", stated)


def _validation(level: Fields) -> dict[str, Any]:
    validation = level.object("validation")
    figures = Fields(validation, where=f"{level.where}, validation", names=tuple(validation))
    if "dice" in validation:
        figures.number("dice", minimum=0, maximum=1)
    if "cases" in validation:
        figures.whole("cases", minimum=1)
    if "dice_by_label" in validation:
        by_label = figures.object("dice_by_label")
        each = Fields(by_label, where=f"{figures.where}, dice_by_label", names=tuple(by_label))
        for name in by_label:
            each.number(name, minimum=0, maximum=1)
    return validation


def _threshold(fields: Fields) -> float:
    stop = Fields(fields.value("stop"), where=f"{fields.where}, stop", names=("threshold",))
    return stop.number("threshold", minimum=0, maximum=1)


def _sha256(fields: Fields) -> str:
    where = f"{fields.where}, weights"
    weights = Fields(fields.value("weights"), where=where, names=("file", "sha256"))
    if weights.text("file") != WEIGHTS_FILE:
        raise weights.wrong("file", WEIGHTS_FILE, weights.text("file"))
    sha256 = weights.text("sha256")
    if not _SHA256.fullmatch(sha256):
        raise weights.wrong("sha256", "64 hexadecimal digits", sha256)
    return sha256


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def is_model_name(name: str) -> bool:
    """Whether a model can be called so: its folder, and what is typed in a command."""
    return _NAME.fullmatch(name) is not None
