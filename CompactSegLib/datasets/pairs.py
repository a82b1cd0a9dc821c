"""Two folders, of images and of labels, whose files belong together by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CompactSegLib.datasets.dataset import CaseFiles, Dataset, image_files, repeated, stem
from CompactSegLib.errors import InputError
from CompactSegLib.paths import resolved
from CompactSegLib.volume.reading import read_labels, read_volume

_MOST_LABELS = 255


def read_pairs(images: Path, labels: Path, problems: list[str]) -> Dataset:
    """Pair ``images/<case>.nii.gz`` with ``labels/<case>.nii.gz``; `problems` gets what is wrong.

    Several channels are ``images/<case>_0000.nii.gz``, ``<case>_0001.nii.gz`` and so on, as nnU-Net names them. Any
    format that is read will do, and image and labels may be of different ones. The label values are those that the
    label files hold; what they are called is up to the plan.
    """
    found = image_files(images)
    truths = image_files(labels)
    for folder, files in ((images, found), (labels, truths)):
        if not files:
            problems.append(
                f"{folder}: expected image files (NIfTI, NRRD or MetaImage), found none"
            )
        names = repeated([stem(file) for file in files])
        problems.extend(
            f"{folder}: expected one file of the name {name}, got more" for name in names
        )
    cases = _cases(found, truths, images, problems)
    channels = len(cases[0].images) if cases else 1
    problems.extend(
        f"{case.images[0]}: expected {channels} channel files, as case {cases[0].name} has, got {len(case.images)}"
        for case in cases
        if len(case.images) != channels
    )
    together = resolved(images).parent == resolved(labels).parent
    return Dataset(
        folder=images,
        name=(resolved(images).parent if together else resolved(images)).name,
        licence="",
        reference="",
        channels=tuple(f"channel {number}" for number in range(_channels_in(cases, channels))),
        labels=_labels([case.labels for case in cases], problems),
        cases=tuple(cases),
        described_by="the other cases",
    )


def _cases(
    found: Sequence[Path], truths: Sequence[Path], images: Path, problems: list[str]
) -> list[CaseFiles]:
    by_name = {stem(file): file for file in found}
    names = {stem(file): file for file in truths}
    channels: dict[str, list[Path]] = {}
    for name, file in sorted(by_name.items()):
        match = re.fullmatch(r"(.+)_(\d{4})", name)
        if name in names:
            channels.setdefault(name, []).insert(0, file)
        elif match and match[1] in names and match[1] not in by_name:
            number = len(channels.setdefault(match[1], []))
            if int(match[2]) != number:
                problems.append(
                    f"{file}: expected channel {number} of {match[1]} before it, which is not there"
                )
            channels[match[1]].append(file)
        else:
            problems.append(f"{file}: expected labels of the same name, which are not there")
    problems.extend(
        f"{file}: expected an image of the same name in {images}, which is not there"
        for name, file in sorted(names.items())
        if name not in channels
    )
    return [CaseFiles(name, tuple(files), names[name]) for name, files in sorted(channels.items())]


def _channels_in(cases: Sequence[CaseFiles], files: int) -> int:
    """Channels of the first case: its files, or the components of its only one."""
    if files > 1 or not cases:
        return files
    try:
        return read_volume(cases[0].images[0]).channels
    except InputError:
        # Reading the case will say what is wrong with it.
        return files


def _labels(files: Sequence[Path], problems: list[str]) -> dict[int, str]:
    """The values in label files; `problems` gets which cannot be read."""
    first_with: dict[int, Path] = {}
    for file in files:
        try:
            values = np.unique(read_labels(file)[0])
        except InputError as error:
            problems.append(str(error).removesuffix("."))
            continue
        whole = [int(value) for value in values]
        if not 0 <= min(whole) <= max(whole) <= _MOST_LABELS:
            problems.append(
                f"{file}: expected whole label values from 0 to {_MOST_LABELS}, "
                f"got {values.min():g} to {values.max():g}"
            )
            continue
        for value in whole:
            first_with.setdefault(value, file)
    first_with.pop(0, None)
    highest = max(first_with, default=0)
    missing = [value for value in range(1, highest + 1) if value not in first_with]
    if missing:
        problems.append(
            f"{first_with[highest]}: expected label values without gaps over all files, got {highest}, but none has "
            f"{missing[0]}"
        )
    elif files and not highest:
        problems.append(f"{files[0].parent}: expected labels above 0, but no file has any")
    return {value: f"Label {value}" for value in sorted(first_with)}
