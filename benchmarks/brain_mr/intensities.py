"""What scanners and people do to the intensities of an image; its grid stays as it is."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from CompactSegLib import Volume

_WINDOW = (0.5, 99.5)
FWHM = math.sqrt(8 * math.log(2))
"""Full width at half maximum of a Gaussian, in standard deviations."""


def blurred(volume: Volume, fwhm_mm: float) -> Volume:
    """By a Gaussian of this full width at half maximum."""
    image = volume.geometry.to_sitk(volume.array[0].astype(np.float32))
    smooth = SimpleITK.SmoothingRecursiveGaussian(image, fwhm_mm / FWHM)
    return with_array(volume, SimpleITK.GetArrayFromImage(smooth))


def noised(volume: Volume, share: float, *, seed: int = 5) -> Volume:
    """Rician noise, as magnitude images have it, of so much of the range of intensities.

    Gudbjartsson and Patz, The Rician distribution of noisy MRI data, Magn Reson Med 34 (1995).
    """
    low, high = bounds(volume)
    random = np.random.default_rng(seed)
    shape = volume.array.shape[1:]
    real, imaginary = (share * random.standard_normal(shape, np.float32) for _ in range(2))
    signal = (volume.array[0].astype(np.float32) - low) / (high - low)
    return with_array(volume, np.hypot(signal + real, imaginary))


def shaded(volume: Volume, strength: float) -> Volume:
    """A smooth bias field; its logarithm differs by about twice `strength` between corners."""
    k, j, i = np.meshgrid(
        *[np.linspace(-1, 1, size, dtype=np.float32) for size in volume.shape_kji],
        indexing="ij",
        sparse=True,
    )
    field = strength * (0.4 * k - 0.3 * j + 0.3 * i + 0.3 * (j * j - k * i))
    return with_array(volume, volume.array[0] * np.exp(field))


def scaled(volume: Volume) -> NDArray[np.float32]:
    """Intensities ``(K, J, I)`` from 0 to 1 between the dark and bright ends of the image."""
    low, high = bounds(volume)
    return ((volume.array[0].astype(np.float32) - low) / (high - low)).clip(0, 1)


def bounds(volume: Volume) -> tuple[float, float]:
    """The dark and the bright end of an image, without its few extreme voxels."""
    low, high = np.percentile(volume.array[0], _WINDOW)
    return float(low), float(max(high, low + 1e-6))


def with_array(volume: Volume, array: NDArray) -> Volume:
    """The volume with other intensities ``(K, J, I)``."""
    return dataclasses.replace(volume, array=np.asarray(array, dtype=np.float32)[None])
