"""``model.json``: what it must state, read and written. Schema 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from CompactSegLib.errors import ModelError
from CompactSegLib.json_data import Invalid, build, read_json, shown, stated, told_as
from CompactSegLib.model.model import LevelInfo, Model
from CompactSegLib.model.weights import WEIGHTS_FILE
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import level_costs
from CompactSegLib.volume.geometry import orientation_axes
from CompactSegLib.volume.intensities import IntensityRule

__all__ = ["MODEL_FILE", "SCHEMA", "model_data", "parse_model", "read_data"]

MODEL_FILE = "model.json"
SCHEMA = 1
_REPAIR = "correct it, or copy the model folder again from its source."


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
    states = _checked_schema(data, where)
    with told_as(ModelError, where=where, advice=_REPAIR):
        if isinstance(states.get("intensity"), Mapping):
            states["intensity"] = IntensityRule.from_dict(states["intensity"])
        model = build(Model, states, where="", folder=folder, size_bytes=size_bytes)
        orientation_axes(model.orientation)
        _check_labels(model)
        _check_levels(model.levels, model.net_config)
    return model


def model_data(model: Model) -> dict[str, Any]:
    """What ``model.json`` holds for a model; `parse_model` gives an equal model back."""
    states = stated(model)
    for name in ("folder", "size_bytes"):
        del states[name]
    return {"schema": SCHEMA, **states}


def _checked_schema(data: object, where: str) -> dict[str, Any]:
    """What is stated under a schema that this version reads."""
    states = dict(data) if isinstance(data, Mapping) else {}
    schema = states.pop("schema", None)
    if schema == SCHEMA and not isinstance(schema, bool):
        return states
    if isinstance(schema, int) and schema > SCHEMA:
        raise ModelError(
            f"{where}: expected schema {SCHEMA}, got {schema}: the model was made by a newer CompactSeg; "
            "update CompactSeg to use it."
        )
    raise ModelError(
        f'{where}: expected a CompactSeg model with "schema": {SCHEMA}, got '
        f"{'a file that states none' if schema is None else shown(schema)}; choose another folder."
    )


def _check_labels(model: Model) -> None:
    labels, net = model.labels, model.net_config
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
    names, expected = [label.name for label in labels], model.expected_millilitres
    if len(set(names)) != len(labels):
        raise Invalid("labels", "a name of its own for each", names)
    if expected and set(expected) != set(names):
        wanted = f"an entry for each label ({', '.join(names)})"
        raise Invalid("expected_millilitres", wanted, ", ".join(expected))


def _check_levels(levels: tuple[LevelInfo, ...], net: NetConfig) -> None:
    """Figures that are not those of the net would be lies on the card and in every report."""
    if len(levels) != net.levels:
        raise Invalid("levels", f"a list of {net.levels}", levels)
    for index, (level, cost) in enumerate(zip(levels, level_costs(net), strict=True)):
        for name, computed in asdict(cost).items():
            stated = getattr(level, name)
            if abs(stated - computed) > 1e-6 * computed:
                raise Invalid(f"levels[{index}].{name}", f"{computed:g} as the net has it", stated)
