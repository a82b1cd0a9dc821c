"""Random affine maps of patches."""

from __future__ import annotations

import math

import numpy as np
from monai.transforms.utils import create_rotate, create_scale, create_shear


def random_matrix(
    *,
    rotation_degrees: float,
    scale: tuple[float, float],
    shear: float,
    random: np.random.Generator,
) -> np.ndarray:
    """A 3x3 matrix from a patch's offsets to those of what it is cut from, axes D, H, W.

    Args:
        rotation_degrees: Largest angle around each axis.
        scale: Smallest and largest magnification, drawn per axis.
        shear: Largest shear factor.
        random: What decides.
    """
    angles = np.deg2rad(random.uniform(-rotation_degrees, rotation_degrees, 3))
    # Zooming by log-uniform factors shrinks as often as it enlarges.
    zoom = np.exp(random.uniform(math.log(scale[0]), math.log(scale[1]), 3))
    shears = random.uniform(-shear, shear, 6)
    matrix = (
        create_rotate(3, angles.tolist())
        @ create_shear(3, shears.tolist())
        @ create_scale(3, (1 / zoom).tolist())
    )
    return np.asarray(matrix)[:3, :3].copy()
