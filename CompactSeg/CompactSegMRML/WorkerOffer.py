"""What the worker says about itself, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from CompactSegLib.labels import Label
from CompactSegMRML.ModelCards import readCard
from CompactSegMRML.Results import DeviceInfo, ModelInfo

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
