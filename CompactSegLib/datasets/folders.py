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

from CompactSegLib.datasets.dataset import (
    CaseFiles,
    Dataset,
    check_folder,
    raise_if_any,
    repeated,
    stem,
)
from CompactSegLib.datasets.pairs import matched, read_pairs
from CompactSegLib.errors import InputError
from CompactSegLib.json_data import Such, build, read_json
from CompactSegLib.labels import Name, is_name
from CompactSegLib.paths import is_file, resolved
from CompactSegLib.words import shown

_FileName = Annotated[str, Such("the name of a file", lambda name: bool(name) and "\0" not in name)]
_Ending = Annotated[str, Such("an ending such as .nii.gz", lambda text: text.startswith("."))]


@dataclass(frozen=True)
class _Pair:
    """An entry of ``training`` in a Decathlon's dataset.json."""

    image: _FileName
    label: _FileName


@dataclass(frozen=True)
class _Channels:
    """An entry of ``dataset`` in nnU-Net's."""

    images: tuple[_FileName, ...]
    label: _FileName


@dataclass(frozen=True)
class Description:
    """What dataset.json says, the Decathlon's or nnU-Net's; they have more, which is let be."""

    labels: dict[str, Any]
    name: str = ""
    licence: str = ""
    license: str = ""
    reference: str = ""
    modality: dict[str, Name] | None = None
    channel_names: dict[str, Name] | None = None
    training: tuple[_Pair, ...] | None = None
    file_ending: _Ending | None = None
    dataset: dict[str, _Channels] | None = None
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
        check_folder(path, "a Decathlon folder, or one of nnU-Net")
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
    channels = _channels(said, problems)
    if said.dataset is not None and said.is_nnunet:
        listed = [(name, entry.images, entry.label) for name, entry in said.dataset.items()]
        cases = _listed(folder, listed, len(channels), problems)
    elif said.is_nnunet:
        cases = matched(
            folder / "imagesTr",
            folder / "labelsTr",
            problems,
            channels=len(channels),
            suffixes=(said.file_ending or ".nii.gz",),
        )
    else:
        pairs = [(stem(Path(e.label)), (e.image,), e.label) for e in said.training or ()]
        if not pairs:
            problems.append(
                'dataset.json: expected "training" to list pairs of "image" and "label"'
            )
        cases = _listed(folder, pairs, 1, problems)
        _check_all_listed(folder, cases, problems)
    if said.is_nnunet and said.cases not in (None, len(cases)):
        problems.append(
            f"dataset.json: says numTraining {said.cases}, but {len(cases)} cases are there"
        )
    return Dataset(
        folder=folder,
        name=said.name or folder.name,
        licence=said.licence or said.license,
        reference=said.reference,
        channels=tuple(channels),
        labels=_labels(said, problems),
        cases=tuple(sorted(cases, key=lambda case: case.name)),
    )


def _channels(said: Description, problems: list[str]) -> list[str]:
    """Names of the channels; a Decathlon's four channels are four components of one file."""
    names = said.channel_names if said.is_nnunet else said.modality or said.channel_names
    names = {"0": "image"} if names is None and not said.is_nnunet else names or {}
    keys = [str(number) for number in range(len(names))]
    if not names or set(names) != set(keys):
        key = "channel_names" if said.is_nnunet else "modality"
        problems.append(
            f'dataset.json: expected "{key}" such as {{"0": "T1", "1": "T2"}}, got {shown(names)}'
        )
        return []
    return [names[key] for key in keys]


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
        labels = {_label_value(value): name for value, name in pairs}
    except ValueError:
        labels = {}
    labels.pop(0, None)
    is_named = all(isinstance(name, str) and is_name(name) for name in labels.values())
    if sorted(labels) != list(range(1, len(labels) + 1)) or not labels or not is_named:
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


def _listed(
    folder: Path,
    listed: Sequence[tuple[str, Sequence[str], str]],
    channels: int,
    problems: list[str],
) -> list[CaseFiles]:
    """Cases of the given names, files of their channels and of their labels."""
    cases = [
        CaseFiles(name, tuple(folder / image for image in images), folder / label)
        for name, images, label in listed
    ]
    problems.extend(
        f"{file}: listed in dataset.json, but not there"
        for case in cases
        for file in (*case.images, case.labels)
        if not is_file(file)
    )
    problems.extend(
        f"dataset.json: expected {channels} images for case {case.name}, got {len(case.images)}"
        for case in cases
        if channels and len(case.images) != channels
    )
    names = [case.name for case in cases]
    problems.extend(
        f"dataset.json: case {name} is listed {names.count(name)} times" for name in repeated(names)
    )
    return cases


def _check_all_listed(folder: Path, cases: Sequence[CaseFiles], problems: list[str]) -> None:
    known = {resolved(file) for case in cases for file in (*case.images, case.labels)}
    for kind in ("imagesTr", "labelsTr"):
        for file in sorted((folder / kind).glob("[!.]*.nii*")):
            if resolved(file) not in known:
                problems.append(f"{file}: not listed in dataset.json")
