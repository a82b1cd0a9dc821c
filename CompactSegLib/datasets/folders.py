"""Which form of dataset a folder holds."""

from __future__ import annotations

import os
from pathlib import Path

from CompactSegLib.datasets.dataset import Dataset, Description, raise_if_any
from CompactSegLib.datasets.decathlon import read_decathlon
from CompactSegLib.datasets.nnunet import read_nnunet
from CompactSegLib.datasets.pairs import read_pairs
from CompactSegLib.errors import InputError
from CompactSegLib.json_data import build, read_json


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
    path = Path(folder)
    problems: list[str] = []
    if labels is not None:
        dataset = read_pairs(path, Path(labels), problems)
    elif not (path / "dataset.json").is_file():
        raise InputError(
            f"{path}: expected a Decathlon folder, or one of nnU-Net, with dataset.json, imagesTr and labelsTr, but "
            "dataset.json is not there; for a folder of images pass the folder of their labels with --labels."
        )
    else:
        file = path / "dataset.json"
        data = read_json(file, error=InputError)
        said = build(Description, data, where=str(file), error=InputError, others=True)
        read = read_nnunet if said.is_nnunet else read_decathlon
        dataset = read(path, said, problems)
    raise_if_any(path, problems)
    return dataset
