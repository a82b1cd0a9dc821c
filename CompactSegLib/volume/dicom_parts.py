"""The stacks of slices that one DICOM series holds: of several planes, times, echoes or weightings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np

from CompactSegLib.volume.dicom_file import have_same_pixels
from CompactSegLib.volume.dicom_image import APART, DicomFrame, are_parallel
from CompactSegLib.words import shortened

_SAME_PLACE_MM = 0.05
# Such as the echoes of each time.
_MOST_WAYS = 3

Stack: TypeAlias = tuple[str, Sequence[DicomFrame]]
"""What tells a stack from others at its place, in words that may be empty, and its frames."""


def stacks_of(frames: Sequence[DicomFrame]) -> list[Stack]:
    """Part the frames of a series into stacks, one where they cannot be told apart.

    Planes are told apart in multi-frame images only: slices of one series that differ are a fault, which reading tells,
    and so is a frame that does not state its plane.
    """
    unstated = any(None in (frame.spacing_mm, frame.orientation) for frame in frames)
    if unstated or all(frame.frames == 1 for frame in frames):
        return _at_one_place(frames)
    planes: list[list[DicomFrame]] = []
    for frame in frames:
        fitting = next(
            (p for p in planes if are_parallel(p[0], frame) and p[0].stack == frame.stack), None
        )
        if fitting is None:
            planes.append([frame])
        else:
            fitting.append(frame)
    return [stack for plane in planes for stack in _at_one_place(plane)]


def without_copies(frames: Sequence[DicomFrame]) -> tuple[DicomFrame, ...]:
    """One and the same instance may lie in a folder twice; images that only say that they are the same all stay."""
    seen: dict[tuple[object, ...], DicomFrame] = {}
    others: list[DicomFrame] = []
    same: dict[tuple[Path, Path], bool] = {}
    for frame in frames:
        own = frame.instance_uid or str(frame.path)
        first = seen.setdefault((own, frame.index, frame.position_mm, frame.orientation), frame)
        if first is frame:
            continue
        files = first.path, frame.path
        if files not in same:
            same[files] = have_same_pixels(*files)
        if not same[files]:
            others.append(frame)
    return (*seen.values(), *others)


def lacks_slices_of(frames: Sequence[DicomFrame], others: Sequence[DicomFrame]) -> bool:
    """Whether others have all places of a stack, and more: what it lacks may have been lost."""
    first, other = frames[0], others[0]
    if len(others) <= len(frames) or not are_parallel(first, other) or first.orientation is None:
        return False
    if any(frame.position_mm is None for frame in (*frames, *others)):
        return False
    along_i, along_j = np.reshape(first.orientation, (2, 3))
    normal = np.cross(along_i, along_j)
    places = np.array([frame.position_mm for frame in frames])
    known = np.array([frame.position_mm for frame in others])
    known = known[np.argsort(known @ normal)]
    behind = np.clip(np.searchsorted(known @ normal, places @ normal), 1, len(known) - 1)
    apart = [np.linalg.norm(places - known[index], axis=1) for index in (behind - 1, behind)]
    return bool(np.min(apart, axis=0).max() < _SAME_PLACE_MM)


def _at_one_place(frames: Sequence[DicomFrame]) -> list[Stack]:
    """Where a series has several images at a place, and says what tells them apart: the stacks of these."""
    if not _has_repeats(frames):
        return [("", frames)]
    for ways in _ways(frames):
        stacks: dict[tuple[str, ...], list[DicomFrame]] = {}
        for frame in frames:
            stacks.setdefault(tuple(frame.apart[way] for way in ways), []).append(frame)
        sizes = [len(stack) for stack in stacks.values()]
        # Slices that each have a time of their own are one image; a stack that lacks half of another is none.
        is_parted = len(sizes) > 1 and max(sizes) > 1 and 2 * min(sizes) >= max(sizes)
        if is_parted and not any(map(_has_repeats, stacks.values())):
            return [
                (
                    ", ".join(
                        f"{APART[way]} {shortened(one, 40)}"
                        for way, one in zip(ways, own, strict=True)
                    ),
                    stack,
                )
                for own, stack in sorted(stacks.items(), key=lambda item: [*map(_rank, item[0])])
            ]
    return [("", frames)]


def _ways(frames: Sequence[DicomFrame]) -> Iterator[tuple[int, ...]]:
    """Places in `APART` that differ among frames, one after the other, then several together."""
    every = zip(*(frame.apart for frame in frames), strict=True)
    differ = [way for way, told in enumerate(every) if len(set(told)) > 1]
    for count in range(1, _MOST_WAYS + 1):
        yield from combinations(differ, count)


def _rank(text: str) -> tuple[bool, float, str]:
    """Numbers by their size, then other texts, what is not stated last."""
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    return not text, number if math.isfinite(number) else math.inf, text


def _has_repeats(frames: Sequence[DicomFrame]) -> bool:
    places = [np.round(f.position_mm, 2) for f in frames if f.position_mm is not None]
    return len({tuple(place) for place in places}) < len(places)
