"""Two folders, of images and of labels, whose files belong together by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CompactSegLib.datasets.dataset import (
    SUFFIXES,
    CaseFiles,
    Dataset,
    check_folder,
    image_files,
    repeated,
    stem,
)
from CompactSegLib.errors import InputError
from CompactSegLib.paths import resolved
from CompactSegLib.volume.reading import read_labels, read_volume

_MOST_LABELS = 255


def read_pairs(images: Path, labels: Path, problems: list[str]) -> Dataset:
    """Pair ``images/<case>.nii.gz`` with ``labels/<case>.nii.gz``; `problems` gets what is wrong.

    Any format that is read will do, and image and labels may be of different ones. The label values are those that the
    label files hold; what they are called is up to the plan.
    """
    cases = matched(images, labels, problems)
    together = resolved(images).parent == resolved(labels).parent
    return Dataset(
        folder=images,
        name=(resolved(images).parent if together else resolved(images)).name,
        licence="",
        reference="",
        channels=tuple(f"channel {number}" for number in range(_channels_in(cases))),
        labels=_labels([case.labels for case in cases], problems),
        cases=tuple(cases),
        described_by="the other cases",
    )


def matched(
    images: Path,
    labels: Path,
    problems: list[str],
    *,
    channels: int = 0,
    suffixes: tuple[str, ...] = SUFFIXES,
) -> list[CaseFiles]:
    """The cases of two folders whose files belong together by their names.

    Several channels are ``images/<case>_0000.nii.gz``, ``<case>_0001.nii.gz`` and so on, as nnU-Net names them.

    Args:
        images: The folder of images.
        labels: The folder of labels.
        problems: Gets what is wrong.
        channels: How many a case has; 0 for as many as the case with the most.
        suffixes: Of the files.

    Raises:
        InputError: A folder is not there, is a file or is empty.
    """
    check_folder(images, "a folder of images")
    check_folder(labels, "a folder of labels")
    found, truths = (_by_name(folder, suffixes, problems) for folder in (images, labels))
    files: dict[str, dict[int, Path]] = {name: {} for name in truths}
    for name, file in found.items():
        match = re.fullmatch(r"(.+)_(\d{4})", name)
        if name in truths:
            files[name][0] = file
        elif match and match[1] in truths and match[1] not in found:
            files[match[1]][int(match[2])] = file
        else:
            problems.append(
                f"{file}: expected labels of the same name, {labels / (match[1] if match else name)}, which are not "
                "there"
            )
    channels = channels or max(map(len, files.values()), default=1)
    for name, own in files.items():
        if not own:
            problems.append(
                f"{truths[name]}: expected an image of the same name in {images}, which is not there"
            )
            continue
        problems.extend(
            f"{images / f'{name}_{number:04d}'}: channel {number} of case {name} is not there"
            for number in range(channels)
            if number not in own
        )
        problems.extend(
            f"{file}: expected {channels} channels, got channel {number}"
            for number, file in sorted(own.items())
            if number >= channels
        )
    return [
        CaseFiles(name, tuple(file for _, file in sorted(own.items())), truths[name])
        for name, own in files.items()
    ]


def _by_name(folder: Path, suffixes: tuple[str, ...], problems: list[str]) -> dict[str, Path]:
    files = image_files(folder, suffixes)
    if not files:
        problems.append(
            f"{folder}: expected image files that end in {' or '.join(suffixes)}, found none"
        )
    names = [stem(file, suffixes) for file in files]
    problems.extend(
        f"{folder}: expected one file of the name {name}, got more" for name in repeated(names)
    )
    return dict(zip(names, files, strict=True))


def _channels_in(cases: Sequence[CaseFiles]) -> int:
    """Channels of the first case: its files, or the components of its only one."""
    files = len(cases[0].images) if cases else 1
    if files != 1 or not cases:
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
