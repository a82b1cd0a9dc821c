"""Events that tell what is there and what went wrong."""

from __future__ import annotations

import importlib.metadata
import json
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import CompactSegLib
from CompactSegLib.errors import (
    CompactSegError,
    ConfigurationError,
    DeviceError,
    InputError,
    ModelError,
)
from CompactSegLib.json_data import stated
from CompactSegLib.model.model import Model
from CompactSegLib.model.provenance import limits_of, made_from
from CompactSegLib.model.registry import list_models
from CompactSegLib.serve.protocol import LARGEST_LINE, PROTOCOL
from CompactSegLib.serve.requests import Id, RequestError
from CompactSegLib.serve.session import TorchError, VolumeGone
from CompactSegLib.words import shortened

# All are told in one line, and one too long would take all the models away.
_LONGEST_MODEL = 2**18
_LONGEST_MODELS = LARGEST_LINE * 3 // 4
_LONGEST_SENTENCE, _MOST_SENTENCES = 2000, 50
_KINDS = {
    RequestError: "request",
    InputError: "input",
    ModelError: "model",
    ConfigurationError: "configuration",
    DeviceError: "device",
    TorchError: "torch",
    VolumeGone: "volume-gone",
}


def ready(request: Id | None = None) -> dict[str, Any]:
    """What can be told before torch is loaded: versions and models."""
    damaged: list[str] = []
    models: list[dict[str, Any]] = []
    length = 0
    for model in list_models(on_damaged=lambda error: damaged.append(str(error))):
        told = announced(model)
        own = len(json.dumps(told)) + 2
        if own > _LONGEST_MODEL or length + own > _LONGEST_MODELS:
            damaged.append(
                f"{model.folder}: expected texts of at most {_LONGEST_MODEL} bytes, and of {_LONGEST_MODELS} with the "
                "models before it, got more; shorten them in model.json, or name fewer folders of models."
            )
            continue
        models.append(told)
        length += own
    if len(damaged) > _MOST_SENTENCES:
        rest = len(damaged) - _MOST_SENTENCES
        damaged[_MOST_SENTENCES:] = [f"{rest} more folders of models cannot be used."]
    torch_version = None
    with suppress(importlib.metadata.PackageNotFoundError):
        torch_version = importlib.metadata.version("torch")
    return {
        "event": "ready",
        "id": request,
        "protocol": PROTOCOL,
        "compactseg": CompactSegLib.__version__,
        "torch": torch_version,
        "models": models,
        "damaged": [shortened(sentence, _LONGEST_SENTENCE) for sentence in damaged],
    }


def announced(model: Model) -> dict[str, Any]:
    """What is told of a model."""
    figures = model.levels[-1].validation
    return {
        "name": model.folder.name,
        "title": model.title,
        "description": model.description,
        "levels": len(model.levels),
        "labels": [label.to_dict() for label in model.labels],
        "channels": model.net_config.in_channels,
        "modality": model.modality,
        "field_mm": list(model.field_mm) if model.field_mm else None,
        "region": stated(model.region) if model.region else None,
        "licence": model.licence,
        "size_bytes": model.size_bytes,
        "folder": str(model.folder),
        "stop": {"threshold": model.threshold},
        "card": {
            "made_from": made_from(model.provenance),
            "is_synthetic": model.is_synthetic,
            "dice": figures.get("dice"),
            "cases": figures.get("cases"),
            "limits": limits_of(model),
            "expected_millilitres": {
                name: asdict(volume) for name, volume in model.expected_millilitres.items()
            },
        },
    }


def failed(error: Exception, request: Id | None = None) -> dict[str, Any]:
    """What went wrong, as one sentence for the user and a kind for the program."""
    kind = next((kind for known, kind in _KINDS.items() if isinstance(error, known)), "fault")
    sentence = str(error)
    if not isinstance(error, CompactSegError):
        sentence = (
            f"{type(error).__name__}: {error}. This is a fault of CompactSeg; its log says more."
        )
    return {"event": "error", "id": request, "kind": kind, "sentence": sentence}
