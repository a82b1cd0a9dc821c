"""Models by name: the folders that ``COMPACTSEG_MODELS`` names, then those that ship.

Which comes first where models are listed, and so is chosen until a user chooses another, is stated in
``Resources/Models/order.json``.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from CompactSegLib.errors import ModelError
from CompactSegLib.model.folder import MODEL_FILE, read_model
from CompactSegLib.model.model import Model
from CompactSegLib.paths import given, is_file, is_folder, resolved
from CompactSegLib.resources import find_resource

ORDER_FILE = "order.json"
SEARCH_VARIABLE = "COMPACTSEG_MODELS"
"""Folders of model folders, separated as in ``PATH``; they come before the models that ship."""


def load_model(name_or_folder: str | os.PathLike[str]) -> Model:
    """Read a model by its name or from its folder.

    A folder that holds a ``model.json`` wins over a name; a name is that of the model's folder.

    Raises:
        ModelError: Unknown (the sentence lists the known names and close matches), damaged or of another schema.
    """
    folder = given(name_or_folder)
    text = os.fspath(name_or_folder)
    if is_file(folder / MODEL_FILE):
        return read_model(folder)
    known = find_models()
    if text in known:
        return read_model(known[text])
    if isinstance(name_or_folder, os.PathLike) or is_folder(folder) or Path(text).name != text:
        return read_model(folder)
    close = difflib.get_close_matches(text.lower(), known, n=3, cutoff=0.5)
    names = ", ".join(sorted(known)) or "none is installed"
    meant = (
        f"did you mean {' or '.join(close)}?" if close else "pass one of these or a model's folder."
    )
    raise ModelError(f"{text}: expected the name of a model ({names}) or its folder; {meant}")


def called_from(folder: Path) -> str:
    """What finds the model of a folder, there or still to be written, from that folder: its name or a dot."""
    found = find_models().get(folder.name, folder)
    is_found = resolved(folder.parent) in map(resolved, _places())
    return folder.name if is_found and resolved(found) == resolved(folder) else "."


def list_models(*, on_damaged: Callable[[ModelError], None] | None = None) -> list[Model]:
    """All models that can be found, in the order of `find_models`.

    Args:
        on_damaged: Called for each folder that could not be read; such folders are left out.
    """
    models = []
    for folder in find_models().values():
        try:
            models.append(read_model(folder))
        except Exception as error:  # noqa: BLE001 - one folder must not take the others away
            if on_damaged is not None:
                why = f"{folder}: expected a model, but it cannot be read ({type(error).__name__})."
                on_damaged(error if isinstance(error, ModelError) else ModelError(why))
    return models


def find_models() -> dict[str, Path]:
    """Model folders by their name, by which `load_model` finds them; of two with the same name that of the first place.

    Those that `ORDER_FILE` names come first, as it names them, then all others by their names.
    """
    found: dict[str, Path] = {}
    for place in _places():
        with suppress(OSError):  # one that may not be read takes no other away
            for folder in sorted(place.iterdir()):
                if is_file(folder / MODEL_FILE):
                    found.setdefault(folder.name, folder)
    order = _stated_order()
    known = [name for name in order if name in found]
    return {name: found[name] for name in [*known, *sorted(set(found) - set(known))]}


def _stated_order() -> list[str]:
    """The names in the order file of the models that ship; none where it is missing or damaged: any order will do."""
    with suppress(OSError, ValueError):
        names = json.loads((find_resource("Models") / ORDER_FILE).read_text(encoding="utf-8"))
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return names
    return []


def _places() -> list[Path]:
    named = os.environ.get(SEARCH_VARIABLE, "")
    places = [given(part) for part in named.split(os.pathsep) if part]
    with suppress(FileNotFoundError):  # an installation may bring no models of its own
        places.append(find_resource("Models"))
    return places
