"""What the worker says about itself, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from CompactSegLib.labels import Label
from CompactSegLib.model.expected_volumes import ExpectedVolume
from CompactSegMRML.Results import DeviceInfo, ModelCard, ModelInfo

__all__ = ["devicesOf", "modelsOf"]


def modelsOf(event: Mapping[str, Any]) -> tuple[ModelInfo, ...]:
    """The models of a ``ready`` or ``models`` event."""
    return tuple(_model(each) for each in event["models"])


def devicesOf(event: Mapping[str, Any]) -> tuple[DeviceInfo, ...]:
    """The devices of a ``devices`` event."""
    return tuple(
        DeviceInfo(each["name"], each["title"], each["precision"]) for each in event["devices"]
    )


def _model(data: Mapping[str, Any]) -> ModelInfo:
    field, card = data.get("field_mm"), data.get("card")
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
        card=_card(card) if card is not None else ModelCard(),
    )


def _card(data: Mapping[str, Any]) -> ModelCard:
    expected = data["expected_millilitres"]
    return ModelCard(
        madeFrom=data["made_from"],
        dice=data["dice"],
        cases=data["cases"],
        isSynthetic=data["is_synthetic"],
        limits=tuple(data["limits"]),
        expected={name: ExpectedVolume(**volume) for name, volume in expected.items()},
    )
