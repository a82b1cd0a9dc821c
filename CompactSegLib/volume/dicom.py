"""DICOM series among files: found and chosen.

A missing slice would shift everything behind it, or be missed at an end, without anybody noticing. So a file that lies
among slices and cannot be read is never taken as not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from CompactSegLib.errors import InputError
from CompactSegLib.paths import is_file, is_folder, is_there
from CompactSegLib.volume.dicom_file import is_dicom, modality_of
from CompactSegLib.volume.dicom_image import DicomFrame, read_dicom_frames
from CompactSegLib.volume.dicom_parts import lacks_slices_of, stacks_of, without_copies

_NO_VOLUMES = {"SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG", "DOC"}
_SEGMENTATIONS = {"SEG", "RTSTRUCT"}
_SUFFIXES = (".dcm", ".ima")


@dataclass(frozen=True)
class DicomSeries:
    """The frames of one Series Instance UID, in no particular order; or of one of the stacks that it holds.

    Attributes:
        uid: Series Instance UID.
        frames: Of all its files.
        part: Number of the stack where a series holds several, of other planes, times or echoes, else 0.
        apart: What tells this stack from the others, in words; may be empty.
        whole: How many frames all its stacks have together, 0 where there is one.
        lost: Files that look like slices of it, but cannot be read.
    """

    uid: str
    frames: tuple[DicomFrame, ...]
    part: int = 0
    apart: str = ""
    whole: int = 0
    lost: tuple[Path, ...] = ()

    @property
    def number(self) -> str:
        """Series number, empty where the files have none."""
        return self.frames[0].number

    @property
    def names(self) -> tuple[str, str]:
        """UID and number, by which it can be chosen."""
        behind = f"-{self.part}" if self.part else ""
        return f"{self.uid}{behind}", f"{self.number}{behind}" if self.number else ""

    def __str__(self) -> str:
        first, (uid, number) = self.frames[0], self.names
        number = f"series {number or 'without number'}"
        description = ", ".join(filter(None, (first.description or "no description", self.apart)))
        return f"{number}: {description} ({first.modality}, {len(self.frames)} images, {uid})"


def find_series(files: Iterable[Path]) -> list[DicomSeries]:
    """Return the image series among files and folders; what is no DICOM image is passed over.

    Series are ordered by number, then by UID.
    """
    by_uid: dict[str, list[DicomFrame]] = {}
    unread: list[Path] = []
    others: list[Path] = []
    for path in sorted(files):
        if path.name.startswith("."):  # of file systems, such as macOS's resource forks
            continue
        if not is_file(
            path
        ):  # a link that leads nowhere, as of a file that was not fetched; a pipe
            others.append(path)
            continue
        # Old files may lack the preamble, then the name is the only hint.
        if is_dicom(path) or path.suffix.lower() in _SUFFIXES:
            try:
                frames = read_dicom_frames(path)
            except InputError:
                unread.append(path)
                continue
            if frames and frames[0].modality not in _NO_VOLUMES:
                by_uid.setdefault(frames[0].series_uid, []).extend(frames)
        else:
            others.append(path)
    every = [frame for frames in by_uid.values() for frame in frames]
    slices = {(frame.path.parent, _pattern(frame.path)) for frame in every}
    unread += [path for path in others if _is_of_slices(path, slices)]
    series = [
        part
        for uid, frames in by_uid.items()
        for part in _parts(
            DicomSeries(uid, without_copies(frames), lost=_lost(unread, frames, slices))
        )
    ]
    return sorted(
        series, key=lambda s: (int(s.number) if s.number.isdigit() else -1, s.uid, s.part)
    )


def choose_series(
    found: Sequence[DicomSeries], wanted: str | int | None, *, where: Path
) -> DicomSeries:
    """Return the one series, or the one whose UID or number is wanted.

    Raises:
        InputError: None there, several to choose from, or none (or several) of that name.
    """
    if not found:
        raise InputError(
            f"{where}: expected DICOM images, found none; give the folder that holds them."
        )
    listing = "".join(f"\n  {series}" for series in found)
    if wanted is None:
        if len(found) == 1:
            return found[0]
        raise InputError(
            f"{where}: expected one DICOM series, found {len(found)}; "
            f"choose one by its number or UID with --series:{listing}"
        )
    named = [s for s in found if str(wanted) in s.names]
    if len(named) != 1:
        what = (
            "is the number of several series, use the UID" if named else "is not among the series"
        )
        raise InputError(f"{where}: {wanted!r} {what}:{listing}")
    return named[0]


def segmentation_among(files: Iterable[Path]) -> Path | None:
    """A DICOM object that holds a segmentation, which people take for an image."""
    for path in sorted(files):
        if is_file(path) and is_dicom(path) and modality_of(path) in _SEGMENTATIONS:
            return path
    return None


def of_file(found: Sequence[DicomSeries], path: Path) -> list[DicomSeries]:
    """The series that a file is of; where copies of it lie there, those of the instance."""
    instances = {frame.instance_uid for frame in read_dicom_frames(path)} - {""}
    return [
        series
        for series in found
        if any(frame.path == path or frame.instance_uid in instances for frame in series.frames)
    ]


def rest_of_series(frame: DicomFrame, files: Iterable[Path]) -> str | None:
    """A remark where other multi-frame images of its series lie beside the one that is read by itself."""
    others = {
        other.path.name
        for series in find_series(files)
        for other in series.frames
        if other.series_uid == frame.series_uid and other.instance_uid != frame.instance_uid
    }
    if not others:
        return None
    return (
        f"{frame.path}: this image was read by itself, but its series has more beside it, such as {min(others)}; give "
        "the folder to read all of them."
    )


def short_of_others(chosen: DicomSeries, found: Sequence[DicomSeries]) -> str | None:
    """A remark where another time, or another series of the same description, has slices that this one lacks."""
    others = [
        other
        for other in found
        if other is not chosen
        and _kind(other) == _kind(chosen)
        and lacks_slices_of(chosen.frames, other.frames)
    ]
    if not others:
        return None
    other = max(others, key=lambda series: len(series.frames))
    return (
        f"it has {len(chosen.frames)} slices, and series {other.names[1] or other.names[0]}, of the same description, "
        f"has {len(other.frames)}, at all these places and more; a slice may have been lost at an end, check the "
        "series."
    )


def _kind(series: DicomSeries) -> tuple[str, str]:
    """What series of several times share; their descriptions may count."""
    first = series.frames[0]
    return first.modality, re.sub(r"\d+", "", first.description)


def _parts(series: DicomSeries) -> list[DicomSeries]:
    stacks = stacks_of(series.frames)
    if len(stacks) == 1:
        return [series]
    return [
        replace(series, frames=tuple(own), part=n, apart=apart, whole=len(series.frames))
        for n, (apart, own) in enumerate(stacks, start=1)
    ]


def _lost(
    unread: Sequence[Path], frames: Sequence[DicomFrame], slices: set[tuple[Path, str]]
) -> tuple[Path, ...]:
    """The files among `unread` that may be slices of a series: named like its own, or like none that is known."""
    folders = {frame.path.parent for frame in frames}
    own = {(frame.path.parent, _pattern(frame.path)) for frame in frames}
    return tuple(
        path
        for path in unread
        if path.parent in folders
        and ((path.parent, _pattern(path)) in own or (path.parent, _pattern(path)) not in slices)
    )


def _pattern(path: Path) -> str:
    """A name without its numbers: slices differ in these. Names of random letters are alike."""
    name = re.sub(r"\d+", "0", path.name)
    return name if re.search(r"\d", name) else path.suffix.lower()


def _is_of_slices(path: Path, slices: set[tuple[Path, str]]) -> bool:
    """Whether a file that is no DICOM file is what a broken transfer left of a slice."""
    if is_folder(path):  # as some tools unpack a file; folders may be called like slices, too
        is_alike = (path.parent, _pattern(path)) in slices
        return is_alike and not any(map(is_dicom, path.rglob("*")))
    if (path.parent, _pattern(path)) in slices:
        # A number tells a slice from what else lies there; without, only what it holds does.
        is_numbered = re.search(r"\d", path.stem)
        return bool(is_numbered) or not is_file(path) or path.is_symlink() or _is_blank(path)
    whole = path.with_name(path.stem)  # of 0005.dcm.part
    return path.suffix != "" and (whole.parent, _pattern(whole)) in slices and not is_there(whole)


def _is_blank(path: Path) -> bool:
    """Whether a file is empty or begins with zeros, as broken transfers leave it."""
    with path.open("rb") as file:
        return not file.read(132).strip(b"\0")
