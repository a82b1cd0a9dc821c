"""What an input path stands for: one volume, or a folder of cases."""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from CompactSegLib.cli.previous_results import is_output
from CompactSegLib.errors import InputError
from CompactSegLib.paths import given, is_file, is_folder, is_there
from CompactSegLib.volume.naming import name_of
from CompactSegLib.words import some_of

_IMAGE = re.compile(r"\.(nii(\.gz)?|nrrd|nhdr|mha|mhd|hdr|mgz|mgh)$", re.IGNORECASE)
# Segmentations, ours and others': the output folder may be the input folder.
_SEGMENTATION = re.compile(r"(\.seg\.nrrd|_level-\d+\.(nii\.gz|dcm))$", re.IGNORECASE)
_DICOM_SUFFIXES = (".dcm", ".ima")
_OF_IMAGES = (".img", ".raw", ".zraw")  # the voxels of a header beside them
_MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Case:
    """A volume to segment.

    Attributes:
        path: An image file, or a DICOM folder.
        name: What its outputs are named after; None to take the volume's own name.
        series: Of a DICOM folder, where a list of cases names it.
    """

    path: Path
    name: str | None = None
    series: str | None = None


@dataclass(frozen=True)
class Found:
    """What an input path stands for.

    Attributes:
        cases: To be segmented.
        is_batch: Whether it was a folder or a list of cases.
        left_out: What lies there and is no case, as a sentence; empty where that is nothing.
    """

    cases: list[Case]
    is_batch: bool
    left_out: str = ""


def find_cases(path: Path, *, series: str | None = None, recursive: bool = False) -> Found:
    """Say what there is to segment.

    A file is one volume, but a ``.csv`` is a list of them. A folder that holds DICOM images directly is one volume, and
    so is any folder when a `series` is named. Any other folder is a folder of cases: each image file in it, and each
    sub-folder with DICOM images anywhere below it. Segmentations (``.seg.nrrd``, what CompactSeg wrote) are no cases.

    Args:
        path: The input.
        series: Of a DICOM folder.
        recursive: Take the cases of all sub-folders; each folder that holds DICOM images directly is one.

    Raises:
        InputError: Nothing there, or two cases would write the same files.
    """
    if not is_there(path):
        raise InputError(
            f"{path}: expected an image file, a DICOM folder or a folder of cases, but there is nothing of this name; "
            "check the path."
        )
    if path.suffix.lower() == ".csv" and is_file(path):
        return _distinct(path, _listed(path), "")
    if is_file(path) or not is_folder(path) or series is not None or _holds_dicom(path.iterdir()):
        return Found([Case(path)], False)
    others: list[str] = []
    cases = list(_cases_of(path, path, others, recursive=recursive))
    if not cases:
        raise InputError(
            f"{path}: expected DICOM images, image files (NIfTI, NRRD, MetaImage, MGZ) or folders with DICOM images, "
            f"found none{'' if recursive else ' (sub-folders of image files are taken with --recursive)'}; choose "
            "another folder."
        )
    left_out = f"Left out, since not read as images: {some_of(others)}." if others else ""
    return _distinct(path, cases, left_out)


def _distinct(path: Path, cases: list[Case], left_out: str) -> Found:
    name, times = Counter(_as_stored(case) for case in cases).most_common(1)[0]
    if times > 1:
        same = " and ".join(case.path.name for case in cases if _as_stored(case) == name)
        raise InputError(
            f"{path}: expected different names for all cases, but {same} would write the same files; rename one."
        )
    return Found(cases, True, left_out)


def _as_stored(case: Case) -> str:
    """A case's name as the file system tells it from others: not by upper and lower case on Windows and macOS."""
    name = case.name or ""
    if sys.platform in ("win32", "darwin"):
        return unicodedata.normalize("NFC", name).casefold()
    return name


def _cases_of(folder: Path, root: Path, others: list[str], *, recursive: bool) -> Iterator[Case]:
    for path in sorted(folder.iterdir()):
        if is_output(path.name):
            continue
        above = path.relative_to(root).parts[:-1]
        name = name_of(Path("_".join([*above, path.name]))) if above else name_of(path)
        if is_folder(path):
            if _holds_dicom(path.iterdir() if recursive else path.rglob("*")):
                yield Case(path, name)
            elif recursive and not path.is_symlink():  # which may lead around in a circle
                yield from _cases_of(path, root, others, recursive=True)
            elif any(_is_image(file) for file in path.rglob("*")):
                others.append(f"{path.name}/ (holds image files; --recursive takes them)")
        elif _is_image(path):
            yield Case(path, name)
        elif not _SEGMENTATION.search(path.name) and path.suffix.lower() not in _OF_IMAGES:
            others.append(str(path.relative_to(root)))


def is_called_image(path: Path) -> bool:
    """Whether a file's name is that of an image, of any format."""
    return bool(_IMAGE.search(path.name))


def _is_image(path: Path) -> bool:
    return is_called_image(path) and not _SEGMENTATION.search(path.name)


def _listed(path: Path) -> list[Case]:
    """The cases of a table: ``path``, relative to it, and where wanted ``case`` (a name) and ``series``.

    Raises:
        InputError: It is no such table, or lists nothing, or what is not there.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(islice(csv.DictReader(file), _MOST_ROWS))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a table in UTF-8 (CSV), but it cannot be read."
        ) from error
    if not rows or not rows[0].get("path"):
        raise InputError(
            f'{path}: expected a table with a column "path" (where wanted "case" and "series", with commas between), '
            f"got {', '.join(str(key)[:40] for key in (rows[0] if rows else ())) or 'no rows'}; correct the first row."
        )
    cases = []
    for number, row in enumerate(rows, start=2):
        volume = path.parent / given(row.get("path") or "")
        if not row.get("path") or not is_there(volume):
            raise InputError(
                f"{path}: row {number}: expected the path of a volume, but {row.get('path') or 'nothing'} is not "
                "there; correct it."
            )
        name = name_of(Path(row.get("case") or "")) if row.get("case") else name_of(volume)
        cases.append(Case(volume, name, row.get("series") or None))
    return cases


def _holds_dicom(paths: Iterator[Path]) -> bool:
    from CompactSegLib.volume.dicom_file import is_dicom

    return any(
        is_file(path)
        and not _SEGMENTATION.search(path.name)
        and (path.suffix.lower() in _DICOM_SUFFIXES or is_dicom(path))
        for path in paths
    )
