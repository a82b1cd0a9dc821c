"""A Decathlon folder (Antonelli et al., Nature Communications 2022): dataset.json lists pairs of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from CompactSegLib.datasets.dataset import CaseFiles, Dataset, repeated, stem


def read_decathlon(folder: Path, data: dict[str, Any], problems: list[str]) -> Dataset:
    """Take dataset.json at its word and find the files that it lists; what is wrong is added to `problems`."""
    labels = _labels(data, problems)
    cases = _cases(folder, data, problems)
    channels = data.get("modality") or data.get("channel_names") or {"0": "image"}
    if not isinstance(channels, dict) or not all(str(key).isdecimal() for key in channels):
        problems.append('dataset.json: expected "modality" such as {"0": "MRI"}')
        channels = {}
    return Dataset(
        folder=folder,
        name=str(data.get("name", folder.name)),
        licence=str(data.get("licence", data.get("license", ""))),
        reference=str(data.get("reference", "")),
        channels=tuple(str(channels[key]) for key in sorted(channels, key=int)),
        labels=labels,
        cases=tuple(sorted(cases, key=lambda case: case.name)),
    )


def _labels(data: dict[str, Any], problems: list[str]) -> dict[int, str]:
    try:
        labels = {int(value): str(name) for value, name in dict(data["labels"]).items()}
    except (KeyError, TypeError, ValueError):
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


def _cases(folder: Path, data: dict[str, Any], problems: list[str]) -> list[CaseFiles]:
    listed = data.get("training")
    if not isinstance(listed, list) or not listed:
        problems.append('dataset.json: expected "training" to list pairs of "image" and "label"')
        return []
    cases = []
    for entry in listed:
        if not isinstance(entry, dict) or not {"image", "label"} <= set(entry):
            problems.append(
                f'dataset.json: expected "image" and "label" in "training", got {entry!r}'
            )
            continue
        image, labels = folder / entry["image"], folder / entry["label"]
        problems.extend(
            f"{file}: listed in dataset.json, but not there"
            for file in (image, labels)
            if not file.is_file()
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
