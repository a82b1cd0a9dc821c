"""Settings as JSON data: read from files, which may build on one another, and held to the defaults of a plan."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from CompactSegLib.errors import ConfigurationError

BASED_ON = "based_on"


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ConfigurationError: Not there, or no JSON object.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: could not be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: expected JSON, but {error}.") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: expected a JSON object, got {type(data).__name__}.")
    return data


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object that may name another file beside it, ``based_on``, and say only what differs from that.

    Objects differ name by name; lists, texts and numbers take the place of what was there.

    Raises:
        ConfigurationError: One of the files is not there or no JSON object, or they build on each other in a circle.
    """
    return _settings(Path(path), ())


def known(cls: type, data: object, where: str) -> dict[str, Any]:
    """Check names and kinds of JSON data against the defaults of a data class.

    Raises:
        ConfigurationError: An unknown name, or a value unlike the default.
    """
    if not isinstance(data, dict):
        raise ConfigurationError(f"{where}: expected an object, got {data!r}.")
    defaults = {item.name: getattr(cls(), item.name) for item in dataclasses.fields(cls)}
    for name, value in data.items():
        if name not in defaults:
            raise ConfigurationError(
                f"{where}: unknown name {name!r}; the names known here are {', '.join(defaults)}."
            )
        if not _alike(value, defaults[name]):
            raise ConfigurationError(
                f"{where}, {name}: expected something like {defaults[name]!r}, got {value!r}."
            )
    return data


def tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with tuples for JSON's lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def _settings(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    data = read_json(path)
    base = data.pop(BASED_ON, None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise ConfigurationError(f"{path}, {BASED_ON}: expected the name of a file, got {base!r}.")
    below = (path.parent / base).resolve()
    above = (*above, path.resolve())
    if below in above:
        raise ConfigurationError(
            f"{path}, {BASED_ON}: expected a file that does not build on this one, but {base} does."
        )
    return _changed(_settings(below, above), data)


def _changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        name: _changed(settings[name], value)
        for name, value in changes.items()
        if isinstance(value, dict) and isinstance(settings.get(name), dict)
    }
    return {**settings, **changes, **inner}


def _alike(value: object, default: object) -> bool:
    if isinstance(default, tuple):
        # Empty defaults are lists of any length.
        lengths_agree = not default or (
            isinstance(value, list | tuple) and len(value) == len(default)
        )
        numbers = isinstance(value, list | tuple) and all(_alike(item, 0.0) for item in value)
        return lengths_agree and numbers
    if dataclasses.is_dataclass(default):
        return isinstance(value, dict)
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, type(default)) and not isinstance(value, bool)
