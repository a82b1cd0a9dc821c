"""How well a segmented structure agrees with the truth, on the image's own grid: overlap, surface and volume."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice
from numpy.typing import NDArray

from CompactSegLib.volume.boxes import box_of

NSD_TOLERANCE_MM = 1.0
# Headers hold spacings such as 1.0000001 mm, and neighbours at that distance are meant to be within 1 mm.
_HEADER_ERROR_MM = 1e-3


@dataclass(frozen=True)
class MaskScore:
    """A structure of a segmentation beside the same structure of the truth.

    A structure that neither has is no case to judge: its overlap and distances are NaN and left out of means. Where
    only one has it, Dice and NSD are 0 and HD95 is the image's diagonal, the largest distance there could be.

    Attributes:
        dice: 2 |A and B| / (|A| + |B|).
        nsd: Normalised surface distance at 1 mm: the share of both surfaces' voxels that lie within 1 mm of the other
            surface (Nikolov et al., JMIR 2021; a surface's voxels are counted, as MONAI does by default).
        hd95_mm: The larger of the two 95th percentiles of the distances from one surface to the other.
        truth_ml: Volume of the truth in millilitres.
        segmented_ml: Volume of the segmentation.
    """

    dice: float
    nsd: float
    hd95_mm: float
    truth_ml: float
    segmented_ml: float

    @property
    def volume_error_ml(self) -> float:
        """Positive where the segmentation is too large."""
        return self.segmented_ml - self.truth_ml

    @property
    def volume_error_percent(self) -> float:
        """Of the truth's volume; NaN where the truth has none."""
        return 100 * self.volume_error_ml / self.truth_ml if self.truth_ml else math.nan


def score_mask(
    truth: NDArray[np.bool_],
    segmented: NDArray[np.bool_],
    *,
    spacing_mm: tuple[float, float, float],
) -> MaskScore:
    """Compare two masks.

    Args:
        truth: ``(K, J, I)``.
        segmented: ``(K, J, I)``.
        spacing_mm: Along the arrays' axes, so in the order k, j, i.
    """
    voxel_ml = math.prod(spacing_mm) / 1000
    truth_ml, segmented_ml = (float(mask.sum()) * voxel_ml for mask in (truth, segmented))
    dice, nsd, hd95_mm = math.nan, math.nan, math.nan
    if truth_ml and segmented_ml:
        dice, nsd, hd95_mm = _agreement(truth, segmented, spacing_mm)
    elif truth_ml or segmented_ml:
        dice, nsd = 0.0, 0.0
        hd95_mm = float(np.linalg.norm(np.array(truth.shape) * np.array(spacing_mm)))
    return MaskScore(dice, nsd, hd95_mm, truth_ml, segmented_ml)


def _agreement(
    truth: NDArray[np.bool_], segmented: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Dice, NSD and HD95 of two masks, neither empty."""
    box = box_of(truth | segmented)
    assert box is not None
    # MONAI takes (N, C, K, J, I); the surface of a structure that touches the box is the box's there.
    a, b = (torch.from_numpy(mask[box].copy())[None, None] for mask in (segmented, truth))
    with warnings.catch_warnings():
        # MONAI 1.5 and 1.6 call a function of their own in a way that they deprecate.
        warnings.filterwarnings("ignore", ".*always_return_as_numpy", FutureWarning)
        nsd = compute_surface_dice(
            a,
            b,
            class_thresholds=[NSD_TOLERANCE_MM + _HEADER_ERROR_MM],
            include_background=True,
            spacing=spacing_mm,
        )
        hd95_mm = compute_hausdorff_distance(
            a, b, include_background=True, percentile=95, spacing=spacing_mm
        )
    # In double precision, since float32 can not count the voxels of a large structure one by one.
    return float(compute_dice(a.double(), b.double())), float(nsd), float(hd95_mm)
