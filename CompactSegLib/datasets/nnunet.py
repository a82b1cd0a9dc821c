"""An nnU-Net folder, v2 (nnU-Net's documentation/dataset_format.md): files are found by their names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from CompactSegLib.datasets.dataset import CaseFiles, Dataset, Description
from CompactSegLib.files import is_file


def read_nnunet(folder: Path, said: Description, problems: list[str]) -> Dataset:
    """Read ``imagesTr/<case>_<channel><ending>`` and ``labelsTr/<case><ending>``; `problems` gets what is wrong."""
    channels = _channels(said, problems)
    labels = _labels(said.labels, problems)
    if said.dataset is not None:
        cases = _listed(folder, said.dataset, len(channels), problems)
    else:
        cases = _found(folder, said.file_ending, len(channels), problems)
    if said.cases not in (None, len(cases)):
        problems.append(
            f"dataset.json: says numTraining {said.cases}, but {len(cases)} cases are there"
        )
    return said.of(folder, channels, labels, cases)


def _channels(said: Description, problems: list[str]) -> tuple[str, ...]:
    names = said.channel_names or {}
    keys = [str(number) for number in range(len(names))]
    if not names or set(names) != set(keys):
        problems.append(
            f'dataset.json: expected "channel_names" such as {{"0": "T1", "1": "T2"}}, got {names!r}'
        )
        return ()
    return tuple(str(names[key]) for key in keys)


def _labels(names: dict[str, Any], problems: list[str]) -> dict[int, str]:
    regions = [name for name, value in names.items() if isinstance(value, list)]
    if regions:
        problems.append(
            f"dataset.json: expected one value per label, got a list (regions) for {', '.join(regions)}"
        )
        return {}
    if "ignore" in names:
        problems.append('dataset.json: expected labels for all voxels, got a label "ignore"')
        return {}
    try:
        labels = {int(value): str(name) for name, value in names.items()}
    except (OverflowError, TypeError, ValueError):
        labels = {}
    labels.pop(0, None)
    if sorted(labels) != list(range(1, len(labels) + 1)) or not labels:
        problems.append(
            f"dataset.json: expected label values 0, 1, 2 and so on without gaps, got {names!r}"
        )
    return labels


def _found(folder: Path, ending: str | None, channels: int, problems: list[str]) -> list[CaseFiles]:
    if ending is None or not ending.startswith("."):
        problems.append(f'dataset.json: expected "file_ending" such as ".nii.gz", got {ending!r}')
        return []
    labels = {
        path.name.removesuffix(ending): path
        for path in _files(folder, "labelsTr", ending, problems)
    }
    images: dict[str, dict[int, Path]] = {name: {} for name in labels}
    for path in _files(folder, "imagesTr", ending, problems):
        match = re.fullmatch(r"(.+)_(\d{4})", path.name.removesuffix(ending))
        if not match:
            problems.append(f"{path}: expected a name such as case_0000{ending}")
        elif match[1] not in labels:
            problems.append(
                f"{path}: expected its labels, labelsTr/{match[1]}{ending}, which are not there"
            )
        else:
            images[match[1]][int(match[2])] = path
    for name, by_channel in images.items():
        problems.extend(
            f"{folder / 'imagesTr' / f'{name}_{number:04d}{ending}'}: channel {number} of case {name} is not there"
            for number in range(channels)
            if number not in by_channel
        )
        problems.extend(
            f"{path}: expected the {channels} channels of dataset.json, got channel {number}"
            for number, path in sorted(by_channel.items())
            if number >= channels
        )
    if not labels:
        problems.append(
            f"{folder / 'labelsTr'}: expected label files that end in {ending}, found none"
        )
    return [
        CaseFiles(name, tuple(path for _, path in sorted(images[name].items())), labels[name])
        for name in labels
    ]


def _files(folder: Path, kind: str, ending: str, problems: list[str]) -> list[Path]:
    place = folder / kind
    if not place.is_dir():
        problems.append(f"{place}: expected a folder, which is not there")
        return []
    files = sorted(
        path for path in place.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    return [path for path in files if path.name.endswith(ending)]


def _listed(
    folder: Path, listed: dict[str, Any], channels: int, problems: list[str]
) -> list[CaseFiles]:
    cases = []
    for name, entry in listed.items():
        images = entry.get("images") if isinstance(entry, dict) else None
        if not isinstance(images, list) or "label" not in entry:
            problems.append(
                f'dataset.json: expected "images" and "label" for case {name}, got {entry!r}'
            )
            continue
        case = CaseFiles(
            name, tuple(folder / str(image) for image in images), folder / str(entry["label"])
        )
        if len(images) != channels:
            problems.append(
                f"dataset.json: expected {channels} images for case {name}, got {len(images)}"
            )
        problems.extend(
            f"{file}: listed in dataset.json, but not there"
            for file in (*case.images, case.labels)
            if not is_file(file)
        )
        cases.append(case)
    return cases
