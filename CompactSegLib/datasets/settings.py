"""Files of settings, which may build on one another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.json_data import Invalid, read_json
from CompactSegLib.paths import resolved

BASED_ON = "based_on"


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object that may name another file beside it, ``based_on``, and say only what differs from that.

    Objects differ name by name; lists, texts and numbers take the place of what was there.

    Raises:
        ConfigurationError: One of the files is not there or no JSON object, or they build on each other in a circle.
    """
    return _settings(Path(path), ())


def _settings(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    data = read_json(path)
    if not isinstance(data, dict):
        raise Invalid(str(path), "an object", data)
    base = data.pop(BASED_ON, None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise Invalid(f"{path}, {BASED_ON}", "the name of a file", base)
    below = resolved(path.parent / base)
    above = (*above, resolved(path))
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
