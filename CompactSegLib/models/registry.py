"""Models by name: the folders that ``COMPACTSEG_MODELS`` names, then those that ship."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from CompactSegLib.errors import ModelError
from CompactSegLib.files import find_resource
from CompactSegLib.models.folder import read_model
from CompactSegLib.models.model import Model
from CompactSegLib.models.schema import MODEL_FILE

__all__ = ["SEARCH_VARIABLE", "find_models", "list_models", "load_model"]

SEARCH_VARIABLE = "COMPACTSEG_MODELS"
"""Folders of model folders, separated as in ``PATH``; they come before the models that ship."""


def load_model(name_or_folder: str | os.PathLike[str]) -> Model:
    """Read a model by its name or from its folder.

    A folder that holds a ``model.json`` wins over a name; a name is that of the model's folder.

    Raises:
        ModelError: Unknown (the sentence lists the known names and close matches), damaged or of another schema.
    """
    folder = Path(name_or_folder)
    text = os.fspath(name_or_folder)
    if (folder / MODEL_FILE).is_file():
        return read_model(folder)
    known = find_models()
    if text in known:
        return read_model(known[text])
    if isinstance(name_or_folder, os.PathLike) or folder.is_dir() or Path(text).name != text:
        return read_model(folder)
    close = difflib.get_close_matches(text.lower(), known, n=3, cutoff=0.5)
    names = ", ".join(sorted(known)) or "none is installed"
    meant = (
        f"did you mean {' or '.join(close)}?" if close else "pass one of these or a model's folder."
    )
    raise ModelError(f"{text}: expected the name of a model ({names}) or its folder; {meant}")


def list_models(*, on_damaged: Callable[[ModelError], None] | None = None) -> list[Model]:
    """All models that can be found, sorted by their folder's name, by which `load_model` finds them.

    Args:
        on_damaged: Called for each folder that could not be read; such folders are left out.
    """
    models = []
    for _, folder in sorted(find_models().items()):
        try:
            models.append(read_model(folder))
        except ModelError as error:
            if on_damaged is not None:
                on_damaged(error)
    return models


def find_models() -> dict[str, Path]:
    """Model folders by their name; where a name is there twice, the first place wins."""
    found: dict[str, Path] = {}
    for place in _places():
        if place.is_dir():
            for folder in sorted(place.iterdir()):
                if (folder / MODEL_FILE).is_file():
                    found.setdefault(folder.name, folder)
    return found


def _places() -> list[Path]:
    named = os.environ.get(SEARCH_VARIABLE, "")
    places = [Path(part) for part in named.split(os.pathsep) if part]
    with suppress(FileNotFoundError):  # an installation may bring no models of its own
        places.append(find_resource("Models"))
    return places
