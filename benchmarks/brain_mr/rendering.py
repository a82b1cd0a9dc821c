"""Images of label maps, by a renderer of the benchmark's own: it shares no mistake with the one of the training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from benchmarks.brain_mr.contrasts import means_of
from benchmarks.brain_mr.grids import ACROSS, cropped, sliced, tilted
from benchmarks.brain_mr.heads import Head
from benchmarks.brain_mr.intensities import blurred, noised, shaded
from CompactSegLib import Volume
from CompactSegLib.synthesis.tissues import OUTSIDE

_SPREAD = 0.04
# Muscle, fat and marrow are mixed in what the label maps call soft tissue, scalp and marrow.
_MIXED = {507: 0.30, 511: 0.20, 516: 0.20}
_MIXED_MM = 4.0
_PARTIAL_VOLUME_MM = 1.2
_NOISE = 0.03
_BIAS = 0.2
_FLUID_AROUND = 24
_SLAB = (0.25, 0.75)


@dataclass(frozen=True)
class Setting:
    """How an image of a head is made.

    Attributes:
        contrast: One of `CONTRASTS`.
        thickness_mm: Of the slices; voxels within them measure 1 mm.
        plane: Of the slices: ``axial``, ``coronal`` or ``sagittal``; any for 1 mm.
        skull: Whether all outside the brain and its fluid is there.
        turned: Plane within which the head is turned by 20°, or None.
        slab: Whether only the middle half of the brain's height is in the field of view.
    """

    contrast: str
    thickness_mm: float = 1.0
    plane: str = "axial"
    skull: bool = True
    turned: str | None = None
    slab: bool = False

    @property
    def name(self) -> str:
        """In words."""
        parts = [self.contrast]
        parts.append(f"{self.thickness_mm:g} mm" + (f" {self.plane}" if self.is_thick else ""))
        parts += [] if self.skull else ["without skull"]
        parts += [f"turned by 20° ({self.turned})"] if self.turned else []
        parts += ["half the height"] if self.slab else []
        return ", ".join(parts)

    @property
    def is_thick(self) -> bool:
        return self.thickness_mm > 1.0


def render(head: Head, setting: Setting, *, seed: int = 0) -> Volume:
    """An image of a head, with the texture, bias field, partial volume and noise of an ordinary scan."""
    random = np.random.default_rng(seed)
    signal = _signal(head, setting, random)
    volume = Volume(signal[None], head.geometry, name=f"{head.name}, {setting.name}")
    volume = shaded(blurred(volume, _PARTIAL_VOLUME_MM), _BIAS * random.choice([-1, 1]))
    if setting.slab:
        volume = cropped(volume, _middle(head))
    if setting.turned:
        volume = tilted(volume, 20, setting.turned)
    if setting.is_thick:
        volume = sliced(volume, setting.thickness_mm, setting.plane)
    return noised(volume, _NOISE, seed=seed)


def is_air(head: Head, setting: Setting) -> NDArray[np.bool_]:
    """Per tissue of a head whether an image shows none of it: air, and without skull all outside of the brain."""
    return np.array([v == 0 or (v >= OUTSIDE and not setting.skull) for v in head.values])


def _signal(head: Head, setting: Setting, random: np.random.Generator) -> NDArray[np.float32]:
    means = means_of(setting.contrast, head.values)
    means[is_air(head, setting)] = 0
    signal = means[head.tissues]
    signal *= 1 + _SPREAD * random.standard_normal(signal.shape, np.float32)
    mixed = np.array([_MIXED.get(value, 0.0) for value in head.values], np.float32)
    return signal * (1 + mixed[head.tissues] * _slow_noise(head, random))


def _slow_noise(head: Head, random: np.random.Generator) -> NDArray[np.float32]:
    """Noise of standard deviation 1 that changes over some millimetres; made coarse, which it is anyway."""
    shape = [max(2, round(size / _MIXED_MM)) for size in head.tissues.shape]
    coarse = SimpleITK.GetImageFromArray(random.standard_normal(shape, np.float32))
    size = head.tissues.shape[::-1]
    coarse.SetSpacing([n / m for n, m in zip(size, coarse.GetSize(), strict=True)])
    fine = SimpleITK.Resample(
        coarse, size, SimpleITK.Transform(), SimpleITK.sitkLinear, [0.0] * 3, [1.0] * 3
    )
    return SimpleITK.GetArrayFromImage(fine)


def _middle(head: Head) -> NDArray[np.bool_]:
    """The middle of the brain's height, over the whole width and depth of the image."""
    axes, _ = head.geometry.nearest_axes()
    axis = 2 - axes[ACROSS["axial"]]
    others = tuple(other for other in range(3) if other != axis)
    known = np.array([0 < value < OUTSIDE and value != _FLUID_AROUND for value in head.values])
    places = np.flatnonzero(known[head.tissues].any(axis=others))
    first, last = (places[0] + share * (places[-1] - places[0]) for share in _SLAB)
    inside = np.zeros(head.tissues.shape, bool)
    np.moveaxis(inside, axis, 0)[round(first) : round(last) + 1] = True
    return inside
