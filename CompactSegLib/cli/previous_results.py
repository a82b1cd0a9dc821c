"""What a previous run left of a case: its report, its files, and what they were made from."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from CompactSegLib.paths import is_file, is_folder, resolved
from CompactSegLib.volume.dicom_file import is_dicom
from CompactSegLib.volume.reading import data_files
from CompactSegLib.volume.volume import VolumeSource

_OUTPUT = re.compile(
    r"(_level-\d+\.(seg\.nrrd|nii\.gz|dcm)|_report\.json|_levels\.png|^summary\.(csv|png))$"
)


def report_name(case: str) -> str:
    """The name of a case's report."""
    return f"{case}_report.json"


def picture_name(case: str) -> str:
    """The name of the picture of a case's levels."""
    return f"{case}_levels.png"


def read_report(folder: Path, case: str) -> dict[str, Any] | None:
    """The report of a previous run, None where there is none that can be read."""
    try:
        file = folder / report_name(case)
        report = json.loads(file.read_text(encoding="utf-8")) if is_file(file) else None
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) and isinstance(report.get("levels"), list) else None


def files_of(report: dict[str, Any]) -> list[str]:
    """Names of the files that a report speaks of, itself included."""
    if not report:
        return []
    levels = [level.get("file") for level in report["levels"] if isinstance(level, dict)]
    names = [*levels, report.get("picture"), report_name(str(report.get("case")))]
    return [name for name in names if isinstance(name, str)]


def other_input(report: dict[str, Any], path: Path, made_of: dict[str, Any]) -> str | None:
    """What a report's results were made from where that is another image: two folders may hold cases of one name.

    Args:
        report: Of the previous run.
        path: Of the image at hand.
        made_of: What that image consists of, see `contents`.
    """
    source = report.get("input")
    made_from = source.get("path") if isinstance(source, dict) else None
    if not isinstance(made_from, str) or resolved(Path(made_from)) == resolved(path):
        return None
    return None if is_of(report, made_of) else made_from


def is_of(report: dict[str, Any], made_of: dict[str, Any]) -> bool:
    """Whether a report's results were made from just this."""
    source = report.get("input")
    return isinstance(source, dict) and all(source.get(key) == made_of[key] for key in made_of)


def are_as_written(folder: Path, report: dict[str, Any]) -> bool:
    """Whether all files that a report speaks of are there, as they were written."""
    written = report.get("files")
    if not isinstance(written, dict) or set(written) != set(files_of(report)[:-1]):
        return False
    return all(_is_as_written(folder / name, stated) for name, stated in written.items())


def contents(path: Path) -> dict[str, Any]:
    """What an image consists of: ``bytes`` and ``sha256``, of a file and what lies beside it for it, or of a folder.

    Times are not asked: a copy may be older than the results of what it replaces.

    Raises:
        OSError: A file cannot be read.
    """
    total, digest = 0, hashlib.sha256()
    for name, file in _files(path):
        found = sized_hash(file)
        total += found["bytes"]
        digest.update(
            f"{name}\0{found['bytes']}\0{found['sha256']}\n".encode("utf-8", "surrogateescape")
        )
    return {"bytes": total, "sha256": digest.hexdigest()}


def own_files(source: VolumeSource) -> list[Path]:
    """The files that an image was read from, as the system knows them."""
    beside = [] if source.dicom_files else data_files(source.path)
    return [resolved(file) for file in (source.path, *source.dicom_files, *beside)]


def sized_hash(file: Path) -> dict[str, Any]:
    """``bytes`` and ``sha256`` of a file."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(2**20):
            digest.update(chunk)
            size += len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _is_as_written(file: Path, stated: Any) -> bool:
    try:
        return bool(file.stat().st_size == stated["bytes"] and sized_hash(file) == stated)
    except (KeyError, OSError, TypeError):
        return False


def _files(path: Path) -> list[tuple[str, Path]]:
    """Files of an image with the names that count: not its own, which may change, but those of what it consists of."""
    if is_folder(path) or (
        is_file(path) and is_dicom(path)
    ):  # a slice stands for the series that it lies in
        folder = path if is_folder(path) else path.parent
        found = [file for file in folder.rglob("*") if is_file(file) and not is_output(file.name)]
        return sorted((file.relative_to(folder).as_posix(), file) for file in found)
    if not is_file(path):  # a pipe or a device goes on for ever
        raise FileNotFoundError(path)
    parts = [path, *data_files(path)]
    return [("", path)] if len(parts) == 1 else sorted((part.name, part) for part in parts)


def is_output(name: str) -> bool:
    """Whether a file is called as one that CompactSeg leaves, or hidden: the output folder may be the input folder."""
    return name.startswith(".") or bool(_OUTPUT.search(name))
