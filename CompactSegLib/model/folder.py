"""The model folder: ``model.json`` (schema 1), ``weights.safetensors`` and the card, read, checked and written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CompactSegLib.errors import ModelError, OutputError
from CompactSegLib.files import check_writable, write_text, written_together
from CompactSegLib.json_data import Invalid, build, read_json, stated, told_as
from CompactSegLib.model.card import model_card
from CompactSegLib.model.model import LevelInfo, Model, Stop, Weights
from CompactSegLib.model.weights import WEIGHTS_FILE, encode_net, read_bytes
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import level_costs
from CompactSegLib.paths import given, is_file, is_folder, is_there, resolved
from CompactSegLib.volume.geometry import orientation_axes
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.words import shown

if TYPE_CHECKING:
    from CompactSegLib.network.net import MultiLevelNet

MODEL_FILE = "model.json"
CARD_FILE = "README.md"
SCHEMA = 1
_REPAIR = "correct it, or copy the model folder again from its source."


def read_model(folder: str | os.PathLike[str]) -> Model:
    """Read a model folder and check all that can be checked without torch, the weights' hash included.

    Raises:
        ModelError: The folder is missing, damaged, of another schema or no model; one sentence says what is wrong.
    """
    place = given(folder)
    if not is_folder(place):
        raise ModelError(
            f"{place}: expected a model folder, but there is no such folder; check the path."
        )
    file = place / MODEL_FILE
    if not is_there(file):
        raise ModelError(
            f"{place}: expected a model folder with {MODEL_FILE} and {WEIGHTS_FILE}, but it holds no {MODEL_FILE}; "
            "choose another folder."
        )
    files = [place / name for name in (MODEL_FILE, WEIGHTS_FILE, CARD_FILE)]
    size = sum(path.stat().st_size for path in files if is_file(path))
    model = _parsed(read_json(file, error=ModelError), folder=place, size_bytes=size)
    read_bytes(place, sha256=model.weights_sha256)
    return model


def check_model(folder: str | os.PathLike[str]) -> Model:
    """Read a model folder, check everything and load its net once.

    Raises:
        ModelError: As `read_model`; or a tensor's name, shape, type or values are not the net's.
    """
    model = read_model(folder)
    model.trainable_net()
    return model


def write_model(
    folder: str | os.PathLike[str],
    *,
    net: MultiLevelNet,
    validation: Sequence[Mapping[str, Any]],
    threshold: float,
    half_weights: bool = False,
    called: str | None = None,
    **facts: Any,
) -> Model:
    """Write a model folder, whole or not at all, and return the model read back from it.

    Parameters, operations and receptive field per level, the hash of the weights and the card are computed here.

    Args:
        folder: Where to. A model that is there already is replaced; a folder that holds anything else is an error.
        net: The trained net with its batch norm (not folded), on any device.
        validation: Per level, level 1 first, figures on cases that were not trained on: ``dice``, ``dice_by_label``
            (by label name), ``cases``, and any others that are JSON.
        threshold: The improvement below which levels stop by default; 0 for never.
        half_weights: Store kernels in fp16, at half the size.
        called: What the commands on the card call it; by default its name.
        **facts: What else `Model` has: ``name``, ``title``, ``description``, ``labels``, ``modality``,
            ``orientation``, ``spacing_mm``, ``intensity``, ``licence``, ``provenance`` (JSON data, whose ``limits``, a
            text or a list of texts, go to the card's limits); and where there are such ``field_mm``,
            ``expected_millilitres``, ``refinement`` and ``region``.

    Raises:
        ModelError: Something of it does not fit together.
        OutputError: The folder could not be written.
    """
    target = resolved(given(folder))
    check_replaceable(target)
    costs = level_costs(net.config)
    if len(validation) != len(costs):
        raise ModelError(
            f"{target}: expected validation figures for {len(costs)} levels, got {len(validation)}; "
            "pass one entry per level, empty where there are none."
        )
    weights = encode_net(net, half=half_weights)
    draft = Model(
        folder=target,
        net_config=net.config,
        levels=tuple(
            LevelInfo(**asdict(cost), validation=dict(figures))
            for cost, figures in zip(costs, validation, strict=True)
        ),
        stop=Stop(threshold),
        weights=Weights(WEIGHTS_FILE, hashlib.sha256(weights).hexdigest()),
        size_bytes=0,
        **({"field_mm": None} | facts),
    )
    text = _json_text(target, model_data(draft))
    model = _parsed(json.loads(text), folder=target, size_bytes=len(text) + len(weights))
    with written_together(target, last=MODEL_FILE) as fresh:
        (fresh / WEIGHTS_FILE).write_bytes(weights)
        write_text(fresh / CARD_FILE, model_card(model, called=called))
        write_text(fresh / MODEL_FILE, text)
    return check_model(target)


def model_data(model: Model) -> dict[str, Any]:
    """What ``model.json`` holds for a model; reading it gives an equal model back."""
    states = stated(model)
    for name in ("folder", "size_bytes"):
        del states[name]
    return {"schema": SCHEMA, **states}


def _parsed(data: object, *, folder: Path, size_bytes: int) -> Model:
    """The model that the content of ``model.json`` describes, checked."""
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


def _json_text(target: Path, data: Mapping[str, Any]) -> str:
    try:
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{target / MODEL_FILE}: expected validation and provenance that JSON can hold, but {error}; "
            "pass texts, finite numbers, lists and objects."
        ) from error


def check_replaceable(target: Path) -> None:
    """Check before anything long that a model folder can be written.

    Only what is nothing but a model is replaced: whatever else lies in the folder would be lost.

    Raises:
        OutputError: The folder holds something else, or cannot be written to.
    """
    files = (MODEL_FILE, WEIGHTS_FILE, CARD_FILE)
    others = {path.name for path in target.glob("[!.]*")} if is_folder(target) else set()
    foreign = sorted(others.difference(files))
    if foreign:
        raise OutputError(
            f"{target}: expected a new folder or a model to replace, but it also holds {foreign[0]!r}; "
            "choose another folder."
        )
    check_writable(target, *files)
