"""A dataset for training and evaluation: its files, what they are said to hold, and a case once it is prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from CompactSegLib.errors import InputError
from CompactSegLib.paths import is_file, is_folder, is_there
from CompactSegLib.words import counted

# A case with thousands of problems must not hide the problems of the others.
_LISTED_PROBLEMS = 50
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Of image files."""


@dataclass(frozen=True)
class CaseFiles:
    """Where a case is: its name, its image (one file, or one per channel) and its labels."""

    name: str
    images: tuple[Path, ...]
    labels: Path


@dataclass(frozen=True)
class Dataset:
    """What a folder holds, and what it says about itself.

    Attributes:
        folder: Where it is.
        name: Its name.
        licence: Its licence, empty where dataset.json names none.
        reference: Whose it is.
        channels: Names of the image channels.
        labels: Name per label value, background excluded.
        cases: The training cases, sorted by name.
        described_by: What says how many channels and labels there are.
    """

    folder: Path
    name: str
    licence: str
    reference: str
    channels: tuple[str, ...]
    labels: dict[int, str]
    cases: tuple[CaseFiles, ...]
    described_by: str = "dataset.json"

    @property
    def classes(self) -> int:
        """Number of classes, background included."""
        return len(self.labels) + 1

    @property
    def is_named(self) -> bool:
        """Whether somebody named the labels; those of mere files are called by their values."""
        return self.described_by == "dataset.json"


@dataclass(frozen=True)
class PreparedCase:
    """A case on the model's grid.

    Attributes:
        name: The case.
        image: ``(C, D, H, W)`` float32, intensities normalised.
        labels: ``(D, H, W)`` uint8.
    """

    name: str
    image: Tensor
    labels: Tensor


def check_folder(folder: Path, what: str) -> None:
    """Check that a folder is there and holds something.

    Args:
        folder: As it was given.
        what: Which folder was expected.

    Raises:
        InputError: It is not there, is a file or is empty.
    """
    if not is_there(folder):
        got = "there is nothing of this name; check the path"
    elif not is_folder(folder):
        got = "this is a file; pass a folder"
    elif not any(folder.iterdir()):
        got = "it is empty; choose another"
    else:
        return
    raise InputError(f"{folder}: expected {what}, but {got}.")


def image_files(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """The image files of a folder, sorted."""
    found = folder.iterdir() if is_folder(folder) else []
    return sorted(
        path
        for path in found
        if path.name.endswith(suffixes) and not path.name.startswith(".") and is_file(path)
    )


def stem(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> str:
    """A file's name without the suffix of its format."""
    for suffix in suffixes:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def repeated(names: Sequence[str]) -> list[str]:
    """Those that are there more than once."""
    return sorted({name for name in names if names.count(name) > 1})


def raise_if_any(folder: Path, problems: Sequence[str]) -> None:
    """List problems, if there are any.

    Raises:
        InputError: There are.
    """
    if not problems:
        return
    shown = [f"- {problem}" for problem in problems[:_LISTED_PROBLEMS]]
    if len(problems) > len(shown):
        shown.append(f"- and {len(problems) - len(shown)} more")
    raise InputError(
        f"{folder}: expected a dataset without faults, found {counted(len(problems), 'problem')}:\n"
        + "\n".join(shown)
    )
