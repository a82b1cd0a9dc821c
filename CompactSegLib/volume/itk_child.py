"""A process of its own that reads files with ITK, which some damaged files make end or run for ever.

Paths come as a JSON list on standard input; on standard output goes, for each, a line of JSON and the bytes that it
announces.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import numpy as np


def main() -> None:
    """Read what is asked for, until something cannot be read."""
    request = json.loads(sys.stdin.buffer.read())
    _limit_memory(request["most_bytes"])
    for path in request["paths"]:
        facts, array = _read(path)
        facts |= {} if array is None else {"shape": array.shape, "dtype": array.dtype.str}
        sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
        if array is not None:
            sys.stdout.buffer.write(array.reshape(-1).view(np.uint8).data)
        sys.stdout.buffer.flush()


def _read(path: str) -> tuple[dict[str, Any], np.ndarray | None]:
    """What the header says, and the voxels (K, J, I, C) where it is a volume."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(path)
    try:
        kind = reader.GetImageIOFromFileName(path)
        if not kind:
            return {"error": "unknown"}, None
        reader.SetImageIO(kind)
        reader.ReadImageInformation()
        size = reader.GetSize()
        facts: dict[str, Any] = {
            "format": kind.removesuffix("ImageIO"),
            "size": size,
            "kind": SimpleITK.GetPixelIDValueAsString(reader.GetPixelIDValue()),
            "components": reader.GetNumberOfComponents(),
        }
        is_volume = len(size) == 3 or (len(size) == 4 and size[3] == 1)
        if not is_volume or "complex" in facts["kind"] or "label" in facts["kind"]:
            return facts, None
        if len(size) == 4:
            reader.SetExtractSize([*size[:3], 0])
        image = reader.Execute()
    except (MemoryError, RuntimeError):
        return {"error": "damaged"}, None
    facts["spacing"], facts["origin"] = image.GetSpacing(), image.GetOrigin()
    facts["direction"] = image.GetDirection()
    array = SimpleITK.GetArrayFromImage(image)
    return facts, np.ascontiguousarray(array if array.ndim == 4 else array[..., np.newaxis])


def _limit_memory(most_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(OSError, ValueError):  # macOS may refuse any limit below what is reserved already
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
