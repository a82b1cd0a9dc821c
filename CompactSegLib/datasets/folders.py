"""Dataset folders: which form one has, and the two forms that a dataset.json describes.

A Decathlon's (Antonelli et al., Nature Communications 2022) lists pairs of files; that of nnU-Net v2 (its
documentation/dataset_format.md) mostly leaves them to be found by their names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from CompactSegLib.datasets.dataset import CaseFiles, Dataset, raise_if_any, repeated, stem
from CompactSegLib.datasets.pairs import read_pairs
from CompactSegLib.errors import InputError
from CompactSegLib.json_data import Such, build, read_json
from CompactSegLib.labels import is_name
from CompactSegLib.paths import is_file, is_folder, resolved
from CompactSegLib.words import shown

_FileName = Annotated[str, Such("the name of a file", lambda name: bool(name) and "\0" not in name)]


@dataclass(frozen=True)
class ListedCase:
    """An entry of ``training`` in a Decathlon's dataset.json."""

    image: _FileName
    label: _FileName


@dataclass(frozen=True)
class Description:
    """What dataset.json says, the Decathlon's or nnU-Net's; they have more, which is let be."""

    labels: dict[str, Any]
    name: str = ""
    licence: str = ""
    license: str = ""
    reference: str = ""
    modality: dict[str, Any] | None = None
    channel_names: dict[str, Any] | None = None
    training: tuple[ListedCase, ...] | None = None
    file_ending: str | None = None
    dataset: dict[str, Any] | None = None
    cases: int | None = field(default=None, metadata={"name": "numTraining"})

    @property
    def is_nnunet(self) -> bool:
        return self.file_ending is not None or (
            self.channel_names is not None and self.training is None
        )


def read_dataset(
    folder: str | os.PathLike[str], *, labels: str | os.PathLike[str] | None = None
) -> Dataset:
    """Find the cases of a dataset.

    Args:
        folder: A Decathlon folder, an nnU-Net folder (v2), or a folder of images.
        labels: The folder of labels that belongs to a folder of images; None for the other two forms.

    Raises:
        CompactSegError: Something is missing; every problem is listed.
    """
    path, problems = Path(folder), list[str]()
    if labels is not None:
        dataset = read_pairs(path, Path(labels), problems)
    elif not is_file(file := path / "dataset.json"):
        raise InputError(
            f"{path}: expected a Decathlon folder, or one of nnU-Net, with dataset.json, imagesTr and labelsTr, but "
            "dataset.json is not there; for a folder of images pass the folder of their labels with --labels."
        )
    else:
        data = read_json(file, error=InputError)
        said = build(Description, data, where=str(file), error=InputError, others=True)
        dataset = _described(path, said, problems)
    raise_if_any(path, problems)
    return dataset


def _described(folder: Path, said: Description, problems: list[str]) -> Dataset:
    """Take dataset.json at its word and find the files; what is wrong is added to `problems`."""
    if said.is_nnunet:
        channels, labels = _channels(said.channel_names or {}, problems), _labels(said, problems)
        if said.dataset is not None:
            cases = _listed_by_nnunet(folder, said.dataset, len(channels), problems)
        else:
            cases = _found(folder, said.file_ending, len(channels), problems)
        if said.cases not in (None, len(cases)):
            problems.append(
                f"dataset.json: says numTraining {said.cases}, but {len(cases)} cases are there"
            )
    else:
        labels, cases = _labels(said, problems), _listed(folder, said, problems)
        modality = said.modality or said.channel_names or {"0": "image"}
        if not all(key.isdecimal() and len(key) < 10 for key in modality):
            problems.append('dataset.json: expected "modality" such as {"0": "MRI"}')
            modality = {}
        channels = _names(modality, sorted(modality, key=int), "modality", problems)
    return Dataset(
        folder=folder,
        name=said.name or folder.name,
        licence=said.licence or said.license,
        reference=said.reference,
        channels=tuple(channels),
        labels=labels,
        cases=tuple(sorted(cases, key=lambda case: case.name)),
    )


def _labels(said: Description, problems: list[str]) -> dict[int, str]:
    """Names by value: a Decathlon has them so, nnU-Net values by name."""
    pairs: Iterable[tuple[Any, Any]] = said.labels.items()
    if said.is_nnunet:
        pairs = [(value, name) for name, value in said.labels.items()]
        regions = [name for value, name in pairs if isinstance(value, list)]
        if regions:
            problems.append(
                f"dataset.json: expected one value per label, got a list (regions) for {', '.join(regions)}"
            )
            return {}
        if "ignore" in said.labels:
            problems.append('dataset.json: expected labels for all voxels, got a label "ignore"')
            return {}
    try:
        labels = {_label_value(value): _name(name) for value, name in pairs}
    except ValueError:
        labels = {}
    labels.pop(0, None)
    if sorted(labels) != list(range(1, len(labels) + 1)) or not labels:
        form = '{"background": 0, "Anterior": 1}' if said.is_nnunet else '{"1": "Anterior"}'
        problems.append(
            f'dataset.json: expected "labels" such as {form} with the values 1, 2, 3 and so on without gaps, got '
            f"{shown(said.labels)}"
        )
    return labels


def _label_value(value: object) -> int:
    """A value of a label: a whole number, which a Decathlon has as a text."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,3}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError


def _name(name: object) -> str:
    """A name that can be shown."""
    if isinstance(name, str) and is_name(name):
        return name
    raise ValueError


def _listed(folder: Path, said: Description, problems: list[str]) -> list[CaseFiles]:
    if not said.training:
        problems.append('dataset.json: expected "training" to list pairs of "image" and "label"')
        return []
    cases = [
        CaseFiles(stem(Path(entry.label)), (folder / entry.image,), folder / entry.label)
        for entry in said.training
    ]
    _check_there(cases, problems)
    names = [case.name for case in cases]
    problems.extend(
        f"dataset.json: case {name} is listed {names.count(name)} times" for name in repeated(names)
    )
    listed = [file for case in cases for file in (*case.images, case.labels) if is_file(file)]
    known = set(map(resolved, listed))
    for kind in ("imagesTr", "labelsTr"):
        for file in sorted((folder / kind).glob("[!.]*.nii*")):
            if resolved(file) not in known:
                problems.append(f"{file}: not listed in dataset.json")
    return cases


def _check_there(cases: Sequence[CaseFiles], problems: list[str]) -> None:
    problems.extend(
        f"{file}: listed in dataset.json, but not there"
        for case in cases
        for file in (*case.images, case.labels)
        if not is_file(file)
    )


def _channels(names: dict[str, Any], problems: list[str]) -> list[str]:
    keys = [str(number) for number in range(len(names))]
    if not names or set(names) != set(keys):
        problems.append(
            f'dataset.json: expected "channel_names" such as {{"0": "T1", "1": "T2"}}, got {shown(names)}'
        )
        return []
    return _names(names, keys, "channel_names", problems)


def _names(
    names: dict[str, Any], keys: Sequence[str], where: str, problems: list[str]
) -> list[str]:
    try:
        return [_name(names[key]) for key in keys]
    except ValueError:
        problems.append(
            f'dataset.json: expected "{where}" with a short name for each, got {shown([*names.values()])}'
        )
        return []


def _found(folder: Path, ending: str | None, channels: int, problems: list[str]) -> list[CaseFiles]:
    if ending is None or not ending.startswith("."):
        problems.append(
            f'dataset.json: expected "file_ending" such as ".nii.gz", got {shown(ending)}'
        )
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
    if not is_folder(place):
        problems.append(f"{place}: expected a folder, which is not there")
        return []
    files = sorted(
        path for path in place.iterdir() if is_file(path) and not path.name.startswith(".")
    )
    return [path for path in files if path.name.endswith(ending)]


def _listed_by_nnunet(
    folder: Path, listed: dict[str, Any], channels: int, problems: list[str]
) -> list[CaseFiles]:
    cases = []
    for name, entry in listed.items():
        images = entry.get("images") if isinstance(entry, dict) else None
        if not isinstance(images, list) or "label" not in entry:
            problems.append(
                f'dataset.json: expected "images" and "label" for case {name}, got {shown(entry)}'
            )
            continue
        files = tuple(folder / str(image) for image in images)
        cases.append(CaseFiles(name, files, folder / str(entry["label"])))
        if len(images) != channels:
            problems.append(
                f"dataset.json: expected {channels} images for case {name}, got {len(images)}"
            )
    _check_there(cases, problems)
    return cases
