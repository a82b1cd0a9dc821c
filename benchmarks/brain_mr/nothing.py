"""What the model finds where there is no head: a CT of the trunk, air, noise, shapes; and what the report says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from benchmarks.brain_mr.engine import Result, run
from CompactSegLib import Geometry, InputError, Label, Segmenter, Volume

_SEED = 7
_SHAPE = (128, 128, 128)
_SPACING_MM = (1.5, 1.5, 1.5)

Maker = Callable[[], NDArray[np.float32]]


@dataclass(frozen=True)
class NothingResult:
    """One image without a head.

    Attributes:
        name: What it is.
        volume: The image; None where it was refused.
        result: What was found; None where it was refused.
        words: The sentence that refused it, or the messages of the report.
    """

    name: str
    volume: Volume | None
    result: Result | None
    words: str


def measure(segmenter: Segmenter, ct: Volume, say: Callable[[str], None]) -> list[NothingResult]:
    """Segment a CT and the made-up images."""
    say("nothing: CT")
    found = [_segmented("CT of the trunk", segmenter, lambda: ct)]
    for name, make in IMAGES.items():
        say(f"nothing: {name}")
        found.append(
            _segmented(name, segmenter, lambda make=make, name=name: a_volume(make(), name))
        )
    return found


def a_volume(array: NDArray[np.float32], name: str) -> Volume:
    """An array ``(K, J, I)`` of voxels of 1.5 mm, checked as any image that is read."""
    geometry = Geometry(size_ijk=array.shape[::-1], spacing_mm=_SPACING_MM)
    return Volume.from_array(array, geometry, name=name)


def _segmented(name: str, segmenter: Segmenter, load: Callable[[], Volume]) -> NothingResult:
    try:
        volume = load()
        result = run(segmenter, volume)
    except InputError as error:
        return NothingResult(name, None, None, f"refused: {error}")
    return NothingResult(name, volume, result, " ".join(result.messages) or "–")


def constant() -> NDArray[np.float32]:
    return np.full(_SHAPE, 100, np.float32)


def one_voxel() -> NDArray[np.float32]:
    """All equal but for one voxel, which is enough to be taken for an image."""
    array = constant()
    array[64, 64, 64] = 101
    return array


def air() -> NDArray[np.float32]:
    """Magnitude noise without signal, as the air around a head has it."""
    random = np.random.default_rng(_SEED)
    return np.hypot(*random.standard_normal((2, *_SHAPE), np.float32))


def smooth_noise() -> NDArray[np.float32]:
    """Noise of the coarseness of gyri."""
    random = np.random.default_rng(_SEED)
    noise = SimpleITK.GetImageFromArray(random.standard_normal(_SHAPE, np.float32))
    return SimpleITK.GetArrayFromImage(SimpleITK.SmoothingRecursiveGaussian(noise, 4.0))


def blobs() -> NDArray[np.float32]:
    """Forty balls of 5 to 40 mm, each of its own brightness, in a little noise."""
    random = np.random.default_rng(_SEED)
    array = 0.05 * np.abs(random.standard_normal(_SHAPE, np.float32))
    grid = np.ogrid[tuple(slice(0, size) for size in _SHAPE)]
    for _ in range(40):
        centre, radius = random.uniform(0, 128, 3), random.uniform(5, 40) / _SPACING_MM[0]
        distance = sum((axis - at) ** 2 for axis, at in zip(grid, centre, strict=True))
        array[distance < radius**2] += random.uniform(0.2, 1)
    return array


def water_phantom() -> NDArray[np.float32]:
    """A ball of 170 mm filled with water, as used for quality control: as large as a head."""
    random = np.random.default_rng(_SEED)
    grid = np.ogrid[tuple(slice(-size / 2, size / 2) for size in _SHAPE)]
    radius = np.sqrt(sum((axis * _SPACING_MM[0]) ** 2 for axis in grid))
    real, imaginary = 0.03 * random.standard_normal((2, *_SHAPE), np.float32)
    return np.hypot((radius < 85) + real, imaginary).astype(np.float32)


IMAGES: dict[str, Maker] = {
    "empty (all 0)": lambda: np.zeros(_SHAPE, np.float32),
    "constant": constant,
    "constant but for one voxel": one_voxel,
    "noise, as in air": air,
    "smooth noise": smooth_noise,
    "balls": blobs,
    "ball of water, 170 mm": water_phantom,
}
"""By name; all of 192×192×192 mm."""


def total_rows(found: list[NothingResult]) -> list[dict[str, object]]:
    """Millilitres found in all, per level, and what the user reads."""
    levels = max(len(one.result.levels) for one in found if one.result)
    return [
        {"image": one.name}
        | {f"level {n + 1} (ml)": millilitres(one, n) for n in range(levels)}
        | {"what the report says": one.words}
        for one in found
    ]


def structure_rows(
    found: list[NothingResult], labels: tuple[Label, ...]
) -> list[dict[str, object]]:
    """Millilitres at the last level, a row per structure that was found in some image, a column per such image."""
    last = {one.name: one.result.last.millilitres for one in found if one.result}
    images = [name for name, volumes in last.items() if any(volumes.values())]
    return [
        {"structure": label.name} | {name: last[name][label.name] for name in images}
        for label in labels
        if any(last[name][label.name] for name in images)
    ]


def millilitres(one: NothingResult, level: int = -1) -> float:
    """All that a level labelled; 0 where the image was refused."""
    return sum(one.result.levels[level].millilitres.values()) if one.result else 0.0


def most_millilitres(one: NothingResult) -> float:
    """All that was labelled at the level that labelled most."""
    levels = len(one.result.levels) if one.result else 0
    return max((millilitres(one, level) for level in range(levels)), default=0.0)
