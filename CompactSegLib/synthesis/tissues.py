"""What FreeSurfer's numbers mean, as far as the look of an image hangs on it (FreeSurferColorLUT.txt)."""

from __future__ import annotations

# Values that are one tissue on both sides: left, right.
SIDES = (
    *((2, 41), (3, 42), (4, 43), (7, 46), (8, 47), (10, 49), (11, 50), (12, 51), (13, 52)),
    *((17, 53), (18, 54), (25, 57), (26, 58), (28, 60), (30, 62), (136, 163)),
)

FLUID = (4, 5, 14, 15, 24, 72)
GREY = (3, 8, 17, 18, 26)
WHITE = (2, 7, 85, 512, 530)
# Between cortex (0) and white matter (1), the further the more fibres and iron: these shorten T1 and T2.
DEEP = {
    10: (0.3, 1.0),
    11: (0.0, 0.6),
    12: (0.0, 0.8),
    13: (0.4, 1.3),
    16: (0.6, 1.05),
    28: (0.4, 1.1),
}
# From here on tissues outside of the brain.
OUTSIDE = 500

# Inferior horns hold the ventricles' fluid, and their choroid plexus is that of the ventricles.
_STANDS_FOR = {5: 4, 137: 136} | {right: left for left, right in SIDES} | {44: 4, 164: 136}


def tissue_of(value: int) -> int:
    """The value that stands for a tissue: the left side's, and the ventricle's for its horns."""
    return _STANDS_FOR.get(value, value)
