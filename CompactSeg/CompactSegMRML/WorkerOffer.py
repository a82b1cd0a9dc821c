"""What the worker says about itself, as values, and what a model's folder states beside that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from CompactSegLib.errors import ModelError
from CompactSegLib.labels import Label
from CompactSegLib.model.schema import parse_model, read_data
from CompactSegMRML.Results import DeviceInfo, ModelCard, ModelInfo

__all__ = [
    "devicesOf",
    "modelsOf",
    "readCard",
]


def readCard(folder: str, *, title: str) -> ModelCard:
    """What ``model.json`` says of data, figures and limits.

    Empty where there is no such folder, as with a worker on another computer, or another model is in it. The weights
    are not looked at: the worker, which uses them, has checked them.
    """
    place = Path(folder)
    try:
        model = parse_model(read_data(place), folder=place, size_bytes=0)
    except ModelError:
        return ModelCard()
    if model.title != title:
        return ModelCard()
    figures = model.levels[-1].validation
    return ModelCard(
        madeFrom=_madeFrom(model.provenance.get("dataset")),
        dice=_number(figures.get("dice")),
        cases=_number(figures.get("cases")),
        isSynthetic=model.is_synthetic,
        limits=_sentences(model.provenance.get("limits")),
        expected=model.expected_millilitres,
    )


def _madeFrom(dataset: Any) -> str:
    """Name, source, licence and number of cases.

    >>> _madeFrom({"name": "Livers", "reference": "A. Body, 2020", "licence": "CC0", "cases": 20})
    'Livers (A. Body, 2020; CC0), 20 cases'
    >>> _madeFrom(None)
    ''
    """
    if not isinstance(dataset, Mapping) or not dataset.get("name"):
        return ""
    source = "; ".join(str(dataset[key]) for key in ("reference", "licence") if dataset.get(key))
    text = f"{dataset['name']} ({source})" if source else str(dataset["name"])
    cases = _number(dataset.get("cases"))
    return text if cases is None else f"{text}, {cases} {'case' if cases == 1 else 'cases'}"


def _sentences(limits: Any) -> tuple[str, ...]:
    if isinstance(limits, str):
        return (limits,)
    return tuple(map(str, limits)) if isinstance(limits, list | tuple) else ()


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def modelsOf(event: Mapping[str, Any]) -> tuple[ModelInfo, ...]:
    """The models of a ``ready`` or ``models`` event."""
    return tuple(_model(each) for each in event["models"])


def devicesOf(event: Mapping[str, Any]) -> tuple[DeviceInfo, ...]:
    """The devices of a ``devices`` event."""
    return tuple(
        DeviceInfo(each["name"], each["title"], each["precision"]) for each in event["devices"]
    )


def _model(data: Mapping[str, Any]) -> ModelInfo:
    field = data.get("field_mm")
    return ModelInfo(
        name=data["name"],
        title=data["title"],
        description=data["description"],
        levels=data["levels"],
        labels=tuple(Label.from_dict(label) for label in data["labels"]),
        channels=data["channels"],
        modality=data["modality"],
        licence=data["licence"],
        sizeBytes=data["size_bytes"],
        folder=data["folder"],
        stopThreshold=data["stop"]["threshold"],
        fieldMm=tuple(field) if field else None,
        card=readCard(data["folder"], title=data["title"]),
    )
