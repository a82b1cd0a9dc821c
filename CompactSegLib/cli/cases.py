"""What an input path stands for: one volume, or a folder of cases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from CompactSegLib.errors import InputError
from CompactSegLib.volume.naming import name_of

__all__ = ["Case", "find_cases"]

_IMAGE = re.compile(r"\.(nii(\.gz)?|nrrd|nhdr|mha|mhd|hdr)$", re.IGNORECASE)
# Segmentations, ours and others': the output folder may be the input folder.
_SEGMENTATION = re.compile(r"(\.seg\.nrrd|_level-\d+\.(nii\.gz|dcm))$", re.IGNORECASE)
_DICOM_SUFFIXES = (".dcm", ".ima")


@dataclass(frozen=True)
class Case:
    """A volume to segment.

    Attributes:
        path: An image file, or a DICOM folder.
        name: What its outputs are named after; None to take the volume's own name.
    """

    path: Path
    name: str | None = None


def find_cases(path: Path, *, series: str | None = None) -> tuple[list[Case], bool]:
    """Say what there is to segment, and whether it was a folder of cases.

    A file is one volume. A folder that holds DICOM images directly is one volume, and so is any folder when a `series`
    is named. Any other folder is a folder of cases: each image file in it, and each sub-folder with DICOM images
    anywhere below it. Segmentations (``.seg.nrrd``, and what CompactSeg wrote) are no cases.

    Raises:
        InputError: Nothing there, or two cases would write the same files.
    """
    if not path.exists():
        raise InputError(
            f"{path}: expected an image file, a DICOM folder or a folder of cases, but there is nothing of this name; "
            "check the path."
        )
    if path.is_file() or series is not None or _holds_dicom(path.iterdir()):
        return [Case(path)], False
    cases = list(_cases_of(path))
    if not cases:
        raise InputError(
            f"{path}: expected DICOM images, image files (NIfTI, NRRD, MetaImage) or folders with DICOM images, "
            "found none; choose another folder."
        )
    name, times = Counter(case.name for case in cases).most_common(1)[0]
    if times > 1:
        same = " and ".join(case.path.name for case in cases if case.name == name)
        raise InputError(
            f"{path}: expected a name of its own for each case, but {same} would write the same files; rename one."
        )
    return cases, True


def _cases_of(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if _holds_dicom(path.rglob("*")):
                yield Case(path, name_of(path))
        elif _IMAGE.search(path.name) and not _SEGMENTATION.search(path.name):
            yield Case(path, name_of(path))


def _holds_dicom(paths: Iterator[Path]) -> bool:
    from CompactSegLib.volume.dicom_image import is_dicom

    return any(
        path.is_file()
        and not _SEGMENTATION.search(path.name)
        and (path.suffix.lower() in _DICOM_SUFFIXES or is_dicom(path))
        for path in paths
    )
