"""A Decathlon folder (Antonelli et al., Nature Communications 2022): dataset.json lists pairs of files."""

from __future__ import annotations

from pathlib import Path

from CompactSegLib.datasets.dataset import CaseFiles, Dataset, Description, repeated, stem
from CompactSegLib.files import is_file


def read_decathlon(folder: Path, said: Description, problems: list[str]) -> Dataset:
    """Take dataset.json at its word and find the files that it lists; what is wrong is added to `problems`."""
    labels = _labels(said, problems)
    cases = _cases(folder, said, problems)
    channels = said.modality or said.channel_names or {"0": "image"}
    if not all(key.isdecimal() for key in channels):
        problems.append('dataset.json: expected "modality" such as {"0": "MRI"}')
        channels = {}
    names = [str(channels[key]) for key in sorted(channels, key=int)]
    return said.of(folder, names, labels, cases)


def _labels(said: Description, problems: list[str]) -> dict[int, str]:
    try:
        labels = {int(value): str(name) for value, name in said.labels.items()}
    except ValueError:
        problems.append(
            'dataset.json: expected "labels" such as {"0": "background", "1": "Anterior"}'
        )
        return {}
    labels.pop(0, None)
    if sorted(labels) != list(range(1, len(labels) + 1)) or not labels:
        problems.append(
            f"dataset.json: expected label values 1, 2, 3 and so on without gaps, got {sorted(labels)}"
        )
    return labels


def _cases(folder: Path, said: Description, problems: list[str]) -> list[CaseFiles]:
    if not said.training:
        problems.append('dataset.json: expected "training" to list pairs of "image" and "label"')
        return []
    cases = []
    for entry in said.training:
        image, labels = folder / entry.image, folder / entry.label
        problems.extend(
            f"{file}: listed in dataset.json, but not there"
            for file in (image, labels)
            if not is_file(file)
        )
        cases.append(CaseFiles(name=stem(labels), images=(image,), labels=labels))
    names = [case.name for case in cases]
    problems.extend(
        f"dataset.json: case {name} is listed {names.count(name)} times" for name in repeated(names)
    )
    known = {file.resolve() for case in cases for file in (*case.images, case.labels)}
    for kind in ("imagesTr", "labelsTr"):
        for file in sorted((folder / kind).glob("[!.]*.nii*")):
            if file.resolve() not in known:
                problems.append(f"{file}: not listed in dataset.json")
    return cases
