"""Resources found in a checkout and in an installation."""

from __future__ import annotations

import os
from pathlib import Path

from CompactSegLib.paths import is_there


def find_resource(name: str | os.PathLike[str]) -> Path:
    """Return the path of a file or folder under ``Resources/``.

    In a checkout ``Resources/`` is at the repository's root, in Slicer's installation it is beside
    the package: both are the package's parent. A wheel carries it inside the package.

    Args:
        name: Path relative to ``Resources/``, for example ``"Models/hippocampus-mr"``.

    Raises:
        FileNotFoundError: In none of the places.
    """
    package = Path(__file__).resolve().parent
    places = [package.parent / "Resources", package / "Resources"]
    for place in places:
        if is_there(place / name):
            return place / name
    raise FileNotFoundError(f"{name}: not found in {' or '.join(str(p) for p in places)}")
