"""What the outputs of a volume are named after."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from CompactSegLib.paths import is_folder, resolved

_SUFFIX = re.compile(
    r"(\.seg)?\.(nii(\.gz)?|nrrd|nhdr|mha|mhd|hdr|img|mgh|mgz|dcm|ima)$", re.IGNORECASE
)
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")  # bytes, one by one
_UNFIT = re.compile(rf'[<>:"/\\|?*\x00-\x1f]|{_NOT_UTF8.pattern}')

_LONGEST = 180  # bytes; file systems take 255, and suffixes follow


def name_of(path: Path) -> str:
    """The name of a file or folder without the suffix of its format, fit to be part of a file name everywhere.

    >>> name_of(Path("study 7/brain.nii.gz"))
    'brain'
    """
    stem = resolved(path).name if is_folder(path) else _SUFFIX.sub("", path.name)
    name = _UNFIT.sub("_", stem).strip(". ") or "volume"
    if len(name.encode()) <= _LONGEST and not _NOT_UTF8.search(stem):
        return name
    # What is cut off or cannot be written still tells two names apart.
    digest = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name.encode()[:_LONGEST].decode('utf-8', 'ignore')}-{digest}"
