"""What the outputs of a volume are named after."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["name_of"]

_SUFFIX = re.compile(
    r"(\.seg)?\.(nii(\.gz)?|nrrd|nhdr|mha|mhd|hdr|img|mgh|mgz|dcm|ima)$", re.IGNORECASE
)
# The last are bytes of a name that is not in UTF-8.
_UNFIT = re.compile(r'[<>:"/\\|?*\x00-\x1f\ud800-\udfff]')


def name_of(path: Path) -> str:
    """The name of a file or folder without the suffix of its format, fit to be part of a file name everywhere.

    >>> name_of(Path("study 7/brain.nii.gz"))
    'brain'
    """
    stem = path.resolve().name if path.is_dir() else _SUFFIX.sub("", path.name)
    return _UNFIT.sub("_", stem).strip(". ") or "volume"
